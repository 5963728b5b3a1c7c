import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import type { Params } from '../api/client';
import { historyQuery, type StatisticsAnswer, statisticsQuery, useFeatures } from '../api/queries';
import type { DefinitionNode, Json } from '../api/types';
import { useT } from '../i18n';
import { JsonView } from '../json/json-view';
import { visibleLine } from '../lib/text';
import { TimeRange } from '../list/filters';
import { Entries, HistoryView } from '../node/history';
import { flatten } from '../panorama/blocks';
import { planCards } from '../panorama/cards';
import { FindBox } from '../panorama/find-box';
import { titleChars, type Wire } from '../panorama/geometry';
import { Graph, type WireLook } from '../panorama/graph';
import {
  type EdgeFigures,
  edgeFigures,
  figureText,
  greatest,
  micros,
  overlayCards,
  percent,
} from '../panorama/overlay';
import { planEdges } from '../panorama/plan-edges';
import { useLayout } from '../panorama/use-layout';
import { Facts } from '../ui/facts';
import { Icon } from '../ui/icons';
import { useKeys } from '../ui/keys';
import { Duration, ErrorPanel, Id, Plain, Skeleton } from '../ui/parts';
import { instant, OVERLAYS, type Overlay, type SceneState } from '../url/route';

/** Room behind the label of a way for its share: ` 100 %`. */
const SHARE_CHARS = 6;

type Change = (change: Partial<SceneState>, replace?: boolean) => void;

interface Props {
  route: SceneState;
  definition: { nodes: DefinitionNode[]; variants?: { when: Record<string, string>; nodes: DefinitionNode[] }[] };
  go: Change;
}

