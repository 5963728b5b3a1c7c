import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { ApiError } from '../api/client';
import { definitionQuery, logsQuery, useExecution } from '../api/queries';
import type { Definition, Execution, LogLine } from '../api/types';
import { exportExecution } from '../file/export';
import { useT } from '../i18n';
import { head, visibleLine } from '../lib/text';
import { LogStream } from '../logs/log-stream';
import { NodePanel } from '../node/node-panel';
import { nextFailure } from '../panorama/cards';
import { Panorama } from '../panorama/panorama';
import { snapshotAt } from '../replay/replay';
import { ReplayBar } from '../replay/replay-bar';
import { Timeline } from '../timeline/timeline';
import { Icon, type IconName } from '../ui/icons';
import { useKeys } from '../ui/keys';
import { LiveBadge } from '../ui/live-badge';
import { CopyButton, Duration, Empty, ErrorPanel, Id, Plain, Skeleton, StateBadge, Time } from '../ui/parts';
import { Tabs, tabPanel } from '../ui/tabs';
import { type ExecutionState, NO_FILTERS, VIEWS, type View } from '../url/route';
import { Link, navigate } from '../url/router';

const VIEW_ICONS: Record<View, IconName> = { panorama: 'graph', timeline: 'bars', logs: 'log' };

export function ExecutionPage({ state }: { state: ExecutionState }) {
  const t = useT();
  const { query, live } = useExecution(state.mark);
  const change = useCallback(
    (change: Partial<ExecutionState>, replace = false) =>
      navigate({ page: 'execution', ...state, ...change }, { replace }),
    [state],
  );
  const execution = query.data;
  if (!execution) {
    if (query.isPending) return <Skeleton rows={10} />;
    const missing = query.error instanceof ApiError && query.error.status === 404;
    if (!missing) return <ErrorPanel error={query.error} retry={() => void query.refetch()} />;
    return (
      <Empty title={t('execution.unknown')}>
        <p>{t('execution.unknownHelp')}</p>
        <p>
          <Link to={{ page: 'home', id: state.mark.businessId, filters: NO_FILTERS }}>
            {t('execution.allOf', { name: visibleLine(head(state.mark.businessId, 60)) })}
          </Link>
        </p>
      </Empty>
    );
  }
  return (
    <ExecutionView
      execution={execution}
      state={state}
      change={change}
      badge={<LiveBadge state={query.isError ? 'lost' : live} running={execution.status === 'running'} />}
      imported={null}
      importedDefinition={null}
    />
  );
}

interface ViewProps {
  execution: Execution;
  state: ExecutionState;
  change: (change: Partial<ExecutionState>, replace?: boolean) => void;
  badge: React.ReactNode;
  imported: LogLine[] | null;
  importedDefinition: Definition | null;
}

