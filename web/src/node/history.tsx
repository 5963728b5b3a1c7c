import { useState } from 'react';
import type { HistoryAnswer, RunFigures } from '../api/queries';
import { type Mark, NODE_STATES, type NodeState } from '../api/types';
import { useT } from '../i18n';
import { visibleLine } from '../lib/text';
import { duration as durationText } from '../lib/time';
import { micros, percent } from '../panorama/overlay';
import { Icon } from '../ui/icons';
import { Duration, Empty, StateIcon, stateKey, Time } from '../ui/parts';
import { initialExecution, type Route } from '../url/route';
import { Link } from '../url/router';

export type HistoryEntry = HistoryAnswer['entries'][number];

/** What share of `values` is smaller, 0 to 100, rounded; equal ones count half. */
export function percentile(values: number[], value: number): number | null {
  if (values.length === 0) return null;
  let below = 0;
  for (const other of values) below += other < value ? 1 : other === value ? 0.5 : 0;
  return Math.round((100 * below) / values.length);
}

interface Props {
  history: HistoryAnswer;
  /** The execution one comes from, and how long its run took. */
  current?: Mark;
  duration?: number | null;
  /** Which executions are shown; all if absent. */
  pass?: (entry: HistoryEntry) => boolean;
}

/** A node over the last executions of its scene, and where the run one looks at stands among them. */
export function HistoryView({ history, current, duration = null, pass }: Props) {
  const t = useT();
  const [state, setState] = useState<NodeState | null>(null);
  const entries = pass ? history.entries.filter(pass) : history.entries;
  if (history.entries.length === 0) return <Empty title={t('history.none')} icon="clock" />;
  const durations = history.entries.flatMap((entry) => (entry.durationMicros === null ? [] : [entry.durationMicros]));
  const rank = duration === null ? null : percentile(durations, duration);
  const counts = new Map<NodeState, number>();
  for (const entry of entries) counts.set(entry.state, (counts.get(entry.state) ?? 0) + 1);
  const states = NODE_STATES.filter((one) => counts.has(one));
  const chosen = state !== null && counts.has(state) ? state : null;
  const shown = chosen === null ? entries : entries.filter((entry) => entry.state === chosen);
  return (
    <div className="history">
      <p className="muted">{t(history.complete ? 'history.all' : 'history.newest', { n: history.executions })}</p>
      <Figures runs={history.runs}>
        {rank !== null && duration !== null && (
          <Figure
            label={t('history.this')}
            value={durationText(duration)}
            note={t('history.rank', { n: rank })}
            bad={rank >= 95 && durations.length >= 20}
          />
        )}
      </Figures>
      <Chart history={history} entries={entries} {...(current ? { current } : {})} />
      {states.length > 1 && (
        <div className="state-filter" role="group" aria-label={t('history.states')}>
          {states.map((one) => (
            <button
              key={one}
              type="button"
              className="toggle"
              aria-pressed={one === chosen}
              onClick={() => setState(one === chosen ? null : one)}
            >
              <StateIcon state={one} size={12} /> {t(stateKey(one))} <b>{counts.get(one)}</b>
            </button>
          ))}
        </div>
      )}
      <Entries key={chosen} history={history} entries={shown} {...(current ? { current } : {})} />
    </div>
  );
}

const FIRST_ENTRIES = 25;