/** The plan as a graph, with what happened on it in a time range laid over. */
export function DefinitionGraph({ route, definition, go }: Props) {
  const t = useT();
  const has = useFeatures();
  const [find, setFind] = useState('');
  const [folded, setFolded] = useState<string[]>([]);
  const variants = definition.variants ?? [];
  const plan = (route.variant === null ? null : variants[route.variant]?.nodes) ?? definition.nodes;
  const overlay = has('statistics') ? route.overlay : '';
  const { from, to } = route.filters;
  // A span such as "last hour" is counted from when it was chosen, so that all figures are about the same time.
  const times = useMemo((): Params => {
    const now = Date.now();
    return { from: instant(from, now), to: instant(to, now) };
  }, [from, to]);
  const statistics = useQuery({ ...statisticsQuery(route.sceneId, times), enabled: overlay !== '' });
  const figures = overlay === '' ? undefined : statistics.data;
  const input = useMemo(
    () => ({
      nodes: flatten(plan).map((node) => ({
        name: node.nodeName,
        type: node.nodeType,
        small: false,
        chars: titleChars(node.title ?? node.nodeName),
      })),
      edges: planEdges(plan).map((edge) => (edge.label === null ? edge : { ...edge, room: SHARE_CHARS })),
      plan,
      folded,
      down: false,
    }),
    [plan, folded],
  );
  const layout = useLayout(input);
  const cards = useMemo(() => {
    const plain = planCards(plan, find);
    return figures && overlay ? overlayCards(plain, figures, overlay, t) : plain;
  }, [plan, find, figures, overlay, t]);
  const look = useCallback(
    (wire: Wire): WireLook => {
      const edge = figures && edgeFigures(figures, wire.from, wire.to, wire.label);
      if (!edge) return { state: 'plan' };
      return {
        state: edge.taken ? 'taken' : 'not_taken',
        share: edge.share ?? 0,
        ...(wire.label === null ? {} : { note: percent(edge.share) }),
        current: wire.from === route.node && wire.label === route.branch,
      };
    },
    [figures, route.node, route.branch],
  );
  const toggle = useCallback(
    (name: string) => setFolded((list) => (list.includes(name) ? list.filter((one) => one !== name) : [...list, name])),
    [],
  );
  const select = useCallback(
    (name: string) => go({ node: name === route.node && !route.branch ? '' : name, branch: '' }, true),
    [go, route.node, route.branch],
  );
  const openWire = useCallback((wire: Wire) => go({ node: wire.from, branch: wire.label ?? '' }, true), [go]);
  useKeys({
    '/': () => document.querySelector<HTMLInputElement>('[data-find]')?.focus(),
    f: () => document.querySelector<HTMLButtonElement>('[data-fit]')?.click(),
    Escape: () => go({ node: '', branch: '' }, true),
  });
  const node = flatten(plan).find((one) => one.nodeName === route.node);
  return (
    <div className={`graph-page${node ? ' with-panel' : ''}`}>
      <div className="graph-page-tools">
        <FindBox find={find} onFind={setFind} />
        {variants.length > 0 && (
          <select
            value={route.variant ?? ''}
            aria-label={t('scene.variant')}
            onChange={(event) => go({ variant: event.target.value === '' ? null : Number(event.target.value) })}
          >
            <option value="">{t('scene.plain')}</option>
            {variants.map((one, at) => (
              <option key={JSON.stringify(one.when)} value={at}>
                {visibleLine(
                  Object.entries(one.when)
                    .map(([key, value]) => `${key}=${value}`)
                    .join(', '),
                )}
              </option>
            ))}
          </select>
        )}
        {has('statistics') && (
          <div className="segmented" role="group" aria-label={t('overlay')}>
            {(['', ...OVERLAYS] as const).map((name) => (
              <button
                key={name}
                type="button"
                aria-pressed={overlay === name}
                onClick={() => go({ overlay: name, ...(name ? {} : { branch: '' }) })}
              >
                {name ? t(`overlay.of.${name}`) : t('overlay.off')}
              </button>
            ))}
          </div>
        )}
        {overlay !== '' && (
          <>
            <TimeRange from={from} to={to} onChange={(change) => go({ filters: { ...route.filters, ...change } })} />
            {figures && <OverlayLegend figures={figures} overlay={overlay} />}
          </>
        )}
      </div>
      {overlay !== '' && statistics.isError && (
        <ErrorPanel error={statistics.error} retry={() => void statistics.refetch()} />
      )}
      <div className="work">
        <div className={`work-main${overlay ? ` overlay-${overlay}` : ''}`}>
          {layout ? (
            <Graph
              layout={layout}
              cards={cards}
              wireLook={look}
              selected={route.node}
              onSelect={select}
              onToggle={toggle}
              {...(figures ? { onWire: openWire } : {})}
              fitKey={`${route.version} ${route.variant} ${folded.length}`}
              label={t('scene.graph')}
            />
          ) : (
            <Skeleton rows={8} />
          )}
        </div>
        {node && <PlanPanel route={route} node={node} figures={figures} times={times} go={go} />}
      </div>
    </div>
  );
}

/** Over what the figures are, and what the darkest card stands for. */
function OverlayLegend({ figures, overlay }: { figures: StatisticsAnswer; overlay: Overlay }) {
  const t = useT();
  const { durations } = figures;
  const max = greatest(figures, overlay);
  return (
    <>
      {max > 0 && (
        <span className={`scale overlay-${overlay}`}>
          0 <i aria-hidden="true" /> {figureText(max, overlay)}
        </span>
      )}
      <span className="muted" role="status">
        {figures.executions === 0
          ? t('overlay.nothing')
          : t(figures.complete ? 'overlay.over' : 'overlay.overNewest', { n: figures.executions })}
        {durations.p50Micros !== null && ` · p50 ${micros(durations.p50Micros)}`}
        {durations.p95Micros !== null && ` · p95 ${micros(durations.p95Micros)}`}
      </span>
    </>
  );
}

interface PanelProps {
  route: SceneState;
  node: DefinitionNode;
  figures: StatisticsAnswer | undefined;
  times: Params;
  go: Change;
}

