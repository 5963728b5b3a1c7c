/** From time to place on the timeline, with idle stretches folded to a fixed width. */

export interface Stretch {
  from: number;
  to: number;
  /** Nothing ran: drawn at a fixed width. */
  idle: boolean;
}

export interface Scale {
  from: number;
  to: number;
  stretches: Stretch[];
  /** Share of the width, 0 to 1, at which an instant lies; instants outside are clamped. */
  at(us: number): number;
  /** The instant at a share of the width. */
  time(share: number): number;
}

/** Idle stretches are folded when they are longer than this share of the whole. */
const IDLE_SHARE = 0.08;
/** The share of the width a folded stretch keeps. */
const IDLE_WIDTH = 0.035;

/** Stretches of `[from, to]` in which at least one of `busy` is open, and those in which none is. */
export function stretchesOf(busy: [number, number][], from: number, to: number): Stretch[] {
  const sorted = busy
    .map(([start, end]): [number, number] => [Math.max(from, Math.min(start, end)), Math.min(to, Math.max(start, end))])
    .filter(([start, end]) => start <= to && end >= from)
    .sort((left, right) => left[0] - right[0]);
  const found: Stretch[] = [];
  let at = from;
  for (const [start, end] of sorted) {
    if (start > at) found.push({ from: at, to: start, idle: true });
    if (end > Math.max(at, start)) {
      const begin = Math.max(at, start);
      const last = found.at(-1);
      if (last && !last.idle && last.to === begin) last.to = end;
      else found.push({ from: begin, to: end, idle: false });
    }
    at = Math.max(at, end);
  }
  if (at < to) found.push({ from: at, to, idle: true });
  return found;
}

export function scaleOf(busy: [number, number][], from: number, to: number, foldIdle: boolean): Scale {
  const whole = Math.max(1, to - from);
  const raw = foldIdle ? stretchesOf(busy, from, to) : [];
  const stretches: Stretch[] = [];
  for (const stretch of raw.length ? raw : [{ from, to: from + whole, idle: false }]) {
    const idle = stretch.idle && stretch.to - stretch.from > whole * IDLE_SHARE;
    const last = stretches.at(-1);
    if (last && !last.idle && !idle) last.to = stretch.to;
    else stretches.push({ ...stretch, idle });
  }
  const folded = stretches.filter((stretch) => stretch.idle).length;
  const busyTime = stretches.reduce((sum, part) => sum + (part.idle ? 0 : part.to - part.from), 0);
  const busyWidth = busyTime > 0 ? 1 - folded * IDLE_WIDTH : 0;
  const idleWidth = busyTime > 0 ? IDLE_WIDTH : 1 / Math.max(1, folded);
  const starts: number[] = [];
  const widths: number[] = [];
  let place = 0;
  for (const part of stretches) {
    const width = part.idle ? idleWidth : (busyWidth * (part.to - part.from)) / busyTime;
    starts.push(place);
    widths.push(width);
    place += width;
  }
  return {
    from,
    to: from + whole,
    stretches,
    at(us) {
      if (us <= from) return 0;
      for (let index = 0; index < stretches.length; index++) {
        const part = stretches[index] as Stretch;
        if (us <= part.to) {
          return (
            (starts[index] as number) +
            ((widths[index] as number) * (us - part.from)) / Math.max(1, part.to - part.from)
          );
        }
      }
      return 1;
    },
    time(share) {
      for (let index = stretches.length - 1; index >= 0; index--) {
        const start = starts[index] as number;
        if (share >= start) {
          const part = stretches[index] as Stretch;
          const inside = (widths[index] as number) > 0 ? (share - start) / (widths[index] as number) : 0;
          return part.from + Math.min(1, inside) * (part.to - part.from);
        }
      }
      return from;
    },
  };
}

const STEPS = [1, 2, 5];

/** Round distances from `from` for about `count` ticks over `span` microseconds. */
export function tickStep(span: number, count: number): number {
  const least = Math.max(1, span / Math.max(1, count));
  for (const minute of [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440]) {
    const size = minute * 60_000_000;
    if (least > 30_000_000 && size >= least) return size;
  }
  if (least > 1440 * 60_000_000) return Math.ceil(least / (1440 * 60_000_000)) * 1440 * 60_000_000;
  for (let power = 1; ; power *= 10) {
    for (const step of STEPS) {
      const size = step * power;
      if (size >= least) return size === 50_000_000 ? 60_000_000 : size;
    }
  }
}