export function Entries({
  history,
  entries,
  current,
}: {
  history: HistoryAnswer;
  entries: HistoryEntry[];
  current?: Mark;
}) {
  const t = useT();
  const [most, setMost] = useState(FIRST_ENTRIES);
  if (entries.length === 0) return <p className="muted">{t('history.noEntry')}</p>;
  const timed = entries.some((entry) => entry.durationMicros !== null);
  return (
    <>
      <table className="runs">
        <thead>
          <tr>
            <th>{t('column.business')}</th>
            <th>{t('column.start')}</th>
            {timed && <th className="end">{t('fact.duration')}</th>}
          </tr>
        </thead>
        <tbody>
          {entries.slice(0, most).map((entry) => (
            <tr key={keyOf(entry)} className={isCurrent(entry, current) ? 'selected' : ''}>
              <td>
                <StateIcon state={entry.state} size={12} />
                <span className="visually-hidden">{t(stateKey(entry.state))}</span>{' '}
                <Link to={toEntry(history, entry)} title={visibleLine(entry.executionId).slice(0, 200)}>
                  <bdi>{visibleLine(entry.businessId).slice(0, 40)}</bdi>
                </Link>
                {entry.runs > 1 && <span className="muted"> {t('card.runs', { n: entry.runs })}</span>}
                {entry.cases && <span className="muted"> → {visibleLine(entry.cases.join(', ')).slice(0, 60)}</span>}
              </td>
              <td>
                <Time time={entry.startTime} />
              </td>
              {timed && (
                <td className="end">
                  <Duration micros={entry.durationMicros} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {entries.length > most && (
        <button type="button" className="quiet" onClick={() => setMost(most * 4)}>
          {t('more')} ({entries.length - most})
        </button>
      )}
    </>
  );
}

const keyOf = (entry: HistoryEntry) => JSON.stringify([entry.businessId, entry.executionId]);

function isCurrent(entry: HistoryEntry, current: Mark | undefined): boolean {
  return entry.businessId === current?.businessId && entry.executionId === current?.executionId;
}

function toEntry(history: HistoryAnswer, { businessId, executionId }: HistoryEntry): Route {
  const mark = { businessId, sceneId: history.sceneId, executionId };
  return { page: 'execution', ...initialExecution(mark), node: history.nodeName };
}

const WIDTH = 420;
const HEIGHT = 150;
const PLOT = { left: 10, right: 84, top: 16, bottom: 22 };
const LABEL_GAP = 13;

/** How long each run took, on a logarithmic scale, oldest left; a cross is one that failed. */
function Chart({ history, entries, current }: { history: HistoryAnswer; entries: HistoryEntry[]; current?: Mark }) {
  const t = useT();
  const points = entries.filter((entry) => entry.durationMicros !== null).reverse();
  if (points.length < 2) return null;
  const log = (us: number) => Math.log10(Math.max(1, us));
  const { p50Micros, p95Micros } = history.runs;
  const logs = [...points.map((entry) => entry.durationMicros as number), p50Micros, p95Micros]
    .filter((us) => us !== null)
    .map(log);
  // At least half an order of magnitude, so that noise does not look like a mountain range.
  const middle = (Math.min(...logs) + Math.max(...logs)) / 2;
  const half = Math.max(0.25, (Math.max(...logs) - Math.min(...logs)) / 2);
  const floor = HEIGHT - PLOT.bottom;
  const y = (us: number) => floor - ((log(us) - middle + half) / (2 * half)) * (floor - PLOT.top);
  const step = (WIDTH - PLOT.left - PLOT.right) / (points.length - 1);
  const lines = [
    ['p50', p50Micros, 11],
    ['p95', p95Micros, -4],
  ] as const;
  return (
    <svg className="history-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label={t('history.chart')}>
      {lines.map(([name, us, shift]) =>
        us === null ? null : (
          <g key={name} className={name}>
            <line x1={0} x2={WIDTH} y1={y(us)} y2={y(us)} />
            <text x={WIDTH - 6} y={Math.min(floor + LABEL_GAP - 2, y(us) + shift)} textAnchor="end">
              {name} {durationText(us)}
            </text>
          </g>
        ),
      )}
      {points.map((entry, at) => {
        const here = isCurrent(entry, current);
        const us = entry.durationMicros as number;
        const name = `${visibleLine(entry.businessId)} · ${durationText(us)} · ${t(stateKey(entry.state))}`;
        return (
          <Link key={keyOf(entry)} to={toEntry(history, entry)} tabIndex={-1} aria-label={name}>
            <g
              className={`point s-${entry.state}${here ? ' this' : ''}`}
              transform={`translate(${PLOT.left + at * step} ${y(us)})`}
            >
              <title>{name}</title>
              {here && <circle className="ring" r={8} />}
              {entry.runStatus === 'FAILED' || entry.state === 'failed' ? (
                <path d="M-3.5 -3.5L3.5 3.5M3.5 -3.5L-3.5 3.5" />
              ) : (
                <circle r={3} />
              )}
              <circle className="target" r={8} />
            </g>
          </Link>
        );
      })}
      <text x={6} y={HEIGHT - 5}>
        {t('history.oldest')}
      </text>
      <text x={WIDTH - PLOT.right + 4} y={HEIGHT - 5} textAnchor="end">
        {t('history.latest')}
      </text>
    </svg>
  );
}

/** How many runs, how many of them failed, how long they took. */
export function Figures({ runs, children }: { runs: RunFigures; children?: React.ReactNode }) {
  const t = useT();
  if (runs.total === 0)
    return (
      <p className="note">
        {<Icon name="clock" size={14} />} {t('history.noRuns')}
      </p>
    );
  return (
    <div className="figures">
      <Figure label={t('history.runs')} value={runs.total.toLocaleString('en-US')} />
      <Figure label={t('history.errors')} value={percent(runs.errorRate)} bad={runs.failed > 0} />
      <Figure label="p50" value={micros(runs.p50Micros)} />
      <Figure label="p95" value={micros(runs.p95Micros)} />
      {children}
    </div>
  );
}

export function Figure(props: { label: string; value: string; note?: string; bad?: boolean }) {
  return (
    <div className={`figure${props.bad ? ' bad' : ''}${props.note ? ' wide' : ''}`}>
      <span className="muted">{props.label}</span>
      <strong>{props.value}</strong>
      {props.note && <span className="muted">{props.note}</span>}
    </div>
  );
}