/** An execution in its three views on one selection, from the server or from a file. */
export function ExecutionView({ execution, state, change, badge, imported, importedDefinition }: ViewProps) {
  const t = useT();
  const [find, setFind] = useState('');
  const version = execution.definitionVersion;
  const definitionAnswer = useQuery({
    ...definitionQuery(execution.sceneId, version),
    enabled: version !== null && imported === null,
    retry: false,
  });
  const definition = importedDefinition ?? definitionAnswer.data?.definition;
  const waiting = version !== null && imported === null && definitionAnswer.isPending;
  const { view, node, at } = state;
  const selected = execution.nodes.find((one) => one.nodeName === node);
  const snapshot = useMemo(() => (at === null ? null : snapshotAt(execution, at)), [execution, at]);
  const select = useCallback(
    (name: string) => change(name === node ? { node: '', run: '' } : { node: name, run: '' }),
    [change, node],
  );
  const timelineLogs = useInfiniteQuery({
    ...logsQuery(state.mark, { node: '', run: '', level: '', text: '' }),
    enabled: imported === null && view === 'timeline',
  });
  const lines = useMemo(
    () => imported ?? timelineLogs.data?.pages.flatMap((page) => page.logs) ?? [],
    [imported, timelineLogs.data],
  );

  const step = (by: number) => {
    const names = execution.nodes.map((one) => one.nodeName);
    const from = names.indexOf(node);
    const next = from === -1 ? (by > 0 ? 0 : names.length - 1) : Math.min(names.length - 1, Math.max(0, from + by));
    change({ node: names[next] ?? '', run: '' }, true);
  };
  const blocks = execution.nodes.filter((one) => ['fork', 'decision', 'loop'].includes(one.nodeType ?? ''));
  useKeys({
    '/': () => document.querySelector<HTMLInputElement>('[data-find]')?.focus(),
    j: () => step(1),
    k: () => step(-1),
    n: () => {
      const next = nextFailure(execution, node);
      if (next) change({ node: next, run: '' }, true);
    },
    f: () => document.querySelector<HTMLButtonElement>('[data-fit]')?.click(),
    '[': () =>
      change({
        fold:
          node && blocks.some((one) => one.nodeName === node)
            ? [...new Set([...state.fold, node])]
            : blocks.map((one) => one.nodeName),
      }),
    ']': () => change({ fold: node && state.fold.includes(node) ? state.fold.filter((name) => name !== node) : [] }),
    c: () => navigate({ page: 'compare', left: execution, right: null, node }),
    '1': () => change({ view: 'panorama' }),
    '2': () => change({ view: 'timeline' }),
    '3': () => change({ view: 'logs' }),
    Escape: () => {
      if (document.activeElement instanceof HTMLElement && document.activeElement.matches('input'))
        document.activeElement.blur();
      else if (node) change({ node: '', run: '' });
    },
  });

  return (
    <div className={`execution${selected ? ' with-panel' : ''}`}>
      <ExecutionHead
        execution={execution}
        badge={badge}
        node={node}
        imported={imported !== null}
        onExport={() => void exportExecution(execution, definition, imported)}
      />
      <Findings execution={execution} onSelect={(name) => change({ node: name, run: '' })} />
      <div className="view-bar">
        <Tabs
          label={t('view.views')}
          panel="view"
          current={view}
          onSelect={(name) => change({ view: name })}
          items={VIEWS.map((name) => ({
            name,
            label: t(`view.${name}`),
            icon: VIEW_ICONS[name],
            ...(name === 'logs' ? { count: execution.logs.total } : {}),
          }))}
        />
        <ReplayBar execution={execution} at={at} onChange={(next) => change({ at: next }, true)} />
      </div>
      <div className="work">
        <div className="work-main" {...tabPanel('view', view)}>
          {view === 'panorama' &&
            (execution.nodes.length === 0 ? (
              <Empty title={t('panorama.none')} icon="graph">
                {t('panorama.noneHelp')}
              </Empty>
            ) : waiting ? (
              <Skeleton rows={8} />
            ) : (
              <Panorama
                execution={execution}
                definition={definition}
                snapshot={snapshot}
                selected={node}
                onSelect={select}
                folded={state.fold}
                onFold={(fold) => change({ fold })}
                minor={state.minor}
                onMinor={(minor) => change({ minor })}
                down={state.down}
                onDown={(down) => change({ down })}
                find={find}
                onFind={setFind}
              />
            ))}
          {view === 'timeline' && (
            <Timeline
              execution={execution}
              selected={node}
              onSelect={(name, run) => change({ node: name, run })}
              logs={lines}
              at={at}
              align={state.align}
              onAlign={(align) => change({ align }, true)}
            />
          )}
          {view === 'logs' && (
            <LogStream
              mark={state.mark}
              execution={execution}
              node={node}
              state={state}
              onChange={(next) => change(next, true)}
              onSelect={select}
              at={at}
              imported={imported}
            />
          )}
        </div>
        {selected && (
          <NodePanel
            execution={execution}
            node={selected}
            definition={definition}
            tab={state.tab}
            run={state.run}
            imported={imported}
            onTab={(tab) => change({ tab })}
            onRun={(run) => change({ run })}
            onClose={() => change({ node: '', run: '' })}
          />
        )}
      </div>
    </div>
  );
}