/** A node of the plan: with an overlay its figures and the executions behind them, and its definition. */
function PlanPanel({ route, node, figures, times, go }: PanelProps) {
  const t = useT();
  const ways = (figures?.edges ?? []).filter((edge) => edge.from === node.nodeName && edge.label !== null);
  const way = ways.find((edge) => edge.label === route.branch);
  return (
    <aside className="node-panel" aria-label={t('node.panel', { name: visibleLine(node.nodeName) })}>
      <header>
        <div className="node-title">
          <h2>
            <Plain text={node.title ?? node.nodeName} max={100} />
          </h2>
          <span className="grow" />
          <button
            type="button"
            className="icon-button"
            aria-label={t('close')}
            title={`${t('close')} (Esc)`}
            onClick={() => go({ node: '', branch: '' }, true)}
          >
            <Icon name="close" />
          </button>
        </div>
        <div className="node-sub">
          <Id text={node.nodeName} max={60} />
          <span className="muted">{node.nodeType}</span>
        </div>
      </header>
      <div className="node-body">
        {node.description && (
          <p>
            <Plain text={node.description} max={1000} />
          </p>
        )}
        <Facts
          of={[
            ['fact.service', node.service && <Plain text={node.service} />],
            ['fact.slow', node.slowAfterMs !== undefined && <Duration micros={node.slowAfterMs * 1000} />],
          ]}
        />
        {ways.length > 0 && <Ways ways={ways} current={route.branch} onSelect={(branch) => go({ branch }, true)} />}
        {figures && way && <BehindWay sceneId={route.sceneId} way={way} times={times} />}
        {figures && !way && <Behind sceneId={route.sceneId} node={node.nodeName} times={times} />}
        <details open={!figures}>
          <summary>{t('tab.definition')}</summary>
          <JsonView value={node as unknown as Json} label={t('tab.definition')} />
        </details>
      </div>
    </aside>
  );
}

/** The ways out of a decision or loop with how many executions went each. */
function Ways(props: { ways: EdgeFigures[]; current: string; onSelect: (label: string) => void }) {
  const t = useT();
  return (
    <section>
      <h3>{t('overlay.ways')}</h3>
      <ul className="ways">
        {props.ways.map((way) => {
          const label = way.label ?? '';
          const chosen = label === props.current;
          return (
            <li key={`${label}\n${way.to}`}>
              <button type="button" aria-pressed={chosen} onClick={() => props.onSelect(chosen ? '' : label)}>
                <span className="way-name">
                  <Plain text={label} max={40} />
                </span>
                <span className="way-bar" aria-hidden="true">
                  <i style={{ width: `${100 * (way.share ?? 0)}%` }} />
                </span>
                <b>{percent(way.share)}</b>
                <span className="muted">{t('overlay.taken', { n: way.taken })}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Behind({ sceneId, node, times }: { sceneId: string; node: string; times: Params }) {
  const query = useQuery(historyQuery(sceneId, node, times));
  if (query.isPending) return <Skeleton rows={5} />;
  if (query.isError) return <ErrorPanel error={query.error} retry={() => void query.refetch()} />;
  return <HistoryView key={node} history={query.data} />;
}

/** The executions that went a way: those in whose history the node took that case. */
function BehindWay({ sceneId, way, times }: { sceneId: string; way: EdgeFigures; times: Params }) {
  const t = useT();
  const query = useQuery(historyQuery(sceneId, way.from, times));
  if (query.isPending) return <Skeleton rows={5} />;
  if (query.isError) return <ErrorPanel error={query.error} retry={() => void query.refetch()} />;
  const label = way.label ?? '';
  return (
    <section>
      <h3>{t('overlay.went', { name: visibleLine(label).slice(0, 40) })}</h3>
      <Entries history={query.data} entries={query.data.entries.filter((entry) => entry.cases?.includes(label))} />
    </section>
  );
}
