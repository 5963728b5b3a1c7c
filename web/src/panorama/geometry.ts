/**
 * What a layout is made of. Layouts think in two axes: `main` along the flow, `cross` beside it; only the last step
 * knows whether the flow runs to the right or down.
 */

export interface LayoutNode {
  name: string;
  type: string | null;
  /** Drawn small. */
  small: boolean;
  /** How wide its title is, in characters; wide ones count twice. */
  chars?: number;
}

export interface LayoutEdge {
  from: string;
  to: string;
  label: string | null;
  /** Characters to keep room for behind the label. */
  room?: number;
}

export interface Box {
  name: string;
  x: number;
  y: number;
  width: number;
  height: number;
  small: boolean;
  /** How many nodes are folded into this one; 0: none. */
  hidden: number;
}

export interface Wire {
  from: string;
  to: string;
  label: string | null;
  /** Which edges of the answer this one stands for. */
  edges: number[];
  points: Point[];
  labelAt: Point;
}

export type Point = [x: number, y: number];

export interface Layout {
  boxes: Box[];
  wires: Wire[];
  width: number;
  height: number;
  /** How it was made: from the blocks of the definition, or from nodes and edges alone. */
  by: 'blocks' | 'layers';
  /** Names of blocks that can be folded. */
  foldable: string[];
}

const WAITING_TYPES = new Set(['fork', 'join', 'terminate']);
const CHAR = 8;

/** Width and height of a node's box: as wide as its title needs, within bounds. */
export function boxSize(node: LayoutNode): [number, number] {
  const title = (node.chars ?? 14) * CHAR;
  const between = (least: number, most: number, width: number) => Math.round(Math.min(most, Math.max(least, width)));
  if (node.small) return [between(84, 170, title * 0.9 + 46), 30];
  if (WAITING_TYPES.has(node.type ?? '')) return [between(96, 220, title + 78), 38];
  return [between(148, 260, title + (node.type === 'rpc' || node.type === 'local' ? 64 : 84)), 58];
}

/** Characters of a title as they are wide: those of Chinese, Japanese and Korean count twice. */
export function titleChars(title: string): number {
  let chars = 0;
  for (const char of title.slice(0, 60)) chars += char >= '\u2e80' ? 2 : 1;
  return chars;
}

export const GAP_MAIN = 32;
export const GAP_CROSS = 22;
export const MARGIN = 24;

/** Room between a node and what follows, so that the labels of its edges can be read. */
export function gapAfter(edges: LayoutEdge[], down: boolean): number {
  const longest = Math.max(
    0,
    ...edges.map(({ label, room = 0 }) => (label ? Math.min(titleChars(label), LABEL_CHARS) + room : 0)),
  );
  return longest === 0 ? GAP_MAIN : GAP_MAIN + (down ? 14 : 18 + longest * 6.4);
}

export const LABEL_CHARS = 22;

/** Straight lines with rounded corners, as an SVG path. */
export function roundedPath(points: Point[], radius = 8): string {
  const clean = points.filter((point, at) => at === 0 || distance(point, points[at - 1] as Point) > 0.01);
  const [first, ...rest] = clean;
  if (!first) return '';
  let path = `M${round(first[0])} ${round(first[1])}`;
  for (let at = 0; at < rest.length; at++) {
    const corner = rest[at] as Point;
    const next = rest[at + 1];
    if (!next) {
      path += `L${round(corner[0])} ${round(corner[1])}`;
      break;
    }
    const before = clean[at] as Point;
    const cut = Math.min(radius, distance(before, corner) / 2, distance(corner, next) / 2);
    const [enter, leave] = [towards(corner, before, cut), towards(corner, next, cut)];
    path += `L${round(enter[0])} ${round(enter[1])}Q${round(corner[0])} ${round(corner[1])} ${round(leave[0])} ${round(leave[1])}`;
  }
  return path;
}

const round = (value: number) => Math.round(value * 100) / 100;

function distance(left: Point, right: Point): number {
  return Math.hypot(left[0] - right[0], left[1] - right[1]);
}

function towards(from: Point, to: Point, length: number): Point {
  const whole = distance(from, to);
  if (whole === 0) return from;
  return [from[0] + ((to[0] - from[0]) * length) / whole, from[1] + ((to[1] - from[1]) * length) / whole];
}

/** Where a box stands on the two axes: `main` its beginning, `cross` its middle. */
export interface Place {
  name: string;
  main: number;
  cross: number;
  long: number;
  wide: number;
  small: boolean;
  hidden: number;
}

/** From the two axes to x and y, everything moved to begin at the margin. */
export function finish(
  places: Place[],
  wires: { edge: LayoutEdge; edges: number[]; points: Point[]; labelAt: Point }[],
  down: boolean,
  by: Layout['by'],
  foldable: string[],
): Layout {
  let [mainMin, crossMin, mainMax, crossMax] = [Infinity, Infinity, -Infinity, -Infinity];
  const see = (main: number, cross: number) => {
    mainMin = Math.min(mainMin, main);
    mainMax = Math.max(mainMax, main);
    crossMin = Math.min(crossMin, cross);
    crossMax = Math.max(crossMax, cross);
  };
  for (const place of places) {
    see(place.main, place.cross - place.wide / 2);
    see(place.main + place.long, place.cross + place.wide / 2);
  }
  for (const wire of wires) for (const [main, cross] of wire.points) see(main, cross);
  if (mainMin === Infinity) return { boxes: [], wires: [], width: 0, height: 0, by, foldable };
  const point = (main: number, cross: number): Point => {
    const [m, c] = [main - mainMin + MARGIN, cross - crossMin + MARGIN];
    return down ? [c, m] : [m, c];
  };
  const boxes = places.map((place): Box => {
    const [x, y] = point(place.main, place.cross - place.wide / 2);
    return {
      name: place.name,
      x,
      y,
      width: down ? place.wide : place.long,
      height: down ? place.long : place.wide,
      small: place.small,
      hidden: place.hidden,
    };
  });
  const [long, wide] = [mainMax - mainMin + 2 * MARGIN, crossMax - crossMin + 2 * MARGIN];
  return {
    boxes,
    wires: wires.map(({ edge, edges, points, labelAt }) => ({
      from: edge.from,
      to: edge.to,
      label: edge.label,
      edges,
      points: points.map(([main, cross]) => point(main, cross)),
      labelAt: point(...labelAt),
    })),
    width: down ? wide : long,
    height: down ? long : wide,
    by,
    foldable,
  };
}
