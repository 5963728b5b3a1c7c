import { describe, expect, it } from 'vitest';
import { jsonText, keptNumber, parseJson } from '../api/json';
import type { Json } from '../api/types';
import { jsonRows, leafKind, leafText, searchJson } from './rows';

const none = new Set<string>();

describe('rows of a value', () => {
  it('are one for each entry and each bracket', () => {
    const { rows } = jsonRows({ a: [1, 'x'], b: {}, c: null }, none, null);
    expect(rows.map((row) => `${'.'.repeat(row.depth)}${row.key ?? ''} ${row.kind}`)).toEqual([
      ' open',
      '.a open',
      '..0 leaf',
      '..1 leaf',
      '. close',
      '.b leaf',
      '.c leaf',
      ' close',
    ]);
  });

  it('fold and unfold by path', () => {
    const value = { a: { b: { c: { d: 1 } } } };
    const folded = jsonRows(value, none, null).rows;
    expect(folded.find((row) => row.path === '/a/b/c')?.kind).toBe('folded');
    expect(jsonRows(value, new Set(['/a/b/c']), null).rows.find((row) => row.path === '/a/b/c')?.kind).toBe('open');
    expect(jsonRows(value, new Set(['']), null).rows).toHaveLength(1);
  });

  it('are made of JSON nested 100,000 deep without falling over', () => {
    const deep = parseJson(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    expect(jsonRows(deep, none, null).rows.length).toBeLessThan(10);
    const found = searchJson(parseJson(`${'{"k":'.repeat(50_000)}"needle"${'}'.repeat(50_000)}`), 'needle');
    expect(found?.list).toHaveLength(1);
  });

  it('end where there would be too many', () => {
    const value = Object.fromEntries(
      Array.from({ length: 150 }, (_, at) => [`k${at}`, Array.from({ length: 190 }, () => [1, 2, 3])]),
    ) as Json;
    const { rows, cut } = jsonRows(value, none, null);
    expect([rows.length, cut]).toEqual([50_000, true]);
  });
});

describe('a search', () => {
  const value = { user: { name: 'Ann', tags: ['red', 'Redder'] }, 'red/key': 1 };

  it('finds keys and values and opens what is around them', () => {
    const found = searchJson(value, 'RED');
    expect(found?.list).toEqual(['/user/tags/0', '/user/tags/1', '/red~1key']);
    const { rows } = jsonRows(value, new Set(['', '/user', '/user/tags']), found);
    expect(rows.filter((row) => row.matches).map((row) => row.path)).toEqual(found?.list);
  });

  it('for nothing is none', () => {
    expect(searchJson(value, '  ')).toBeNull();
  });
});

describe('numbers', () => {
  it('keep all their digits', () => {
    const text = '{"id":9007199254740993,"s":"9007199254740993","f":0.12345678901234567890,"n":42}';
    const value = parseJson<{ [key: string]: Json }>(text);
    expect(keptNumber(value.id)).toBe('9007199254740993');
    expect(value.s).toBe('9007199254740993');
    expect(value.n).toBe(42);
    expect([leafKind(value.id as Json), leafText(value.id as Json)]).toEqual(['number', '9007199254740993']);
    expect(jsonText(value, 0)).toBe(text);
  });

  it('in texts with quotes and backslashes stay text', () => {
    const text = JSON.stringify({ a: 'say "12345678901234567890" \\', b: 12345678 });
    expect(jsonText(parseJson(text), 0)).toBe(text);
  });
});
