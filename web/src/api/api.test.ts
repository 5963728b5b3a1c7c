import { describe, expect, it } from 'vitest';
import { entry } from '../testing/made';
import { ApiError, apiUrl, executionPath, problemOf } from './client';
import { remove, renew, upsert } from './list';
import { eventParser, type LiveEvent } from './live';
import { again, changedPages, retry } from './queries';
import type { ListAnswer } from './types';

describe('problems', () => {
  it('are told as the server tells them', () => {
    const body =
      '{"type":"about:blank","title":"Bad Request","status":400,"detail":"limit is 0","errors":[{"parameter":"limit"}]}';
    const error = problemOf(400, 'x', null, body);
    expect([error.status, error.title, error.message, error.parts, error.passing]).toEqual([
      400,
      'Bad Request',
      'limit is 0',
      [{ parameter: 'limit' }],
      false,
    ]);
  });

  it('of an upload have places', () => {
    expect(problemOf(422, '', null, '{"problems":[{"line":3,"column":5,"message":"m"}]}').parts).toEqual([
      { line: 3, column: 5, message: 'm' },
    ]);
  });

  it('without a body have at least a status', () => {
    const error = problemOf(502, 'Bad Gateway', null, '<html>');
    expect([error.message, error.passing]).toEqual(['Bad Gateway', true]);
    expect(problemOf(429, '', '7', '').retryAfter).toBe(7);
    expect(problemOf(503, '', 'Wed, 21 Oct', '').retryAfter).toBeNull();
  });

  it('that pass are tried again, but not for ever and not when told to wait', () => {
    const tries = (status: number) => [0, 1, 2].map((failures) => retry(failures, new ApiError(status, '', '')));
    expect(tries(503)).toEqual([true, true, false]);
    expect(tries(0)).toEqual([true, true, false]);
    expect(tries(404)).toEqual([false, false, false]);
    expect(tries(429)).toEqual([false, false, false]);
  });
});

describe('what failed', () => {
  it('is asked for again by itself when that may help, and not before the server says', () => {
    expect([0, 500, 503].map((status) => again(new ApiError(status, '', '')))).toEqual([5000, 5000, 5000]);
    expect([400, 401, 403, 404, 413].map((status) => again(new ApiError(status, '', '')))).toEqual(
      Array.from({ length: 5 }, () => false),
    );
    expect(again(new ApiError(429, '', '', [], 7))).toBe(7000);
    expect(again(new ApiError(503, '', '', [], 0))).toBe(1000);
    expect(again(new Error('of the page'))).toBe(false);
  });

  it('tells how long is left to wait', () => {
    const error = new ApiError(429, '', '', [], 7);
    expect([error.waits(Date.now()), error.waits(Date.now() + 5500), error.waits(Date.now() + 9000)]).toEqual([
      7, 2, 0,
    ]);
    expect(new ApiError(503, '', '').waits(Date.now())).toBeNull();
  });
});

describe('addresses', () => {
  it('hold any id', () => {
    expect(
      apiUrl(executionPath({ businessId: 'a/b', sceneId: '业', executionId: '%|' }), { q: 'a&b', none: '', zero: 0 }),
    ).toBe('./api/v1/business/a%2Fb/scenes/%E4%B8%9A/executions/%25%7C?q=a%26b&zero=0');
  });
});

describe('server-sent events', () => {
  const parse = (chunks: string[]) => {
    const events: LiveEvent[] = [];
    const feed = eventParser((event) => events.push(event));
    for (const chunk of chunks) feed(chunk);
    return events;
  };

  it('are read however they are cut', () => {
    const text =
      'retry: 1000\n\n: keep-alive\n\nid: 7\nevent: list\ndata: {"a":\ndata: 1}\n\r\nevent: gone\r\ndata: x\r\n\r\n';
    const want = [
      { event: 'list', data: '{"a":\n1}', id: '7' },
      { event: 'gone', data: 'x', id: '7' },
    ];
    expect(parse([text])).toEqual(want);
    expect(parse([...text])).toEqual(want);
  });

  it('without an end are not told', () => {
    expect(parse(['data: half'])).toEqual([]);
    expect(parse(['data:x\n\n'])).toEqual([{ event: 'message', data: 'x', id: null }]);
  });
});

describe('a list that changes', () => {
  const at = (id: string, second: number) =>
    entry({ executionId: id, startTime: `2026-11-22T10:00:${String(second).padStart(2, '0')}.000000Z` });
  const pages = (more: boolean): ListAnswer[] => [
    { executions: [at('e9', 9), at('e7', 7)], nextCursor: 'x' },
    { executions: [at('e5', 5), at('e3', 3)], nextCursor: more ? 'y' : null },
  ];
  const ids = (list: ListAnswer[]) => list.map((page) => page.executions.map((one) => one.executionId).join(' '));

  it('takes what is new where it belongs', () => {
    expect(ids(upsert(pages(true), at('e10', 10)))).toEqual(['e10 e9 e7', 'e5 e3']);
    expect(ids(upsert(pages(true), at('e8', 8)))).toEqual(['e9 e8 e7', 'e5 e3']);
    expect(ids(upsert(pages(true), at('e4', 4)))).toEqual(['e9 e7', 'e5 e4 e3']);
    expect(ids(upsert([], at('e1', 1)))).toEqual(['e1']);
  });

  it('leaves what lies behind the loaded pages to them', () => {
    expect(ids(upsert(pages(true), at('e1', 1)))).toEqual(['e9 e7', 'e5 e3']);
    expect(ids(upsert(pages(false), at('e1', 1)))).toEqual(['e9 e7', 'e5 e3 e1']);
  });

  it('has each execution once', () => {
    const changed = upsert(pages(true), { ...at('e5', 5), status: 'failed' });
    expect(ids(changed)).toEqual(['e9 e7', 'e5 e3']);
    expect(changed[1]?.executions[0]?.status).toBe('failed');
    expect(ids(remove(pages(true), at('e7', 7)))).toEqual(['e9', 'e5 e3']);
  });

  it('told again keeps what was loaded behind it', () => {
    expect(ids(renew(pages(true), { executions: [at('e11', 11), at('e9', 9), at('e7', 7)], nextCursor: 'z' }))).toEqual(
      ['e11 e9 e7', 'e5 e3'],
    );
    expect(ids(renew(pages(true), { executions: [at('e2', 2)], nextCursor: null }))).toEqual(['e2']);
    // Nobody knows what came between e9 and e30.
    expect(ids(renew(pages(true), { executions: [at('e31', 31), at('e30', 30)], nextCursor: 'z' }))).toEqual([
      'e31 e30',
    ]);
  });

  it('takes events and passes over those it does not know', () => {
    const list = pages(true);
    const event = (name: string, data: unknown): LiveEvent => ({ event: name, data: JSON.stringify(data), id: null });
    expect(ids(changedPages(list, event('execution', at('e12', 12))))[0]).toBe('e12 e9 e7');
    expect(ids(changedPages(list, event('gone', at('e9', 9))))[0]).toBe('e7');
    expect(changedPages(list, event('other', {}))).toBe(list);
  });
});
