import type { HistoryAnswer } from '../api/queries';
import type { Execution } from '../api/types';
import { useT } from '../i18n';
import { visibleLine } from '../lib/text';
import { duration as durationText } from '../lib/time';
import { Icon } from '../ui/icons';
import { Duration, Empty, StateIcon, Time } from '../ui/parts';
import { initialExecution } from '../url/route';
import { Link } from '../url/router';

const WIDTH = 360;
const HEIGHT = 110;

/** What share of `values` is smaller, 0 to 100, rounded; equal ones count half. */
export function percentile(values: number[], value: number): number | null {
  if (values.length === 0) return null;
  let below = 0;
  for (const other of values) below += other < value ? 1 : other === value ? 0.5 : 0;
  return Math.round((100 * below) / values.length);
}

/** This node over the last executions of the scene, and where this run stands among them. */
export function HistoryView(props: { history: HistoryAnswer; execution: Execution; duration: number | null }) {
  const { history, execution, duration } = props;
  const t = useT();
  const timed = history.entries.filter((entry) => entry.durationMicros !== null);
  const values = timed.map((entry) => entry.durationMicros as number);
  if (history.entries.length === 0) return <Empty title={t('history.none')} icon="clock" />;
  const rank = duration === null ? null : percentile(values, duration);
  const max = Math.max(1, ...values);
  const log = (us: number) => Math.log10(Math.max(1, us));
  const low = Math.floor(log(Math.max(1, Math.min(...values, max))));
  const high = Math.max(low + 1, Math.ceil(log(max)));
  const y = (us: number) => HEIGHT - 8 - ((log(us) - low) / (high - low)) * (HEIGHT - 16);
  const points = [...timed].reverse();
  const x = (at: number) => (points.length < 2 ? WIDTH / 2 : 8 + (at * (WIDTH - 16)) / (points.length - 1));
  const { runs } = history;
  return (
    <div className="history">
      <p className="muted">{t('history.over', { n: history.executions })}</p>
      <div className="figures">
        <Figure label={t('history.runs')} value={String(runs.total)} />
        <Figure
          label={t('history.errors')}
          value={`${(runs.errorRate * 100).toFixed(runs.errorRate && runs.errorRate < 0.1 ? 1 : 0)} %`}
          bad={runs.failed > 0}
        />
        <Figure label="p50" value={runs.p50Micros === null ? '–' : durationText(runs.p50Micros)} />
        <Figure label="p95" value={runs.p95Micros === null ? '–' : durationText(runs.p95Micros)} />
        {rank !== null && duration !== null && (
          <Figure
            label={t('history.this')}
            value={durationText(duration)}
            note={t('history.rank', { n: rank })}
            bad={rank >= 95}
          />
        )}
      </div>
      {points.length > 1 && (
        <svg className="history-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t('history.chart')}>
          {[runs.p50Micros, runs.p95Micros].map((us, at) =>
            us === null ? null : (
              <line
                key={at === 0 ? 'p50' : 'p95'}
                className={at === 0 ? 'p50' : 'p95'}
                x1={0}
                x2={WIDTH}
                y1={y(us)}
                y2={y(us)}
              />
            ),
          )}
          {points.map((entry, at) => (
            <circle
              key={`${entry.businessId} ${entry.executionId}`}
              className={`point s-${entry.state}${entry.executionId === execution.executionId && entry.businessId === execution.businessId ? ' this' : ''}`}
              cx={x(at)}
              cy={y(entry.durationMicros as number)}
              r={entry.executionId === execution.executionId && entry.businessId === execution.businessId ? 5 : 3}
            >
              <title>{`${visibleLine(entry.businessId)} · ${durationText(entry.durationMicros as number)}`}</title>
            </circle>
          ))}
        </svg>
      )}
      <table className="runs">
        <thead>
          <tr>
            <th>{t('column.business')}</th>
            <th>{t('column.start')}</th>
            <th>{t('fact.duration')}</th>
          </tr>
        </thead>
        <tbody>
          {history.entries.slice(0, 50).map((entry) => (
            <tr key={`${entry.businessId} ${entry.executionId}`}>
              <td>
                <StateIcon state={entry.state} size={12} />{' '}
                <Link
                  to={{
                    page: 'execution',
                    ...initialExecution({
                      businessId: entry.businessId,
                      sceneId: history.sceneId,
                      executionId: entry.executionId,
                    }),
                    node: history.nodeName,
                  }}
                >
                  <bdi>{visibleLine(entry.businessId).slice(0, 40)}</bdi>
                </Link>
              </td>
              <td>
                <Time time={entry.startTime} />
              </td>
              <td>
                <Duration micros={entry.durationMicros} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {!history.complete && (
        <p className="muted">
          <Icon name="clock" size={12} /> {t('history.newest', { n: history.executions })}
        </p>
      )}
    </div>
  );
}

export function Figure(props: { label: string; value: string; note?: string; bad?: boolean }) {
  return (
    <div className={props.bad ? 'figure bad' : 'figure'}>
      <span className="muted">{props.label}</span>
      <strong>{props.value}</strong>
      {props.note && <span className="muted">{props.note}</span>}
    </div>
  );
}
