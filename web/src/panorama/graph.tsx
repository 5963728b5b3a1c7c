import {
  MiniMap,
  type Node,
  type NodeProps,
  type NodeTypes,
  Panel,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  ViewportPortal,
} from '@xyflow/react';
import { createContext, memo, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef } from 'react';
import type { EdgeState, NodeState } from '../api/types';
import { useT } from '../i18n';
import { head, visibleLine } from '../lib/text';
import { Icon, type IconName } from '../ui/icons';
import { StateIcon, stateKey } from '../ui/parts';
import { type Box, LABEL_CHARS, type Layout, roundedPath, type Wire } from './geometry';

/** What is shown on the box of a node. */
export interface Card {
  name: string;
  title: string;
  type: string | null;
  /** Null: nobody ran it; a definition is drawn. */
  state: NodeState | null;
  /** The line below the title. */
  line: string;
  errors: number;
  warnings: number;
  flagged: boolean;
  optional: boolean;
  match: boolean;
  dim: boolean;
  /** Over the card: heat from 0 to 1, or a mark of what differs. */
  heat?: number;
  mark?: 'differs' | 'left' | 'right';
}

interface Actions {
  select: (name: string) => void;
  toggle: ((name: string) => void) | null;
}

const ActionsContext = createContext<Actions>({ select: () => {}, toggle: null });

type CardNode = Node<{ card: Card; box: Box; foldable: boolean }, 'card'>;

const TYPE_ICONS: Record<string, IconName> = {
  fork: 'fork',
  join: 'join',
  decision: 'decision',
  loop: 'loop',
  link: 'link',
  terminate: 'terminate',
};

const CardView = memo(function CardView({ data, selected }: NodeProps<CardNode>) {
  const { card, box, foldable } = data;
  const t = useT();
  const actions = useContext(ActionsContext);
  const state = card.state;
  const names = [
    'card',
    state ? `c-${state}` : 'c-plan',
    box.small && 'small',
    selected && 'selected',
    card.dim && 'dim',
    card.match && 'match',
    card.mark && `m-${card.mark}`,
    card.type && TYPE_ICONS[card.type] && 'control',
  ];
  const title = visibleLine(card.title);
  const label = [
    title,
    state && t(stateKey(state)),
    card.line,
    card.errors > 0 && t('card.errors', { n: card.errors }),
    card.flagged && t('card.flagged'),
  ]
    .filter(Boolean)
    .join(', ');
  return (
    <div
      className={names.filter(Boolean).join(' ')}
      style={{ width: box.width, height: box.height, ...(card.heat === undefined ? {} : { '--heat': card.heat }) }}
      data-node={card.name}
      data-state={state ?? undefined}
    >
      <button
        type="button"
        className="card-main"
        aria-label={label}
        aria-pressed={selected}
        title={label}
        onClick={() => actions.select(card.name)}
      >
        {state ? <StateIcon state={state} size={box.small ? 12 : 14} /> : null}
        <span className="card-text">
          <span className="card-title">
            {card.type && TYPE_ICONS[card.type] && <Icon name={TYPE_ICONS[card.type] as IconName} size={13} />}
            <bdi>{head(title, 80)}</bdi>
          </span>
          {!box.small && card.line && <span className="card-line">{card.line}</span>}
        </span>
        {(card.errors > 0 || card.warnings > 0 || card.flagged) && (
          <span className="card-marks">
            {card.flagged && (
              <span className="flag">
                <Icon name="warn" size={12} />
              </span>
            )}
            {card.errors > 0 ? (
              <span className="count l-ERROR">{card.errors > 99 ? '99+' : card.errors}</span>
            ) : (
              card.warnings > 0 && <span className="count l-WARN">{card.warnings > 99 ? '99+' : card.warnings}</span>
            )}
          </span>
        )}
      </button>
      {foldable && actions.toggle && (
        <button
          type="button"
          className="card-fold nopan"
          aria-expanded={box.hidden === 0}
          aria-label={box.hidden ? t('graph.unfold', { name: title }) : t('graph.fold', { name: title })}
          title={box.hidden ? t('graph.unfold', { name: title }) : t('graph.fold', { name: title })}
          onClick={() => actions.toggle?.(card.name)}
        >
          {box.hidden ? `+${box.hidden}` : <Icon name="fold" size={11} />}
        </button>
      )}
    </div>
  );
});

const NODE_TYPES: NodeTypes = { card: CardView };

