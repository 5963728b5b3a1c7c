import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { ApiError } from '../api/client';
import { jsonText } from '../api/json';
import { definitionQuery, type StatisticsAnswer, statisticsQuery, useFeatures } from '../api/queries';
import type { DefinitionNode, Json } from '../api/types';
import { type Key, useT } from '../i18n';
import { JsonView } from '../json/json-view';
import { lineDiff } from '../lib/line-diff';
import { visibleLine } from '../lib/text';
import { duration } from '../lib/time';
import { ExecutionList } from '../list/execution-list';
import { Figure } from '../node/history';
import { flatten } from '../panorama/blocks';
import { planCards } from '../panorama/cards';
import { titleChars, type Wire } from '../panorama/geometry';
import { type Card, Graph, type WireLook } from '../panorama/graph';
import { planEdges } from '../panorama/plan-edges';
import { useLayout } from '../panorama/use-layout';
import { Icon } from '../ui/icons';
import { useKeys } from '../ui/keys';
import { CopyButton, Duration, Empty, ErrorPanel, Id, LongText, Plain, Skeleton, Time } from '../ui/parts';
import { instant, type Route, SCENE_TABS, type SceneTab } from '../url/route';
import { Link, navigate } from '../url/router';
import { UploadDefinition } from './upload';

type SceneRoute = Extract<Route, { page: 'scene' }>;

const TAB_KEYS: Record<SceneTab, Key> = {
  executions: 'scene.executions',
  graph: 'scene.graph',
  text: 'scene.text',
  versions: 'scene.versions',
  upload: 'upload',
};

export function ScenePage({ route }: { route: SceneRoute }) {
  const t = useT();
  const { sceneId, tab, version } = route;
  const query = useQuery({
    ...definitionQuery(sceneId, version || null),
    retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status === 404),
  });
  const go = (change: Partial<SceneRoute>, replace = false) => navigate({ ...route, ...change }, { replace });
  const definition = query.data?.definition;
  const none = query.error instanceof ApiError && query.error.status === 404;
  const tabs = SCENE_TABS.filter((name) => !none || name === 'executions' || name === 'upload');
  const current = tabs.includes(tab) ? tab : 'executions';
  return (
    <div className="page scene-page">
      <div className="page-head">
        <h1>
          <Plain text={definition?.linkName ?? sceneId} max={100} />
        </h1>
        <Id text={sceneId} />
        {query.data && version && !query.data.current && <span className="chip warn">{t('scene.old')}</span>}
      </div>
      {definition?.description && (
        <p className="muted scene-description">
          <Plain text={definition.description} max={600} />
        </p>
      )}
      <div className="segmented" role="tablist" aria-label={t('view.views')}>
        {tabs.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={name === current}
            onClick={() => go({ tab: name })}
          >
            {t(TAB_KEYS[name])}
            {name === 'versions' && query.data && query.data.versions.length > 1 && (
              <span className="tab-count">{query.data.versions.length}</span>
            )}
          </button>
        ))}
      </div>
      {current === 'executions' && (
        <ExecutionList
          source={{ kind: 'scene', sceneId }}
          filters={route.filters}
          onFilters={(filters, replace) => go({ filters }, replace)}
        />
      )}
      {current === 'upload' && <UploadDefinition sceneId={sceneId} />}
      {current !== 'executions' &&
        current !== 'upload' &&
        (query.isPending ? (
          <Skeleton rows={8} />
        ) : query.isError ? (
          <ErrorPanel error={query.error} retry={() => void query.refetch()} />
        ) : current === 'graph' ? (
          <DefinitionGraph route={route} definition={query.data.definition} go={go} />
        ) : current === 'text' ? (
          <DefinitionText text={jsonText(query.data.definition)} value={query.data.definition as unknown as Json} />
        ) : (
          <Versions route={route} answer={query.data} go={go} />
        ))}
    </div>
  );
}

