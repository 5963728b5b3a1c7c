import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inChinese } from './sentences';

const schema = (path: string) => readFileSync(join(import.meta.dirname, '../../../schema/src', path), 'utf8');

/** The sentences of a piece of Rust, with something in place of what is formatted into them. */
function sentences(source: string): string[] {
  const texts = [...source.matchAll(/format!\(\s*"([^"]+)"|"([^"]+)"\.to_owned\(\)/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  const parts: Record<string, string> = {
    reports: '3',
    missing: '1',
    boot: '9',
    noun: 'reports',
    verb: 'are',
    early: '12.5 ms',
  };
  let spans = 0;
  return texts.map((text) =>
    text.replace(/\{(\w*)\}/g, (_, name: string) => {
      if (name in parts) return parts[name] as string;
      // `run {} took {}, slow is above {}`: a run and two spans.
      if (text.startsWith('run ')) return spans++ === 0 ? '#1' : '2.5 s';
      return 'some name';
    }),
  );
}

describe('sentences of the server', () => {
  const sources = {
    'finding.rs': schema('finding.rs').split('/// A span of time')[0] as string,
    'panorama/findings.rs': schema('panorama/findings.rs'),
    because: /fn because_text[\s\S]*?\n\}/.exec(schema('panorama/mod.rs'))?.[0] ?? '',
  };

  it.each(Object.entries(sources))('all have a Chinese form: %s', (_, source) => {
    const found = sentences(source);
    expect(found.length).toBeGreaterThan(3);
    for (const sentence of found) {
      const told = inChinese(sentence);
      expect([sentence, /[\u4e00-\u9fff]/.test(told)]).toEqual([sentence, true]);
      expect(told).not.toMatch(/\b(the|of|chose|before|reports?|ended|ran)\b/);
    }
  });

  it.each([
    ['routeByRisk chose review', 'routeByRisk 选择了 review'],
    ['D chose 7: large', 'D 选择了 7: large'],
    ['D chose true (inferred)', 'D 选择了 true（推断）'],
    ['a chose b chose c', 'a 选择了 b chose c'],
    ['D chose x, which is none of its cases', 'D 选择了 x，它不是已定义的分支'],
    ['D chose x; its cases are a, b', 'D 选择了 x；已定义的分支是 a, b'],
    ['1 report of trace t1 is shown in other executions as well', 'trace t1 的 1 条上报也显示在其他执行中'],
    ['b began 12.5 ms before a ended on another host', 'b 比另一台主机上的 a 结束早 12.5 ms 开始'],
    ['run #1 took 2.5 s, slow is above 800 ms', '运行 #1 耗时 2.5 s，超过慢阈值 800 ms'],
    ['two\nlines ended the link', 'two\nlines 结束了链路'],
    ['$& ended the link', '$& 结束了链路'],
  ])('%s', (english, chinese) => {
    expect(inChinese(english)).toBe(chinese);
  });

  it('stay as they are when they are none of these', () => {
    for (const text of ['', 'something new the server says', 'optional node', 'chose'])
      expect(inChinese(text)).toBe(text);
  });
});
