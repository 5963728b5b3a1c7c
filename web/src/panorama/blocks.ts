/**
 * The exact layout: a definition is a tree of blocks, so every block is placed once, in one pass, and a definition
 * always looks the same, whatever ran.
 */
import type { DefinitionNode } from '../api/types';
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
  titleChars,
} from './geometry';

const LANE = 30;

interface Block {
  long: number;
  /** How far it reaches beside the line on which it is entered. */
  up: number;
  down: number;
  place(main: number, cross: number): void;
}

/** The branches of a node: lists of nodes that run beside one another, with the label of each way in. */
export function branchesOf(node: DefinitionNode): { label: string | null; nodes: DefinitionNode[] }[] {
  if (node.forkNodes) return node.forkNodes.map((nodes) => ({ label: null, nodes }));
  if (node.decisionCases || node.defaultCase) {
    const cases = Object.entries(node.decisionCases ?? {}).map(([label, nodes]) => ({ label: label as string, nodes }));
    return node.defaultCase ? [...cases, { label: 'default', nodes: node.defaultCase }] : cases;
  }
  if (node.loopNodes) return [{ label: null, nodes: node.loopNodes }];
  return [];
}

/** All nodes of a plan in the order of the definition, those of blocks behind the node that opens them. */
export function flatten(plan: DefinitionNode[]): DefinitionNode[] {
  return plan.flatMap((node) => [node, ...branchesOf(node).flatMap((branch) => flatten(branch.nodes))]);
}

const laneKey = (from: string, label: string | null) => JSON.stringify([from, label]);

/** Lays `nodes` and `edges` out over the blocks of `plan`. Nodes the plan does not have come in a row of their own. */
export function blockLayout(
  plan: DefinitionNode[],
  nodes: LayoutNode[],
  edges: LayoutEdge[],
  folded: ReadonlySet<string>,
  down: boolean,
): Layout {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const places = new Map<string, Place>();
  const foldable: string[] = [];
  /** Node to the folded node it is hidden in. */
  const hiddenIn = new Map<string, string>();
  /** Ways round the nodes of a block, by where they come from. */
  const lanes = new Map<string, number>();
  const backLanes = new Map<string, number>();
  const outgoing = new Map<string, LayoutEdge[]>();
  for (const edge of edges) {
    const list = outgoing.get(edge.from);
    if (list) list.push(edge);
    else outgoing.set(edge.from, [edge]);
  }

  const single = (node: DefinitionNode, hidden: number): Block => {
    const known = byName.get(node.nodeName) ?? {
      name: node.nodeName,
      type: node.nodeType,
      small: false,
      chars: titleChars(node.title ?? node.nodeName),
    };
    const [width, height] = boxSize(known);
    const [long, wide] = down ? [height, width] : [width, height];
    return {
      long,
      up: wide / 2,
      down: wide / 2,
      place: (main, cross) =>
        places.set(node.nodeName, { name: node.nodeName, main, cross, long, wide, small: known.small, hidden }),
    };
  };

  const series = (list: DefinitionNode[]): Block => {
    const blocks = list.map(block);
    const gaps = list.map((node, at) =>
      at === list.length - 1
        ? 0
        : branchesOf(node).length
          ? GAP_MAIN
          : gapAfter(outgoing.get(node.nodeName) ?? [], down),
    );
    return {
      long: blocks.reduce((sum, part, at) => sum + part.long + (gaps[at] ?? 0), 0),
      up: Math.max(0, ...blocks.map((part) => part.up)),
      down: Math.max(0, ...blocks.map((part) => part.down)),
      place: (main, cross) => {
        let at = main;
        blocks.forEach((part, index) => {
          part.place(at, cross);
          at += part.long + (gaps[index] ?? 0);
        });
      },
    };
  };

  const block = (node: DefinitionNode): Block => {
    const branches = branchesOf(node);
    if (branches.length === 0) return single(node, 0);
    foldable.push(node.nodeName);
    const inside = flatten([node]).slice(1);
    if (folded.has(node.nodeName)) {
      for (const other of inside) hiddenIn.set(other.nodeName, node.nodeName);
      return single(node, inside.length);
    }
    return node.nodeType === 'loop' ? loop(node, branches) : split(node, branches, inside);
  };

  const split = (
    node: DefinitionNode,
    branches: { label: string | null; nodes: DefinitionNode[] }[],
    inside: DefinitionNode[],
  ): Block => {
    const head = single(node, 0);
    const names = new Set(inside.map((other) => other.nodeName));
    const empty = branches.filter((branch) => branch.nodes.length === 0).map((branch) => branch.label);
    const past = (outgoing.get(node.nodeName) ?? [])
      .filter((edge) => !names.has(edge.to) && !empty.includes(edge.label))
      .map((edge) => ({ label: edge.label, nodes: [] as DefinitionNode[] }));
    const rows = [...branches, ...past].map(({ label, nodes: list }) => ({
      label,
      part: list.length ? series(list) : null,
    }));
    const gap = gapAfter(outgoing.get(node.nodeName) ?? [], down);
    const reach = rows.map((row) => [row.part?.up ?? LANE / 2, row.part?.down ?? LANE / 2] as const);
    const middles: number[] = [];
    let total = 0;
    for (const [up, below] of reach) {
      middles.push(total + up);
      total += up + below + GAP_CROSS;
    }
    total -= GAP_CROSS;
    const base = ((middles[0] ?? 0) + (middles.at(-1) ?? 0)) / 2;
    return {
      long: head.long + gap + Math.max(0, ...rows.map((row) => row.part?.long ?? 0)),
      up: Math.max(head.up, base),
      down: Math.max(head.down, total - base),
      place: (main, cross) => {
        head.place(main, cross);
        rows.forEach((row, at) => {
          const line = cross - base + (middles[at] as number);
          if (row.part) row.part.place(main + head.long + gap, line);
          else lanes.set(laneKey(node.nodeName, row.label), line);
        });
      },
    };
  };

  const loop = (node: DefinitionNode, branches: { label: string | null; nodes: DefinitionNode[] }[]): Block => {
    const head = single(node, 0);
    const body = series(branches[0]?.nodes ?? []);
    return {
      long: head.long + GAP_MAIN + body.long,
      up: Math.max(head.up, body.up) + LANE,
      down: Math.max(head.down, body.down) + LANE,
      place: (main, cross) => {
        head.place(main, cross);
        body.place(main + head.long + GAP_MAIN, cross);
        lanes.set(laneKey(node.nodeName, null), cross - Math.max(head.up, body.up) - LANE / 2);
        backLanes.set(node.nodeName, cross + Math.max(head.down, body.down) + LANE / 2);
      },
    };
  };

  const whole = series(plan);
  whole.place(0, 0);
  placeOthers(nodes, places, hiddenIn, edges, whole, down);

  // What leads into or out of folded blocks leads to the node they are folded into.
  const shown = (name: string) => hiddenIn.get(name) ?? name;
  const drawn = new Map<string, { edge: LayoutEdge; edges: number[] }>();
  edges.forEach((edge, index) => {
    const [from, to] = [shown(edge.from), shown(edge.to)];
    if (from === to || !places.has(from) || !places.has(to)) return;
    const label = from === edge.from && !folded.has(from) ? edge.label : null;
    const key = JSON.stringify([from, to, label]);
    const known = drawn.get(key);
    if (known) known.edges.push(index);
    else drawn.set(key, { edge: { from, to, label }, edges: [index] });
  });
  const wires = [...drawn.values()].map(({ edge, edges: indices }) => {
    const [from, to] = [places.get(edge.from) as Place, places.get(edge.to) as Place];
    const inBody = byName.get(edge.from)?.type === 'loop' && to.cross === from.cross && isNext(from, to);
    const lane = inBody ? undefined : lanes.get(laneKey(edge.from, edge.label));
    const isSplit = ['fork', 'decision', 'loop'].includes(byName.get(edge.from)?.type ?? '');
    return { edge, edges: indices, ...route(from, to, lane, backLanes.get(edge.to), isSplit) };
  });
  return finish([...places.values()], wires, down, 'blocks', foldable);
}

