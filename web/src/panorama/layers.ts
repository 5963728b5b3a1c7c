/**
 * The layout without a definition: nodes in layers by their longest way from a start, ordered so that few edges
 * cross. Deterministic: ties are broken by the order of the answer.
 */
import {
  boxSize,
  finish,
  GAP_CROSS,
  GAP_MAIN,
  gapAfter,
  type Layout,
  type LayoutEdge,
  type LayoutNode,
  type Place,
  type Point,
} from './geometry';

interface Cell {
  /** Place in `nodes`; -1: a bend of an edge that passes this layer. */
  node: number;
  layer: number;
  cross: number;
  wide: number;
  before: Cell[];
  after: Cell[];
}

const SWEEPS = 8;
const BEND = 14;

export function layerLayout(nodes: LayoutNode[], edges: LayoutEdge[], down: boolean): Layout {
  const index = new Map(nodes.map((node, at) => [node.name, at]));
  const links = edges.flatMap((edge, at) => {
    const [from, to] = [index.get(edge.from), index.get(edge.to)];
    return from === undefined || to === undefined || from === to ? [] : [{ from, to, at, edge }];
  });
  const back = backLinks(nodes.length, links);
  const forward = links.filter((link) => !back.has(link));
  const layer = layersOf(nodes.length, forward);

  const cells = nodes.map((node, at): Cell => {
    const [width, height] = boxSize(node);
    return { node: at, layer: layer[at] ?? 0, cross: 0, wide: down ? width : height, before: [], after: [] };
  });
  const layers: Cell[][] = Array.from({ length: Math.max(0, ...layer) + 1 }, () => []);
  for (const cell of cells) layers[cell.layer]?.push(cell);
  const ways = forward.map((link) => {
    const way = [cells[link.from] as Cell];
    for (let at = (layer[link.from] ?? 0) + 1; at < (layer[link.to] ?? 0); at++) {
      const bend: Cell = { node: -1, layer: at, cross: 0, wide: BEND, before: [], after: [] };
      layers[at]?.push(bend);
      way.push(bend);
    }
    way.push(cells[link.to] as Cell);
    for (let at = 1; at < way.length; at++) {
      way[at - 1]?.after.push(way[at] as Cell);
      way[at]?.before.push(way[at - 1] as Cell);
    }
    return way;
  });
  order(layers);
  settle(layers);

  const starts: number[] = [];
  let main = 0;
  layers.forEach((cellsHere, at) => {
    starts.push(main);
    const long = Math.max(0, ...cellsHere.map((cell) => (cell.node === -1 ? 0 : longOf(nodes[cell.node], down))));
    const leaving = forward.filter((link) => layer[link.from] === at).map((link) => link.edge);
    main += long + gapAfter(leaving, down);
  });
  const places = cells.map((cell, at): Place => {
    const node = nodes[at] as LayoutNode;
    const start = starts[cell.layer] ?? 0;
    return {
      name: node.name,
      main: start,
      cross: cell.cross,
      long: longOf(node, down),
      wide: cell.wide,
      small: node.small,
      hidden: 0,
    };
  });
  const wires = forward.map((link, at) => wire(link, ways[at] as Cell[], places, starts));
  const bottom = Math.max(0, ...places.map((place) => place.cross + place.wide / 2));
  let lane = bottom + GAP_CROSS;
  for (const link of back) {
    const [from, to] = [places[link.from] as Place, places[link.to] as Place];
    const out = from.main + from.long + GAP_MAIN / 2;
    const middle = to.main + to.long / 2;
    const points: Point[] = [
      [from.main + from.long, from.cross],
      [out, from.cross],
      [out, lane],
      [middle, lane],
      [middle, to.cross + to.wide / 2],
    ];
    wires.push({ edge: link.edge, edges: [link.at], points, labelAt: [(out + middle) / 2, lane] });
    lane += GAP_CROSS;
  }
  return finish(places, wires, down, 'layers', []);
}

interface LinkOf {
  from: number;
  to: number;
  at: number;
  edge: LayoutEdge;
}

function longOf(node: LayoutNode | undefined, down: boolean): number {
  return node ? boxSize(node)[down ? 1 : 0] : 0;
}