function DefinitionText({ text, value }: { text: string; value: Json }) {
  const t = useT();
  const [tree, setTree] = useState(false);
  return (
    <div className="definition-text">
      <div className="json-tools">
        <button type="button" className="toggle" aria-pressed={tree} onClick={() => setTree(!tree)}>
          {t('scene.tree')}
        </button>
        <span className="grow" />
        <CopyButton text={text} />
      </div>
      {tree ? <JsonView value={value} label={t('tab.definition')} /> : <LongText text={text} className="source-view" />}
    </div>
  );
}

const HEAT_SPANS = ['', '1h', '24h', '7d', '30d'];
type Heat = 'count' | 'errors' | 'p95';
const HEATS: Heat[] = ['count', 'errors', 'p95'];

interface GraphProps {
  route: SceneRoute;
  definition: { nodes: DefinitionNode[]; variants?: { when: Record<string, string>; nodes: DefinitionNode[] }[] };
  go: (change: Partial<SceneRoute>, replace?: boolean) => void;
}

/** The plan as a graph, with what happened on it in a time range laid over. */
function DefinitionGraph({ route, definition, go }: GraphProps) {
  const t = useT();
  const has = useFeatures();
  const [variant, setVariant] = useState(-1);
  const [find, setFind] = useState('');
  const [heat, setHeat] = useState<Heat | null>(null);
  const [folded, setFolded] = useState<string[]>([]);
  const plan = variant === -1 ? definition.nodes : (definition.variants?.[variant]?.nodes ?? definition.nodes);
  const span = route.filters.from;
  const from = useMemo(() => instant(span, Date.now()), [span]);
  const statistics = useQuery({
    ...statisticsQuery(route.sceneId, from, null),
    enabled: heat !== null && has('statistics'),
  });
  const figures = heat === null ? undefined : statistics.data;
  const input = useMemo(
    () => ({
      nodes: flatten(plan).map((node) => ({
        name: node.nodeName,
        type: node.nodeType,
        small: false,
        chars: titleChars(node.title ?? node.nodeName),
      })),
      edges: planEdges(plan),
      plan,
      folded,
      down: false,
    }),
    [plan, folded],
  );
  const layout = useLayout(input);
  const cards = useMemo(() => heated(planCards(plan, find), figures, heat, t), [plan, find, figures, heat, t]);
  const look = useCallback(
    (wire: Wire): WireLook => {
      if (!figures) return { state: 'plan' };
      const edge = figures.edges.find(
        (one) => one.from === wire.from && one.to === wire.to && (one.label ?? '') === (wire.label ?? ''),
      );
      if (!edge) return { state: 'plan' };
      const text =
        wire.label && edge.share !== null ? `${wire.label} ${Math.round(edge.share * 100)} %` : (wire.label ?? '');
      return { state: edge.taken ? 'taken' : 'not_taken', share: edge.share ?? 0, text };
    },
    [figures],
  );
  const toggle = useCallback(
    (name: string) => setFolded((list) => (list.includes(name) ? list.filter((one) => one !== name) : [...list, name])),
    [],
  );
  const select = useCallback((name: string) => go({ node: name === route.node ? '' : name }, true), [go, route.node]);
  useKeys({
    '/': () => document.querySelector<HTMLInputElement>('[data-find]')?.focus(),
    f: () => document.querySelector<HTMLButtonElement>('[data-fit]')?.click(),
    Escape: () => go({ node: '' }, true),
  });
  const node = flatten(plan).find((one) => one.nodeName === route.node);
  const figure = figures?.nodes.find((one) => one.nodeName === route.node);
  return (
    <div className={`graph-page${node ? ' with-panel' : ''}`}>
      <div className="graph-page-tools">
        <label className="find-box">
          <Icon name="search" size={14} />
          <input
            type="search"
            data-find
            value={find}
            placeholder={t('graph.find')}
            aria-label={t('graph.find')}
            onChange={(event) => setFind(event.target.value)}
          />
        </label>
        {definition.variants && definition.variants.length > 0 && (
          <select
            value={variant}
            aria-label={t('scene.variant')}
            onChange={(event) => setVariant(Number(event.target.value))}
          >
            <option value={-1}>{t('scene.plain')}</option>
            {definition.variants.map((one, at) => (
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
          <>
            <div className="segmented" role="group" aria-label={t('heat')}>
              <button type="button" aria-pressed={heat === null} onClick={() => setHeat(null)}>
                {t('heat.off')}
              </button>
              {HEATS.map((name) => (
                <button key={name} type="button" aria-pressed={heat === name} onClick={() => setHeat(name)}>
                  {t(`heat.${name}`)}
                </button>
              ))}
            </div>
            {heat !== null && (
              <select
                value={span}
                aria-label={t('filter.time')}
                onChange={(event) => go({ filters: { ...route.filters, from: event.target.value, to: '' } }, true)}
              >
                {HEAT_SPANS.map((one) => (
                  <option key={one} value={one}>
                    {one ? t('filter.last', { span: one }) : t('filter.anyTime')}
                  </option>
                ))}
              </select>
            )}
            {heat !== null && statistics.isError && <span className="bad">{String(statistics.error)}</span>}
            {figures && (
              <span className="muted">
                {t('heat.over', { n: figures.executions })}
                {!figures.complete && ` ${t('heat.newest')}`}
                {figures.durations.p50Micros !== null && ` · p50 ${duration(figures.durations.p50Micros)}`}
                {figures.durations.p95Micros !== null && ` · p95 ${duration(figures.durations.p95Micros)}`}
              </span>
            )}
          </>
        )}
      </div>
      <div className="work">
        <div className="work-main">
          {layout ? (
            <Graph
              layout={layout}
              cards={cards}
              wireLook={look}
              selected={route.node}
              onSelect={select}
              onToggle={toggle}
              fitKey={`${route.version} ${variant} ${folded.length}`}
              label={t('scene.graph')}
            />
          ) : (
            <Skeleton rows={8} />
          )}
        </div>
        {node && (
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
                  onClick={() => go({ node: '' }, true)}
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
              {figure && (
                <>
                  <div className="figures">
                    <Figure label={t('history.runs')} value={String(figure.runs.total)} />
                    <Figure
                      label={t('history.errors')}
                      value={`${(figure.runs.errorRate * 100).toFixed(1)} %`}
                      bad={figure.runs.failed > 0}
                    />
                    <Figure
                      label="p50"
                      value={figure.runs.p50Micros === null ? '–' : duration(figure.runs.p50Micros)}
                    />
                    <Figure
                      label="p95"
                      value={figure.runs.p95Micros === null ? '–' : duration(figure.runs.p95Micros)}
                    />
                  </div>
                  <p>
                    <Link
                      to={{
                        ...route,
                        tab: 'executions',
                        filters: { ...route.filters, status: figure.runs.failed ? 'failed' : '' },
                      }}
                    >
                      {figure.runs.failed ? t('heat.behindFailed') : t('heat.behind')}
                    </Link>
                  </p>
                </>
              )}
              <dl className="facts">
                {node.service && (
                  <>
                    <dt>{t('fact.service')}</dt>
                    <dd>
                      <Plain text={node.service} />
                    </dd>
                  </>
                )}
                {node.slowAfterMs !== undefined && (
                  <>
                    <dt>{t('fact.slow')}</dt>
                    <dd>
                      <Duration micros={node.slowAfterMs * 1000} />
                    </dd>
                  </>
                )}
              </dl>
              <JsonView value={node as unknown as Json} label={t('tab.definition')} />
            </div>
          </aside>
        )}
      </div>
    </div>
  );
}

/** Cards with a figure each, and how much of the greatest it is. */
function heated(
  cards: Map<string, Card>,
  figures: StatisticsAnswer | undefined,
  heat: Heat | null,
  t: ReturnType<typeof useT>,
): Map<string, Card> {
  if (!figures || heat === null) return cards;
  const values = new Map(
    figures.nodes.map((node) => [
      node.nodeName,
      heat === 'count' ? node.runs.total : heat === 'errors' ? node.runs.errorRate : (node.runs.p95Micros ?? 0),
    ]),
  );
  const max = Math.max(...values.values(), heat === 'errors' ? 0.01 : 1);
  return new Map(
    [...cards].map(([name, card]) => {
      const value = values.get(name);
      const node = figures.nodes.find((one) => one.nodeName === name);
      if (value === undefined || !node || node.runs.total === 0) return [name, { ...card, line: t('heat.none') }];
      const p95 = node.runs.p95Micros === null ? '' : ` · p95 ${duration(node.runs.p95Micros)}`;
      const errors = node.runs.failed ? ` · ${(node.runs.errorRate * 100).toFixed(1)} %` : '';
      return [name, { ...card, heat: value / max, line: `${node.runs.total}×${errors}${p95}` }];
    }),
  );
}

interface VersionsProps {
  route: SceneRoute;
  answer: {
    version: string;
    definition: unknown;
    versions: {
      version: string;
      validFrom: string | null;
      label: string | null;
      linkName: string | null;
      current: boolean;
    }[];
  };
  go: (change: Partial<SceneRoute>) => void;
}

function Versions({ route, answer, go }: VersionsProps) {
  const t = useT();
  const shown = answer.version;
  const at = answer.versions.findIndex((one) => one.version === shown);
  const other = route.other || answer.versions[at + 1]?.version || '';
  const query = useQuery({ ...definitionQuery(route.sceneId, other), enabled: other !== '' });
  const lines = useMemo(
    () => (query.data ? lineDiff(jsonText(query.data.definition), jsonText(answer.definition)) : null),
    [query.data, answer.definition],
  );
  return (
    <div className="versions">
      <table className="runs">
        <thead>
          <tr>
            <th>{t('scene.version')}</th>
            <th>{t('scene.label')}</th>
            <th>{t('scene.validFrom')}</th>
            <th>{t('scene.show')}</th>
            <th>{t('scene.against')}</th>
          </tr>
        </thead>
        <tbody>
          {answer.versions.map((one) => (
            <tr key={one.version + one.validFrom} className={one.version === shown ? 'selected' : ''}>
              <td>
                <Id text={one.version} max={12} /> {one.current && <span className="chip">{t('scene.current')}</span>}
              </td>
              <td>{one.label && <Plain text={one.label} max={40} />}</td>
              <td>{one.validFrom ? <Time time={one.validFrom} fraction={0} /> : t('scene.always')}</td>
              <td>
                <input
                  type="radio"
                  name="shown"
                  aria-label={`${t('scene.show')} ${one.version}`}
                  checked={one.version === shown}
                  onChange={() => go({ version: one.version })}
                />
              </td>
              <td>
                <input
                  type="radio"
                  name="other"
                  aria-label={`${t('scene.against')} ${one.version}`}
                  checked={one.version === other}
                  onChange={() => go({ other: one.version })}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {answer.versions.length < 2 ? (
        <p className="muted">{t('scene.oneVersion')}</p>
      ) : lines === null ? (
        query.isError ? (
          <ErrorPanel error={query.error} />
        ) : (
          other && <Skeleton rows={6} />
        )
      ) : lines.every((line) => line.kind === 'same') ? (
        <Empty title={t('scene.sameVersions')} icon="check" />
      ) : (
        <pre className="line-diff">
          {lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a difference have a fixed order and no id
            <span key={index} className={`line ${line.kind}`}>
              {line.kind === 'added' ? '+ ' : line.kind === 'removed' ? '- ' : line.kind === 'gap' ? '  ⋯ ' : '  '}
              {visibleLine(line.text)}
              {'\n'}
            </span>
          ))}
        </pre>
      )}
    </div>
  );
}