export interface WireLook {
  state: EdgeState | 'plan';
  /** Share of executions, 0 to 1, that went along; makes the line as thick. */
  share?: number;
  side?: 'both' | 'left' | 'right' | 'none';
  /** Said behind the label. */
  note?: string;
  current?: boolean;
}

interface GraphProps {
  layout: Layout;
  cards: ReadonlyMap<string, Card>;
  wireLook: (wire: Wire) => WireLook;
  selected: string;
  onSelect: (name: string) => void;
  onToggle?: (name: string) => void;
  /** The label of an arrow that has a note is chosen. */
  onWire?: (wire: Wire) => void;
  /** Which node a plan too large to be shown whole opens at; its first one if absent. */
  focus?: string;
  /** Changes when the view is to be fitted again. */
  fitKey: string;
  label: string;
  miniMap?: boolean;
  children?: ReactNode;
}

export function Graph(props: GraphProps) {
  return (
    <ReactFlowProvider>
      <GraphInside {...props} />
    </ReactFlowProvider>
  );
}

/** Below this zoom nothing can be read: a large plan opens at what matters, or its beginning, rather than as dust. */
const READABLE_ZOOM = 0.5;
/** The zoom at which a part of a large plan is shown. */
const PART_ZOOM = 0.8;

function GraphInside(props: GraphProps) {
  const {
    layout,
    cards,
    wireLook,
    selected,
    onSelect,
    onToggle,
    onWire,
    focus,
    fitKey,
    label,
    miniMap = true,
    children,
  } = props;
  const t = useT();
  const flow = useReactFlow();
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const foldable = useMemo(() => new Set(layout.foldable), [layout]);
  const nodes = useMemo(
    () =>
      layout.boxes.map((box): CardNode => {
        const card = cards.get(box.name) ?? emptyCard(box.name);
        return {
          id: box.name,
          type: 'card',
          position: { x: box.x, y: box.y },
          width: box.width,
          height: box.height,
          measured: { width: box.width, height: box.height },
          data: { card, box, foldable: foldable.has(box.name) },
          selected: box.name === selected,
        };
      }),
    [layout, cards, selected, foldable],
  );

  const fitPlan = useCallback(
    (whole: boolean) => {
      if (!width || !height || !layout.width) return;
      const zoom = Math.min(width / layout.width, height / layout.height, 1.1);
      if (whole || zoom >= READABLE_ZOOM) {
        const x = (width - layout.width * zoom) / 2;
        const y = (height - layout.height * zoom) / 2;
        void flow.setViewport({ x, y, zoom });
        return;
      }
      const box = layout.boxes.find((one) => one.name === focus) ?? layout.boxes[0];
      if (!box) return;
      // In the middle, as far as nothing is shown beyond the ends of the plan.
      const place = (size: number, whole: number, middle: number) => {
        const long = whole * PART_ZOOM;
        if (long <= size) return (size - long) / 2;
        return Math.min(0, Math.max(size - long, size / 2 - middle * PART_ZOOM));
      };
      void flow.setViewport({
        x: place(width, layout.width, box.x + box.width / 2),
        y: place(height, layout.height, box.y + box.height / 2),
        zoom: PART_ZOOM,
      });
    },
    [flow, width, height, layout, focus],
  );

  const fitted = useRef('');
  useEffect(() => {
    const key = `${fitKey} ${Boolean(width && height)}`;
    if (fitted.current === key || !width || !height || !layout.width) return;
    fitted.current = key;
    fitPlan(false);
  }, [fitPlan, fitKey, width, height, layout.width]);

  // What is selected elsewhere comes into view.
  const shown = useRef('');
  useEffect(() => {
    if (!selected || !width || !height || shown.current === `${selected} ${width}`) return;
    const box = layout.boxes.find((one) => one.name === selected);
    if (!box) return;
    shown.current = `${selected} ${width}`;
    const { x, y, zoom } = flow.getViewport();
    const [left, top] = [box.x * zoom + x, box.y * zoom + y];
    const inside =
      left >= 0 && top >= 0 && left + box.width * zoom <= width && top + box.height * zoom <= height && zoom >= 0.4;
    if (!inside) {
      void flow.setCenter(box.x + box.width / 2, box.y + box.height / 2, { zoom: Math.max(zoom, 0.8), duration: 0 });
    }
  }, [selected, layout, flow, width, height]);

  const actions = useMemo(() => ({ select: onSelect, toggle: onToggle ?? null }), [onSelect, onToggle]);
  return (
    <ActionsContext.Provider value={actions}>
      <ReactFlow
        className="graph"
        aria-label={label}
        nodes={nodes}
        edges={NO_EDGES}
        nodeTypes={NODE_TYPES}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        onlyRenderVisibleElements
        minZoom={0.04}
        maxZoom={2}
        zoomOnDoubleClick={false}
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        disableKeyboardA11y
        proOptions={PRO}
      >
        <ViewportPortal>
          <Wires layout={layout} look={wireLook} {...(onWire ? { onWire } : {})} />
        </ViewportPortal>
        <Panel position="bottom-left" className="graph-tools">
          <button
            type="button"
            className="icon-button"
            title={t('graph.fit')}
            aria-label={t('graph.fit')}
            onClick={() => fitPlan(true)}
            data-fit
          >
            <Icon name="fit" />
          </button>
          <button
            type="button"
            className="icon-button"
            title={t('graph.zoomIn')}
            aria-label={t('graph.zoomIn')}
            onClick={() => void flow.zoomIn()}
          >
            <Icon name="unfold" />
          </button>
          <button
            type="button"
            className="icon-button"
            title={t('graph.zoomOut')}
            aria-label={t('graph.zoomOut')}
            onClick={() => void flow.zoomOut()}
          >
            <Icon name="fold" />
          </button>
        </Panel>
        {miniMap && layout.boxes.length > 12 && (
          <MiniMap<CardNode>
            pannable
            zoomable
            ariaLabel={t('graph.miniMap')}
            nodeClassName={(node) => `mini-${node.data.card.state ?? 'plan'}`}
            position="bottom-right"
            className="mini-map"
          />
        )}
        {children}
      </ReactFlow>
    </ActionsContext.Provider>
  );
}