function ExecutionHead(props: {
  execution: Execution;
  badge: React.ReactNode;
  node: string;
  imported: boolean;
  onExport: () => void;
}) {
  const { execution, badge, node, imported, onExport } = props;
  const t = useT();
  const meta = Object.entries(execution.meta);
  return (
    <header className="execution-head">
      <div className="head-line">
        <StateBadge state={execution.status} />
        <h1>
          <Link to={{ page: 'home', id: execution.businessId, filters: NO_FILTERS }} className="crumb">
            <Plain text={execution.businessId} max={60} />
          </Link>
          <CopyButton text={execution.businessId} />
          <Icon name="chevron" size={14} className="muted" />
          <Plain text={execution.sceneId} max={60} />
          <Icon name="chevron" size={14} className="muted" />
          <Id text={execution.executionId} max={24} />
        </h1>
        {badge}
        <span className="grow" />
        <div className="head-actions">
          {!imported && (
            <Link className="button" to={{ page: 'compare', left: execution, right: null, node }}>
              <Icon name="compare" size={14} />
              {t('compare')}
            </Link>
          )}
          <button type="button" onClick={onExport} title={t('export.help')}>
            <Icon name="download" size={14} />
            {t('export')}
          </button>
        </div>
      </div>
      <div className="head-facts">
        <span>
          <Time time={execution.startTime} age />
        </span>
        <span>
          <span className="muted">{t('fact.took')}</span> <Duration micros={execution.durationMicros} />
        </span>
        <span className="muted">
          {t('execution.counts', { reports: execution.counts.reports, logs: execution.counts.logs })}
          {execution.counts.errors > 0 && <b className="bad"> {t('card.errors', { n: execution.counts.errors })}</b>}
        </span>
        {meta.slice(0, 8).map(([key, value]) => (
          <span key={key} className="chip">
            <span className="muted">
              <Plain text={key} max={30} />
            </span>{' '}
            <Plain text={value} max={40} />
          </span>
        ))}
        {execution.traceIds.slice(0, 2).map((trace) => (
          <span key={trace}>
            <span className="muted">{t('fact.trace')}</span> <Id text={trace} max={12} />
          </span>
        ))}
        {execution.traceIds.length > 2 && (
          <span className="muted">{t('execution.moreTraces', { n: execution.traceIds.length - 2 })}</span>
        )}
        {execution.partial && <span className="chip warn">{t('execution.partial')}</span>}
        {execution.stallsAt && (
          <span className="muted">
            {t('execution.stallsAt')} <Time time={execution.stallsAt} fraction={0} />
          </span>
        )}
      </div>
    </header>
  );
}

const SHOWN_FINDINGS = 3;

function Findings({ execution, onSelect }: { execution: Execution; onSelect: (name: string) => void }) {
  const t = useT();
  const [all, setAll] = useState(false);
  if (execution.findings.length === 0) return null;
  const shown = all ? execution.findings.slice(0, 200) : execution.findings.slice(0, SHOWN_FINDINGS);
  return (
    <section className="findings" aria-label={t('findings')}>
      <ul>
        {shown.map((finding, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: findings have a fixed order and no id
          <li key={at}>
            <Icon name="warn" size={14} />
            {finding.nodeName && (
              <button type="button" className="quiet" onClick={() => finding.nodeName && onSelect(finding.nodeName)}>
                <Plain text={finding.nodeName} max={60} />
              </button>
            )}
            <Plain text={t.sentence(finding.message)} max={600} />
          </li>
        ))}
      </ul>
      {execution.findings.length > SHOWN_FINDINGS && (
        <button type="button" className="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('findings.less') : t('findings.all', { n: execution.findings.length })}
        </button>
      )}
    </section>
  );
}
