import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { historyQuery, nodeQuery, useFeatures } from '../api/queries';
import type { Definition, Execution, Json, LogLine, Mark, PanoramaEdge, PanoramaNode, Run } from '../api/types';
import { latestRun } from '../compare/diff';
import { type Key, useT } from '../i18n';
import { JsonView } from '../json/json-view';
import { alarms } from '../lib/level';
import { visibleLine } from '../lib/text';
import { ExceptionView } from '../logs/log-detail';
import { LogStream } from '../logs/log-stream';
import { definitionNode } from '../panorama/cards';
import { Facts } from '../ui/facts';
import { Icon } from '../ui/icons';
import { Duration, Empty, ErrorPanel, Id, Plain, Skeleton, StateBadge, Time } from '../ui/parts';
import { Tabs, tabPanel } from '../ui/tabs';
import { initialExecution, TABS, type Tab } from '../url/route';
import { Link } from '../url/router';
import { HistoryView } from './history';

const markOf = ({ businessId, sceneId, executionId }: Execution): Mark => ({ businessId, sceneId, executionId });

const TAB_KEYS: Record<Tab, Key> = {
  summary: 'tab.summary',
  input: 'tab.input',
  output: 'tab.output',
  logs: 'tab.logs',
  history: 'tab.history',
  definition: 'tab.definition',
  raw: 'tab.raw',
};

interface Props {
  execution: Execution;
  node: PanoramaNode;
  definition: Definition | undefined;
  tab: Tab;
  run: string;
  imported: LogLine[] | null;
  onTab: (tab: Tab) => void;
  onRun: (run: string) => void;
  onClose: () => void;
}

export function NodePanel(props: Props) {
  const { execution, node, definition, tab, imported, onTab, onRun, onClose } = props;
  const t = useT();
  const has = useFeatures();
  const run = node.runs.find((one) => one.runId === props.run) ?? latestRun(node);
  const planned = definitionNode(definition, node.nodeName);
  const logCount = alarms(node.logCounts).total;
  const tabs = TABS.filter(
    (name) =>
      (name !== 'history' || (has('history') && imported === null)) && (name !== 'definition' || planned !== null),
  );
  const current = tabs.includes(tab) ? tab : 'summary';
  return (
    <aside className="node-panel" aria-label={t('node.panel', { name: visibleLine(node.nodeName) })}>
      <header>
        <div className="node-title">
          <StateBadge state={node.state} />
          <h2>
            <Plain text={node.title ?? node.nodeName} max={120} />
          </h2>
          <span className="grow" />
          <button
            type="button"
            className="icon-button"
            aria-label={t('close')}
            title={`${t('close')} (Esc)`}
            onClick={onClose}
          >
            <Icon name="close" />
          </button>
        </div>
        <div className="node-sub">
          <Id text={node.nodeName} max={60} />
          <span className="muted">{node.nodeType ?? t('node.unplanned')}</span>
          {node.runs.length > 1 && (
            <select value={run?.runId ?? ''} aria-label={t('node.run')} onChange={(event) => onRun(event.target.value)}>
              {node.runs.map((one) => (
                <option key={one.runId} value={one.runId}>
                  {one.iteration === undefined ? '' : `${t('node.round', { n: one.iteration })} · `}
                  {visibleLine(one.runId).slice(0, 40)} · {one.status}
                </option>
              ))}
            </select>
          )}
        </div>
        <Tabs
          look="tabs"
          label={t('node.tabs')}
          panel="node-tab"
          current={current}
          onSelect={onTab}
          items={tabs.map((name) => ({
            name,
            label: t(TAB_KEYS[name]),
            ...(name === 'logs' ? { count: logCount } : {}),
          }))}
        />
      </header>
      <div className="node-body" {...tabPanel('node-tab', current)}>
        {current === 'summary' && <Summary execution={execution} node={node} run={run} />}
        {(current === 'input' || current === 'output') && <Payload node={node} run={run} side={current} />}
        {current === 'logs' && <NodeLogs execution={execution} node={node} run={props.run} imported={imported} />}
        {current === 'history' && <History execution={execution} node={node} run={run} />}
        {current === 'definition' && planned && (
          <JsonView value={planned as unknown as Json} label={t('tab.definition')} />
        )}
        {current === 'raw' && <Raw execution={execution} node={node} imported={imported} />}
      </div>
    </aside>
  );
}

function Case({ text, inferred }: { text: string; inferred: boolean }) {
  const t = useT();
  return (
    <>
      <Plain text={text} /> {inferred && <span className="muted">({t('fact.inferred')})</span>}
    </>
  );
}

function LogCounts({ errors, warnings, total }: ReturnType<typeof alarms>) {
  const t = useT();
  return (
    <>
      {t('logs.count', { n: total })}
      {errors > 0 && <span className="count l-ERROR"> {t('card.errors', { n: errors })}</span>}
      {warnings > 0 && <span className="count l-WARN"> {t('card.warnings', { n: warnings })}</span>}
    </>
  );
}

function SubLink({ businessId, sub }: { businessId: string; sub: NonNullable<PanoramaNode['sub']> }) {
  return (
    <Link to={{ page: 'execution', ...initialExecution({ ...sub, businessId }) }}>
      <Plain text={`${sub.sceneId} › ${sub.executionId}`} max={120} />
    </Link>
  );
}

/** The other ends of edges, and whether the flow went along them. */
function Edges({ edges, side }: { edges: PanoramaEdge[]; side: 'from' | 'to' }) {
  const t = useT();
  return edges.map((edge) => (
    <span key={edge.from + edge.to + edge.label} className={`chip w-${edge.state}`} title={t(`edge.${edge.state}`)}>
      <Plain text={edge[side]} max={40} />
      {edge.label && <span className="muted"> ({visibleLine(edge.label).slice(0, 30)})</span>}
    </span>
  ));
}