function wire(link: LinkOf, way: Cell[], places: Place[], starts: number[]) {
  const [from, to] = [places[link.from] as Place, places[link.to] as Place];
  const points: Point[] = [[from.main + from.long, from.cross]];
  for (let at = 1; at < way.length; at++) {
    const cell = way[at] as Cell;
    const [before, here] = [(way[at - 1] as Cell).cross, cell.cross];
    const turn = at === 1 ? from.main + from.long + GAP_MAIN / 2 : (starts[cell.layer] ?? 0) - GAP_MAIN / 2;
    points.push([turn, before], [turn, here]);
  }
  points.push([to.main, to.cross]);
  const labelAt: Point = [from.main + from.long + GAP_MAIN / 2 + 8, (way[1] as Cell).cross];
  return { edge: link.edge, edges: [link.at], points, labelAt };
}

/** Edges that close a circle, found from the first node on in the order of the answer. */
function backLinks(count: number, links: LinkOf[]): Set<LinkOf> {
  const out: LinkOf[][] = Array.from({ length: count }, () => []);
  for (const link of links) out[link.from]?.push(link);
  const back = new Set<LinkOf>();
  const state = new Uint8Array(count); // 1: on the way, 2: done
  for (let root = 0; root < count; root++) {
    if (state[root]) continue;
    const stack: [number, number][] = [[root, 0]];
    state[root] = 1;
    while (stack.length) {
      const top = stack[stack.length - 1] as [number, number];
      const link = out[top[0]]?.[top[1]++];
      if (!link) {
        state[top[0]] = 2;
        stack.pop();
      } else if (state[link.to] === 1) back.add(link);
      else if (!state[link.to]) {
        state[link.to] = 1;
        stack.push([link.to, 0]);
      }
    }
  }
  return back;
}

function layersOf(count: number, links: LinkOf[]): number[] {
  const layer = new Array<number>(count).fill(0);
  const waiting = new Array<number>(count).fill(0);
  const out: LinkOf[][] = Array.from({ length: count }, () => []);
  for (const link of links) {
    out[link.from]?.push(link);
    waiting[link.to] = (waiting[link.to] ?? 0) + 1;
  }
  const ready: number[] = [];
  for (let at = 0; at < count; at++) if (!waiting[at]) ready.push(at);
  for (let next = 0; next < ready.length; next++) {
    const at = ready[next] as number;
    for (const link of out[at] ?? []) {
      layer[link.to] = Math.max(layer[link.to] ?? 0, (layer[at] ?? 0) + 1);
      waiting[link.to] = (waiting[link.to] ?? 0) - 1;
      if (!waiting[link.to]) ready.push(link.to);
    }
  }
  return layer;
}

/** Orders each layer by where its neighbours stand. */
function order(layers: Cell[][]): void {
  const rank = new Map<Cell, number>();
  const number = (cells: Cell[]) => {
    for (const [at, cell] of cells.entries()) rank.set(cell, at);
  };
  for (const cells of layers) number(cells);
  const sort = (cells: Cell[], side: 'before' | 'after') => {
    const weight = new Map(
      cells.map((cell) => {
        const near = cell[side].map((other) => rank.get(other) ?? 0);
        return [cell, near.length ? near.reduce((sum, value) => sum + value, 0) / near.length : (rank.get(cell) ?? 0)];
      }),
    );
    cells.sort((left, right) => (weight.get(left) ?? 0) - (weight.get(right) ?? 0));
    number(cells);
  };
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    if (sweep % 2 === 0) for (const cells of layers) sort(cells, 'before');
    else for (const cells of [...layers].reverse()) sort(cells, 'after');
  }
}

/** Moves cells towards the middle of their neighbours without letting them touch. */
function settle(layers: Cell[][]): void {
  for (const cells of layers) {
    let at = 0;
    for (const cell of cells) {
      cell.cross = at + cell.wide / 2;
      at += cell.wide + GAP_CROSS;
    }
    for (const cell of cells) cell.cross -= at / 2;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const side = sweep % 2 === 0 ? 'before' : 'after';
    for (const cells of sweep % 2 === 0 ? layers : [...layers].reverse()) {
      const wish = cells.map((cell) => {
        const near = cell[side];
        return near.length ? near.reduce((sum, other) => sum + other.cross, 0) / near.length : cell.cross;
      });
      const got: number[] = [];
      cells.forEach((cell, at) => {
        const previous = cells[at - 1];
        const least = previous ? (got[at - 1] as number) + previous.wide / 2 + GAP_CROSS + cell.wide / 2 : -Infinity;
        got.push(Math.max(wish[at] as number, least));
      });
      // Pushing goes one way only: the whole layer goes back by what it was pushed on average.
      const shift = got.reduce((sum, value, at) => sum + value - (wish[at] as number), 0) / Math.max(1, got.length);
      cells.forEach((cell, at) => {
        cell.cross = (got[at] as number) - shift;
      });
    }
  }
}
