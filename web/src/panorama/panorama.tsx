import { Panel } from '@xyflow/react';
import { useCallback, useDeferredValue, useMemo } from 'react';
import type { Definition, Execution, NodeState } from '../api/types';
import { useT } from '../i18n';
import type { Snapshot } from '../replay/replay';
import { Icon } from '../ui/icons';
import { Skeleton, StateIcon, stateKey } from '../ui/parts';
import { executionCards, firstBroken, isSmall } from './cards';
import { FindBox } from './find-box';
import { titleChars, type Wire } from './geometry';
import { Graph, type WireLook } from './graph';
import { planOf } from './layout';
import { useLayout } from './use-layout';

interface Props {
  execution: Execution;
  definition: Definition | undefined;
  snapshot: Snapshot | null;
  selected: string;
  onSelect: (name: string) => void;
  folded: string[];
  onFold: (folded: string[]) => void;
  minor: boolean;
  onMinor: (minor: boolean) => void;
  down: boolean;
  onDown: (down: boolean) => void;
  find: string;
  onFind: (text: string) => void;
}

export function Panorama(props: Props) {
  const { execution, definition, snapshot, selected, onSelect, folded, onFold, minor, down, find } = props;
  const t = useT();
  const want = useDeferredValue(find);
  // The shape is compared as text: while an execution runs, answers change and the plan does not.
  const shape = JSON.stringify({
    nodes: execution.nodes.map((node) => ({
      name: node.nodeName,
      type: node.nodeType,
      small: isSmall(node, minor),
      chars: titleChars(node.title ?? node.nodeName),
    })),
    edges: execution.edges.map(({ from, to, label }) => ({ from, to, label })),
    planned: execution.nodes.map(({ nodeName, nodeType }) => ({ nodeName, nodeType })),
    folded,
    down,
  });
  const input = useMemo(() => {
    const { planned, ...rest } = JSON.parse(shape);
    return { ...rest, plan: planOf(definition, planned) };
  }, [shape, definition]);
  const layout = useLayout(input);
  const cards = useMemo(
    () => executionCards(execution, snapshot?.states ?? null, want, t),
    [execution, snapshot, want, t],
  );
  const states = snapshot?.edges;
  const look = useCallback(
    (wire: Wire): WireLook => {
      const all = wire.edges.map((at) => states?.[at] ?? execution.edges[at]?.state ?? 'open');
      return { state: all.includes('taken') ? 'taken' : all.includes('open') ? 'open' : 'not_taken' };
    },
    [execution.edges, states],
  );
  const toggle = useCallback(
    (name: string) => onFold(folded.includes(name) ? folded.filter((one) => one !== name) : [...folded, name]),
    [folded, onFold],
  );
  const hasMinor = execution.nodes.some((node) => node.minor);
  const present = useMemo(() => {
    const counts = new Map<NodeState, number>();
    for (const card of cards.values()) if (card.state) counts.set(card.state, (counts.get(card.state) ?? 0) + 1);
    return [...counts];
  }, [cards]);
  const matches = want ? [...cards.values()].filter((card) => card.match) : [];
  const focus = selected || firstBroken(execution);
  if (!layout) return <Skeleton rows={8} />;
  return (
    <Graph
      layout={layout}
      cards={cards}
      wireLook={look}
      selected={selected}
      onSelect={onSelect}
      onToggle={toggle}
      {...(focus ? { focus } : {})}
      fitKey={`${execution.sceneId} ${execution.executionId} ${layout.by} ${down} ${folded.length}`}
      label={t('view.panorama')}
    >
      <Panel position="top-left" className="graph-find">
        <FindBox
          find={find}
          onFind={props.onFind}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && matches.length) {
              const at = matches.findIndex((card) => card.name === selected);
              onSelect(matches[(at + 1) % matches.length]?.name ?? '');
            }
          }}
        >
          {want && (
            <span className="muted" role="status">
              {matches.length}
            </span>
          )}
        </FindBox>
        {hasMinor && (
          <button type="button" className="toggle" aria-pressed={minor} onClick={() => props.onMinor(!minor)}>
            {t('graph.minor')}
          </button>
        )}
        <button
          type="button"
          className="icon-button boxed"
          aria-pressed={down}
          title={t('graph.direction')}
          aria-label={t('graph.direction')}
          onClick={() => props.onDown(!down)}
        >
          <Icon name="direction" />
        </button>
      </Panel>
      <Panel position="top-right" className="legend">
        <ul aria-label={t('graph.legend')}>
          {present.map(([state, count]) => (
            <li key={state}>
              <StateIcon state={state} size={12} /> {t(stateKey(state))} <b>{count}</b>
            </li>
          ))}
        </ul>
      </Panel>
    </Graph>
  );
}