const isNext = (from: Place, to: Place) => to.main > from.main && to.main - from.main - from.long <= GAP_MAIN + 1;

/** From the end of a box to the beginning of another: beside the source if it splits, else just before the target. */
export function route(
  from: Place,
  to: Place,
  lane: number | undefined,
  backLane: number | undefined,
  isSplit: boolean,
): { points: Point[]; labelAt: Point } {
  const start: Point = [from.main + from.long, from.cross];
  const out = start[0] + GAP_MAIN / 2;
  if (to.main < from.main + from.long) {
    const line = backLane ?? Math.max(from.cross + from.wide / 2, to.cross + to.wide / 2) + LANE / 2;
    const middle = to.main + to.long / 2;
    const edge = line > to.cross ? to.cross + to.wide / 2 : to.cross - to.wide / 2;
    return {
      points: [start, [out, from.cross], [out, line], [middle, line], [middle, edge]],
      labelAt: [(out + middle) / 2, line],
    };
  }
  const end: Point = [to.main, to.cross];
  const turn = to.main - GAP_MAIN / 2;
  const line = lane ?? (isSplit ? to.cross : from.cross);
  return {
    points: [start, [out, from.cross], [out, line], [Math.max(turn, out), line], [Math.max(turn, out), to.cross], end],
    labelAt: [out + 8, line],
  };
}

/** Nodes the plan does not have: in a row beside it, each behind the node it names as its parent. */
function placeOthers(
  nodes: LayoutNode[],
  places: Map<string, Place>,
  hiddenIn: Map<string, string>,
  edges: LayoutEdge[],
  whole: Block,
  down: boolean,
): void {
  const parents = new Map(edges.map((edge) => [edge.to, edge.from]));
  let at = 0;
  for (const node of nodes) {
    if (places.has(node.name) || hiddenIn.has(node.name)) continue;
    const parent = places.get(parents.get(node.name) ?? '');
    const [width, height] = boxSize(node);
    const [long, wide] = down ? [height, width] : [width, height];
    const main = Math.max(at, parent ? parent.main + parent.long + GAP_MAIN : 0);
    const cross = whole.down + GAP_CROSS * 2 + wide / 2;
    places.set(node.name, { name: node.name, main, cross, long, wide, small: node.small, hidden: 0 });
    at = main + long + GAP_MAIN;
  }
}
