import { describe, expect, it } from 'vitest';
import { alarms, levelOf } from './level';
import { lineDiff } from './line-diff';
import { readSettings } from './settings';
import { bytes, head, occurrences, visible, visibleLine } from './text';
import { dateTime, duration, micros, microsOrNull, relative, rfc3339 } from './time';

describe('times', () => {
  it('keep their microseconds', () => {
    expect(micros('2026-11-22T10:00:00.123456Z')).toBe(1795341600123456);
    expect(micros('2026-11-22T18:00:00.5+08:00')).toBe(1795341600500000);
    expect(rfc3339(1795341600123456)).toBe('2026-11-22T10:00:00.123456Z');
    expect(dateTime(1795341600123456, 'utc', 6)).toBe('2026-11-22 10:00:00.123456');
    expect(dateTime(1795341600123456, 'utc', 0)).toBe('2026-11-22 10:00:00');
  });

  it('that are none are told apart from the epoch', () => {
    expect(microsOrNull(null)).toBeNull();
    expect(microsOrNull('yesterday')).toBeNull();
    expect(microsOrNull('1970-01-01T00:00:00Z')).toBe(0);
  });

  it('before the epoch have a clock too', () => {
    expect(dateTime(-1, 'utc', 6)).toBe('1969-12-31 23:59:59.999999');
  });

  it('are so long ago', () => {
    const hour = 3_600_000_000;
    expect(relative(0, 26 * hour)).toEqual([-1, 'day']);
    expect(relative(0, 90_000_000)).toEqual([-1, 'minute']);
    expect(relative(2 * hour, 0)).toEqual([2, 'hour']);
  });
});

describe('durations', () => {
  it.each([
    [0, '0 µs'],
    [999, '999 µs'],
    [1000, '1 ms'],
    [69_440, '69.4 ms'],
    [136_990, '137 ms'],
    [999_600, '1 s'],
    [1_377_816, '1.38 s'],
    [59_990_000, '60 s'],
    [60_000_000, '1 min'],
    [119_700_000, '2 min'],
    [7_500_000_000, '2 h 5 min'],
    [86_400_000_000 * 3 + 3_600_000_000 * 4, '3 d 4 h'],
    [-1500, '−1.5 ms'],
  ])('%d µs is %s', (us, text) => {
    expect(duration(us)).toBe(text);
  });
});

describe('reported text', () => {
  it('shows what would steer a terminal or turn the direction', () => {
    expect(visible('\u001b[31mred\u001b[0m')).toBe('␛[31mred␛[0m');
    expect(visible('a\u202eb\u2066c\u0000')).toBe('a⟨RLO⟩b⟨LRI⟩c␀');
    expect(visible('two\nlines\tand a tab')).toBe('two\nlines\tand a tab');
    expect(visibleLine('two\nlines')).toBe('two⏎lines');
  });

  it('is never cut inside a character', () => {
    expect(head('ab😀', 3)).toBe('ab');
    expect(head('ab😀', 4)).toBe('ab😀');
  });

  it('is searched whatever its case', () => {
    expect(occurrences('Foo foo FOO', 'foo')).toEqual([
      [0, 3],
      [4, 7],
      [8, 11],
    ]);
    expect(occurrences('İx', 'x')).toEqual([[1, 2]]);
    expect(occurrences('aaa', '')).toEqual([]);
  });

  it('has a size', () => {
    expect([bytes(12), bytes(2048), bytes(1_572_864)]).toEqual(['12 B', '2 KiB', '1.5 MiB']);
  });
});

describe('levels', () => {
  it('are told from what was reported', () => {
    expect([levelOf('warning'), levelOf('SEVERE'), levelOf('info'), levelOf('loud'), levelOf(null)]).toEqual([
      'WARN',
      'ERROR',
      'INFO',
      null,
      null,
    ]);
    expect(alarms({ ERROR: 1, fatal: 2, WARNING: 3, INFO: 4 })).toEqual({ errors: 3, warnings: 3, total: 10 });
  });
});

describe('settings', () => {
  it('follow the browser until something is chosen', () => {
    expect(readSettings(null, '', ['zh-CN', 'en'])).toEqual({ theme: 'system', language: 'zh', zone: 'local' });
    expect(readSettings('{"theme":"dark","language":"en","zone":"utc"}', '', ['zh'])).toEqual({
      theme: 'dark',
      language: 'en',
      zone: 'utc',
    });
    expect(readSettings('{"theme":"dark"}', '?theme=light&lang=zh', ['de'])).toEqual({
      theme: 'light',
      language: 'zh',
      zone: 'local',
    });
  });

  it('that cannot be read count as none', () => {
    expect(readSettings('[', '', ['de'])).toEqual({ theme: 'system', language: 'en', zone: 'local' });
    expect(readSettings('{"theme":"pink"}', '?lang=tlh', [])).toEqual({
      theme: 'system',
      language: 'en',
      zone: 'local',
    });
  });
});

describe('a difference of texts', () => {
  const show = (left: string, right: string) =>
    lineDiff(left, right).map((line) => ({ same: ' ', added: '+', removed: '-', gap: '~' })[line.kind] + line.text);

  it('has what changed and what is around', () => {
    const lines = Array.from({ length: 12 }, (_, at) => `l${at}`);
    const changed = lines.with(6, 'new');
    expect(show(lines.join('\n'), changed.join('\n'))).toEqual([
      '~',
      ' l3',
      ' l4',
      ' l5',
      '-l6',
      '+new',
      ' l7',
      ' l8',
      ' l9',
      '~',
    ]);
  });

  it('of equal texts is the text', () => {
    expect(show('a\nb', 'a\nb')).toEqual([' a', ' b']);
  });
});