function Summary({ execution, node, run }: { execution: Execution; node: PanoramaNode; run: Run | null }) {
  const t = useT();
  const findings = execution.findings.filter((finding) => finding.nodeName === node.nodeName);
  const logs = alarms(node.logCounts);
  const before = execution.edges.filter((edge) => edge.to === node.nodeName);
  const after = execution.edges.filter((edge) => edge.from === node.nodeName);
  return (
    <div className="summary">
      <p className="state-why">{t(`why.${node.state}`)}</p>
      {node.notTakenBecause && (
        <p className="note">
          <Icon name="decision" size={14} /> <Plain text={t.sentence(node.notTakenBecause)} />
        </p>
      )}
      {findings.map((finding) => (
        <p key={finding.kind + finding.message} className="note warn">
          <Icon name="warn" size={14} /> <Plain text={t.sentence(finding.message)} max={1000} />
        </p>
      ))}
      <ExceptionView exception={run?.exception} cutFrom={run?.exceptionCutFrom} />
      <Facts
        of={[
          ['fact.status', run?.status],
          ['fact.start', run && <Time time={run.startTime} fraction={6} />],
          ['fact.end', run && <Time time={run.endTime} fraction={6} />],
          ['fact.duration', run && <Duration micros={run.durationMicros} />],
          ['fact.case', node.case !== undefined && <Case text={node.case} inferred={Boolean(node.caseInferred)} />],
          ['fact.rounds', node.rounds],
          ['fact.round', run?.iteration],
          ['fact.service', run?.service && <Id text={run.service} />],
          ['fact.instance', run?.instance && <Id text={run.instance} />],
          ['fact.host', run?.host && <Id text={run.host} />],
          ['fact.run', run?.runId && <Id text={run.runId} />],
          ['fact.logs', logs.total > 0 && <LogCounts {...logs} />],
          ['fact.sub', node.sub && <SubLink businessId={execution.businessId} sub={node.sub} />],
          ['fact.before', before.length > 0 && <Edges edges={before} side="from" />],
          ['fact.after', after.length > 0 && <Edges edges={after} side="to" />],
        ]}
      />
      {(run?.shared || run?.timeSubstituted) && (
        <p className="muted">
          {run.shared && t('shared')} {run.timeSubstituted && t('timeSubstituted')}
        </p>
      )}
      {node.runs.length > 1 && (
        <table className="runs">
          <caption>{t('node.runs', { n: node.runs.length })}</caption>
          <thead>
            <tr>
              <th>{t('fact.run')}</th>
              <th>{t('fact.status')}</th>
              <th>{t('fact.start')}</th>
              <th>{t('fact.duration')}</th>
            </tr>
          </thead>
          <tbody>
            {node.runs.slice(0, 100).map((one) => (
              <tr key={one.runId} className={one.runId === run?.runId ? 'selected' : ''}>
                <td>
                  <Plain text={one.runId} max={24} />
                </td>
                <td>{one.status}</td>
                <td>
                  <Time time={one.startTime ?? one.endTime} />
                </td>
                <td>
                  <Duration micros={one.durationMicros} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function Payload({ node, run, side }: { node: PanoramaNode; run: Run | null; side: 'input' | 'output' }) {
  const t = useT();
  const value = run?.[side] ?? null;
  if (value === null) {
    return (
      <Empty title={t(side === 'input' ? 'node.noInput' : 'node.noOutput')} icon="graph">
        {!run && t(`why.${node.state}`)}
        {run && side === 'output' && run.status === 'RUNNING' && t('node.noOutputYet')}
      </Empty>
    );
  }
  return <JsonView key={run?.runId} value={value} cutFrom={run?.[`${side}CutFrom`]} label={t(TAB_KEYS[side])} />;
}

function NodeLogs(props: { execution: Execution; node: PanoramaNode; run: string; imported: LogLine[] | null }) {
  const { execution, node, run, imported } = props;
  const [state, setState] = useState({ level: '', text: '', onlyNode: true, line: null as number | null });
  return (
    <LogStream
      key={node.nodeName}
      mark={markOf(execution)}
      execution={execution}
      node={node.nodeName}
      run={run}
      state={state}
      onChange={(change) => setState({ ...state, ...change })}
      at={null}
      imported={imported}
      compact
    />
  );
}

/** So many executions are looked back over. */
const HISTORY = 100;

function History({ execution, node, run }: { execution: Execution; node: PanoramaNode; run: Run | null }) {
  const query = useQuery(historyQuery(execution.sceneId, node.nodeName, {}, HISTORY));
  if (query.isPending) return <Skeleton rows={5} />;
  if (query.isError) return <ErrorPanel error={query.error} retry={() => void query.refetch()} />;
  return <HistoryView history={query.data} current={execution} duration={run?.durationMicros ?? null} />;
}

function Raw({ execution, node, imported }: { execution: Execution; node: PanoramaNode; imported: LogLine[] | null }) {
  const t = useT();
  const mark = markOf(execution);
  const query = useQuery({ ...nodeQuery(mark, node.nodeName), enabled: imported === null });
  if (imported === null && query.isPending) return <Skeleton rows={5} />;
  if (query.isError) return <ErrorPanel error={query.error} retry={() => void query.refetch()} />;
  const { logs: _logs, nextCursor: _cursor, ...answer } = query.data ?? { logs: [], nextCursor: null, ...node };
  const value = { ...node, ...answer } as unknown as Json;
  return (
    <>
      <p className="muted">{t('node.raw')}</p>
      <JsonView value={value} label={t('tab.raw')} />
    </>
  );
}
