import { describe, expect, it } from 'vitest';
import type { DefinitionNode } from '../api/types';
import { blockLayout, flatten } from './blocks';
import { type Box, type Layout, type LayoutNode, roundedPath } from './geometry';
import { layerLayout } from './layers';
import { layoutOf, planOf } from './layout';
import { planEdges } from './plan-edges';

const step = (nodeName: string): DefinitionNode => ({ nodeName, nodeType: 'rpc' });

const REVIEW: DefinitionNode[] = [
  step('open'),
  { nodeName: 'fork', nodeType: 'fork', forkNodes: [[step('a1'), step('a2')], [step('b')], []] },
  { nodeName: 'join', nodeType: 'join', joinOnList: ['a2', 'b'] },
  {
    nodeName: 'answer',
    nodeType: 'decision',
    decisionCases: {
      approve: [step('release')],
      reject: [step('withdraw'), { nodeName: 'rejected', nodeType: 'terminate' }],
      unsure: [{ nodeName: 'again', nodeType: 'loop', loopNodes: [step('ask'), step('take')] }, step('apply')],
      nothing: [],
    },
  },
  step('close'),
];

function lay(plan: DefinitionNode[], folded: string[] = [], down = false): Layout {
  const nodes = flatten(plan).map((node): LayoutNode => ({ name: node.nodeName, type: node.nodeType, small: false }));
  return blockLayout(plan, nodes, planEdges(plan), new Set(folded), down);
}

function overlaps(boxes: Box[]): string[] {
  const found: string[] = [];
  boxes.forEach((one, at) => {
    for (const two of boxes.slice(at + 1)) {
      const apart =
        one.x + one.width <= two.x ||
        two.x + two.width <= one.x ||
        one.y + one.height <= two.y ||
        two.y + two.height <= one.y;
      if (!apart) found.push(`${one.name} ${two.name}`);
    }
  });
  return found;
}

/** Where a wire runs through a box it neither begins nor ends at. */
function crossings(layout: Layout): string[] {
  const found: string[] = [];
  for (const wire of layout.wires) {
    for (let at = 1; at < wire.points.length; at++) {
      const [x1, y1] = wire.points[at - 1] as [number, number];
      const [x2, y2] = wire.points[at] as [number, number];
      for (const box of layout.boxes) {
        if (box.name === wire.from || box.name === wire.to) continue;
        const inside =
          Math.max(x1, x2) > box.x + 1 &&
          Math.min(x1, x2) < box.x + box.width - 1 &&
          Math.max(y1, y2) > box.y + 1 &&
          Math.min(y1, y2) < box.y + box.height - 1;
        if (inside) found.push(`${wire.from}>${wire.to} over ${box.name}`);
      }
    }
  }
  return found;
}

/** A plan of about `size` nodes with blocks inside blocks, from a seed. */
function madeUp(size: number, seed: number): DefinitionNode[] {
  let state = seed;
  let count = 0;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return state % below;
  };
  const list = (depth: number, length: number): DefinitionNode[] =>
    Array.from({ length }, () => {
      const nodeName = `n${count++}`;
      const kind = depth > 3 ? 0 : random(8);
      const branch = () => list(depth + 1, random(3));
      if (kind === 5) return { nodeName, nodeType: 'fork', forkNodes: [branch(), branch(), list(depth + 1, 1)] };
      if (kind === 6)
        return {
          nodeName,
          nodeType: 'decision',
          decisionCases: { yes: branch(), no: branch() },
          ...(random(2) ? { defaultCase: branch() } : {}),
        };
      if (kind === 7) return { nodeName, nodeType: 'loop', loopNodes: list(depth + 1, 1 + random(2)) };
      return step(nodeName);
    });
  const plan: DefinitionNode[] = [];
  while (count < size) plan.push(...list(0, 3));
  return plan;
}

