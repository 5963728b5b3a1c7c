/** Times and durations as people read them. Input is RFC 3339 with up to six fraction digits; µs are kept. */

/** Microseconds since the epoch; exact up to the year 2255. NaN when it is no time. */
export function micros(time: string): number {
  const match = /^(.*?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(time);
  if (!match) return Number.NaN;
  const seconds = Date.parse(`${match[1]}${match[3]}`);
  const fraction = Number((match[2] ?? '').padEnd(6, '0').slice(0, 6));
  return seconds * 1000 + fraction;
}

export function microsOrNull(time: string | null | undefined): number | null {
  if (!time) return null;
  const value = micros(time);
  return Number.isNaN(value) ? null : value;
}

/** RFC 3339 in UTC from microseconds. */
export function rfc3339(us: number): string {
  const ms = Math.floor(us / 1000);
  return new Date(ms).toISOString().replace(/Z$/, `${String(us - ms * 1000).padStart(3, '0')}Z`);
}

export type Zone = 'local' | 'utc';

const two = (value: number) => String(value).padStart(2, '0');

function fields(us: number, zone: Zone) {
  const date = new Date(Math.floor(us / 1000));
  return zone === 'utc'
    ? {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        hour: date.getUTCHours(),
        minute: date.getUTCMinutes(),
        second: date.getUTCSeconds(),
      }
    : {
        year: date.getFullYear(),
        month: date.getMonth() + 1,
        day: date.getDate(),
        hour: date.getHours(),
        minute: date.getMinutes(),
        second: date.getSeconds(),
      };
}

export function offsetText(us: number, zone: Zone): string {
  if (zone === 'utc') return 'UTC';
  const minutes = -new Date(Math.floor(us / 1000)).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** `2026-11-21 10:00:00.123`; `fraction` is the number of digits after the second, 0 to 6. */
export function dateTime(us: number, zone: Zone, fraction = 3): string {
  const f = fields(us, zone);
  return `${f.year}-${two(f.month)}-${two(f.day)} ${clock(us, zone, fraction)}`;
}

/** `10:00:00.123`. */
export function clock(us: number, zone: Zone, fraction = 3): string {
  const f = fields(us, zone);
  const rest = String(((us % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, '0');
  return `${two(f.hour)}:${two(f.minute)}:${two(f.second)}${fraction ? `.${rest.slice(0, fraction)}` : ''}`;
}

const UNITS: [string, number][] = [
  ['d', 86_400_000_000],
  ['h', 3_600_000_000],
  ['min', 60_000_000],
  ['s', 1_000_000],
  ['ms', 1000],
  ['µs', 1],
];

/** A duration with its two leading units: `2 h 5 min`, `136 ms`, `1.38 s`. */
export function duration(us: number): string {
  if (us < 0) return `−${duration(-us)}`;
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 60_000_000) {
    const [unit, size] = us < 999_500 ? ['ms', 1000] : ['s', 1_000_000];
    const value = us / (size as number);
    const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return `${Number(value.toFixed(digits))} ${unit}`;
  }
  const first = UNITS.findIndex(([, size]) => us >= size);
  const [unit, size] = UNITS[first] as [string, number];
  const [nextUnit, nextSize] = UNITS[first + 1] as [string, number];
  let whole = Math.floor(us / size);
  let rest = Math.round((us - whole * size) / nextSize);
  if (rest * nextSize >= size) {
    whole += 1;
    rest = 0;
  }
  return rest ? `${whole} ${unit} ${rest} ${nextUnit}` : `${whole} ${unit}`;
}

/** How long ago, with the one unit that matters, for `Intl.RelativeTimeFormat`. Negative: in the past. */
export function relative(us: number, nowUs: number): [number, Intl.RelativeTimeFormatUnit] {
  const difference = us - nowUs;
  const size = Math.abs(difference);
  const pick: [number, Intl.RelativeTimeFormatUnit][] = [
    [86_400_000_000 * 365, 'year'],
    [86_400_000_000 * 30, 'month'],
    [86_400_000_000, 'day'],
    [3_600_000_000, 'hour'],
    [60_000_000, 'minute'],
  ];
  for (const [unit, name] of pick) if (size >= unit) return [Math.trunc(difference / unit), name];
  return [Math.trunc(difference / 1_000_000), 'second'];
}