const NO_EDGES: never[] = [];
const PRO = { hideAttribution: true };

function emptyCard(name: string): Card {
  return {
    name,
    title: name,
    type: null,
    state: null,
    line: '',
    errors: 0,
    warnings: 0,
    flagged: false,
    optional: false,
    match: false,
    dim: false,
  };
}

/** All edges as one drawing: the layout knows where they run, so nothing has to be measured. */
interface WiresProps {
  layout: Layout;
  look: (wire: Wire) => WireLook;
  onWire?: (wire: Wire) => void;
}

const Wires = memo(function Wires({ layout, look, onWire }: WiresProps) {
  const drawn = layout.wires.map((wire) => ({ wire, look: look(wire), path: roundedPath(wire.points) }));
  // The executed path is drawn over the others.
  const rank = (one: WireLook) => (one.state === 'taken' ? 2 : one.state === 'open' ? 1 : 0);
  drawn.sort((left, right) => rank(left.look) - rank(right.look));
  return (
    <div className="wires">
      <svg width={layout.width} height={layout.height} aria-hidden="true">
        <defs>
          {(['taken', 'open', 'not_taken', 'plan', 'left', 'right'] as const).map((name) => (
            <marker
              key={name}
              id={`arrow-${name}`}
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M1 1L7 4L1 7z" className={`arrow a-${name}`} />
            </marker>
          ))}
        </defs>
        {drawn.map(({ wire, look: { state, share, side }, path }) => {
          const name = side === 'left' || side === 'right' ? side : state;
          return (
            <path
              key={`${wire.from}\n${wire.to}\n${wire.label}`}
              d={path}
              className={`wire w-${name}`}
              data-edge={`${wire.from} ${wire.to}`}
              markerEnd={`url(#arrow-${name})`}
              {...(share === undefined ? {} : { style: { strokeWidth: 1 + share * 3.5 } })}
            />
          );
        })}
      </svg>
      {drawn.map(({ wire, look: { state, note, current } }) => {
        const { label } = wire;
        if (!label) return null;
        const short = head(label, LABEL_CHARS);
        const key = `${wire.from}\n${wire.to}\n${wire.label}`;
        const style = { left: wire.labelAt[0], top: wire.labelAt[1] };
        const text = <bdi>{visibleLine(short) + (short.length < label.length ? '…' : '')}</bdi>;
        if (note === undefined || !onWire) {
          return (
            <span
              key={key}
              className={`wire-label w-${state}`}
              style={style}
              title={visibleLine(label)}
              aria-hidden="true"
            >
              {text}
            </span>
          );
        }
        return (
          <button
            key={key}
            type="button"
            className={`wire-label nopan w-${state}`}
            style={style}
            title={visibleLine(label)}
            aria-label={`${visibleLine(wire.from)}, ${visibleLine(label)}: ${note}`}
            aria-pressed={Boolean(current)}
            onClick={() => onWire(wire)}
          >
            {text} <b>{note}</b>
          </button>
        );
      })}
    </div>
  );
});