describe('the layout from blocks', () => {
  it('keeps boxes apart and wires off boxes, both ways', () => {
    for (const down of [false, true]) {
      const layout = lay(REVIEW, [], down);
      expect(layout.boxes).toHaveLength(15);
      expect(overlaps(layout.boxes)).toEqual([]);
      expect(crossings(layout)).toEqual([]);
    }
  });

  it('does so for made-up plans of any shape', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const layout = lay(madeUp(40, seed));
      expect({ seed, overlaps: overlaps(layout.boxes), crossings: crossings(layout) }).toEqual({
        seed,
        overlaps: [],
        crossings: [],
      });
    }
  });

  it('has a wire for every edge and stays within its own size', () => {
    const layout = lay(REVIEW);
    expect(layout.wires).toHaveLength(planEdges(REVIEW).length);
    for (const [x, y] of layout.wires.flatMap((wire) => wire.points)) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(layout.width);
      expect(y).toBeLessThanOrEqual(layout.height);
    }
  });

  it('follows the order of the definition from left to right', () => {
    const layout = lay(REVIEW);
    const x = (name: string) => layout.boxes.find((box) => box.name === name)?.x ?? Number.NaN;
    const way = ['open', 'fork', 'a1', 'a2', 'join', 'answer', 'withdraw', 'rejected'].map(x);
    expect(way).toEqual([...way].sort((left, right) => left - right));
    expect(x('close')).toBeGreaterThan(x('apply'));
  });

  it('is the same every time', () => {
    expect(lay(REVIEW)).toEqual(lay(structuredClone(REVIEW)));
  });

  it('folds a block into its node and leads its edges there', () => {
    const layout = lay(REVIEW, ['answer']);
    const names = layout.boxes.map((box) => box.name);
    expect(names).not.toContain('ask');
    expect(layout.boxes.find((box) => box.name === 'answer')?.hidden).toBe(7);
    expect(layout.wires.filter((wire) => wire.from === 'answer').map((wire) => wire.to)).toEqual(['close']);
    expect(layout.foldable).toEqual(['fork', 'answer']);
  });

  it('puts what is not planned beside the plan', () => {
    const nodes = [
      ...flatten(REVIEW).map((node) => ({ name: node.nodeName, type: node.nodeType as string | null, small: false })),
      { name: 'odd', type: null, small: false },
      { name: 'odder', type: null, small: false },
    ];
    const layout = blockLayout(
      REVIEW,
      nodes,
      [...planEdges(REVIEW), { from: 'a1', to: 'odd', label: null }],
      new Set(),
      false,
    );
    expect(overlaps(layout.boxes)).toEqual([]);
    const a1 = layout.boxes.find((box) => box.name === 'a1') as Box;
    const odd = layout.boxes.find((box) => box.name === 'odd') as Box;
    expect(odd.x).toBeGreaterThan(a1.x + a1.width);
  });

  it('lays out 5,000 nodes at once', () => {
    const plan = madeUp(5000, 7);
    const begun = performance.now();
    expect(lay(plan).boxes.length).toBeGreaterThanOrEqual(5000);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});

describe('the layout without a definition', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, type: null, small: false }));
  const edge = (from: string, to: string) => ({ from, to, label: null });

  it('puts each node behind those before it, and passes long edges round', () => {
    const layout = layerLayout(
      nodes,
      [edge('a', 'b'), edge('a', 'c'), edge('b', 'd'), edge('c', 'd'), edge('a', 'd'), edge('d', 'e')],
      false,
    );
    expect(overlaps(layout.boxes)).toEqual([]);
    expect(crossings(layout)).toEqual([]);
    const x = new Map(layout.boxes.map((box) => [box.name, box.x]));
    expect(x.get('d')).toBeGreaterThan(x.get('c') as number);
    expect(layout.wires).toHaveLength(6);
  });

  it('takes circles, edges to nowhere and nodes without edges', () => {
    const layout = layerLayout(nodes, [edge('a', 'b'), edge('b', 'a'), edge('b', 'gone'), edge('c', 'c')], true);
    expect(overlaps(layout.boxes)).toEqual([]);
    expect(layout.wires).toHaveLength(2);
  });

  it('takes nothing at all', () => {
    expect(layoutOf({ nodes: [], edges: [], plan: null, folded: [], down: false })).toMatchObject({
      boxes: [],
      width: 0,
    });
    expect(layoutOf({ nodes: [], edges: [], plan: [], folded: [], down: false })).toMatchObject({
      boxes: [],
      width: 0,
    });
  });
});

describe('edges of a definition', () => {
  it('are those of the rules', () => {
    const text = planEdges(REVIEW).map(({ from, to, label }) => `${from} ${label ?? '-'} ${to}`);
    expect(text).toEqual([
      'open - fork',
      'fork - a1',
      'a1 - a2',
      'fork - b',
      'a2 - join',
      'b - join',
      'join - answer',
      'answer approve release',
      'answer reject withdraw',
      'withdraw - rejected',
      'answer unsure again',
      'again - ask',
      'ask - take',
      'take again again',
      'again - apply',
      'release - close',
      'apply - close',
      'answer nothing close',
      'answer otherwise close',
    ]);
  });
});

describe('the plan of an execution', () => {
  const definition = { nodes: [step('a'), step('b')], variants: [{ when: { kind: 'live' }, nodes: [step('a')] }] };

  it('is the one that has exactly its planned nodes', () => {
    expect(
      planOf(definition, [
        { nodeName: 'a', nodeType: 'rpc' },
        { nodeName: 'x', nodeType: null },
      ]),
    ).toBe(definition.variants[0]?.nodes);
    expect(
      planOf(definition, [
        { nodeName: 'a', nodeType: 'rpc' },
        { nodeName: 'b', nodeType: 'rpc' },
      ]),
    ).toBe(definition.nodes);
    expect(planOf(definition, [{ nodeName: 'c', nodeType: 'rpc' }])).toBeNull();
    expect(planOf(undefined, [])).toBeNull();
  });
});

describe('a path', () => {
  it('rounds its corners and forgets points that say nothing', () => {
    expect(
      roundedPath(
        [
          [0, 0],
          [0, 0],
          [20, 0],
          [20, 30],
        ],
        5,
      ),
    ).toBe('M0 0L15 0Q20 0 20 5L20 30');
    expect(roundedPath([])).toBe('');
  });
});
