/** The edges of a definition nobody has run yet, by the rules of docs/dsl.md. */
import type { DefinitionNode } from '../api/types';
import { branchesOf, flatten } from './blocks';
import type { LayoutEdge } from './geometry';

interface Exit {
  from: string;
  label: string | null;
}

/** How answers name the way past a decision none of whose cases matched. */
export const THROUGH_LABEL = 'otherwise';

export function planEdges(plan: DefinitionNode[]): LayoutEdge[] {
  const edges: LayoutEdge[] = [];
  const seen = new Set<string>();
  const connect = (exits: Exit[], to: string) => {
    for (const { from, label } of exits) {
      const key = JSON.stringify([from, to, label]);
      if (!seen.has(key)) edges.push({ from, to, label });
      seen.add(key);
    }
  };

  /** Walks a list of nodes that is entered by `entries`; gives the ways out of its end. */
  const walk = (list: DefinitionNode[], entries: Exit[]): Exit[] => {
    let exits = entries;
    list.forEach((node, at) => {
      connect(exits, node.nodeName);
      exits = leave(node, list[at + 1]);
    });
    return exits;
  };

  const leave = (node: DefinitionNode, next: DefinitionNode | undefined): Exit[] => {
    const own = (label: string | null): Exit => ({ from: node.nodeName, label });
    const branches = branchesOf(node);
    switch (node.nodeType) {
      case 'terminate':
        return [];
      case 'fork': {
        const waits = next?.nodeType === 'join' && next.joinOnList?.length ? new Set(next.joinOnList) : null;
        return branches.flatMap(({ nodes }) => {
          const ends = walk(nodes, [own(null)]);
          return !waits || flatten(nodes).some((inner) => waits.has(inner.nodeName)) ? ends : [];
        });
      }
      case 'decision': {
        const ends = branches.flatMap(({ label, nodes }) => walk(nodes, [own(label)]));
        const cases = Object.keys(node.decisionCases ?? {}).sort();
        const whole = cases.length === 2 && cases[0] === 'false' && cases[1] === 'true';
        return node.defaultCase || whole ? ends : [...ends, own(THROUGH_LABEL)];
      }
      case 'loop':
        connect(
          walk(branches[0]?.nodes ?? [], [own(null)]).map((exit) => ({ ...exit, label: exit.label ?? 'again' })),
          node.nodeName,
        );
        return [own(null)];
      default:
        return [own(null)];
    }
  };
  walk(plan, []);
  return edges;
}
