/** Which layout an execution or a definition gets, and where it is computed. */
import type { Definition, DefinitionNode } from '../api/types';
import { blockLayout, flatten } from './blocks';
import type { Layout, LayoutEdge, LayoutNode } from './geometry';
import { layerLayout } from './layers';

export interface LayoutInput {
  nodes: LayoutNode[];
  edges: LayoutEdge[];
  plan: DefinitionNode[] | null;
  folded: string[];
  down: boolean;
}

export function layoutOf(input: LayoutInput): Layout {
  return input.plan
    ? blockLayout(input.plan, input.nodes, input.edges, new Set(input.folded), input.down)
    : layerLayout(input.nodes, input.edges, input.down);
}

/** The plan of a definition an execution was laid over: the one that has exactly its planned nodes. */
export function planOf(
  definition: Definition | undefined,
  nodes: { nodeName: string; nodeType: string | null }[],
): DefinitionNode[] | null {
  if (!definition) return null;
  const planned = new Set(nodes.filter((node) => node.nodeType !== null).map((node) => node.nodeName));
  const plans = [definition.nodes, ...(definition.variants ?? []).map((variant) => variant.nodes)];
  return (
    plans.find((plan) => {
      const names = flatten(plan).map((node) => node.nodeName);
      return names.length === planned.size && names.every((name) => planned.has(name));
    }) ?? null
  );
}
