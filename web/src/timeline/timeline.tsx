import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Execution, LogLine, NodeState, PanoramaNode, Run } from '../api/types';
import { useT } from '../i18n';
import { levelOf } from '../lib/level';
import { useSettings } from '../lib/settings';
import { visibleLine } from '../lib/text';
import { clock, dateTime, duration, microsOrNull } from '../lib/time';
import { Icon } from '../ui/icons';
import { Empty, Plain, StateIcon, useNow } from '../ui/parts';
import { clockOffsets, placeOf } from './align';
import { type Scale, scaleOf, tickStep } from './scale';

const ROW = 30;

interface Bar {
  run: Run;
  from: number;
  to: number;
  open: boolean;
}

interface Row {
  node: PanoramaNode;
  bars: Bar[];
  isFirst: boolean;
  iteration: string;
  /** How far its times are moved, in microseconds. */
  moved: number;
}

const AS_REPORTED: ReadonlyMap<string, number> = new Map();

/**
 * Rows in definition order: one for a node, one more for every further run, so that retries do not lie on one another.
 * `offsets` says by how much the times of a place are moved.
 */
export function timelineRows(execution: Execution, nowUs: number, offsets = AS_REPORTED): Row[] {
  const end = microsOrNull(execution.endTime);
  const silent = execution.status === 'stalled' ? microsOrNull(execution.stallsAt) : null;
  const latest = execution.nodes.reduce((last, node) => {
    for (const run of node.runs)
      last = Math.max(last, microsOrNull(run.endTime) ?? microsOrNull(run.startTime) ?? last);
    return last;
  }, -Infinity);
  const openEnd = execution.status === 'running' ? Math.max(nowUs, latest) : (end ?? silent ?? latest);
  return execution.nodes.flatMap((node) => {
    const rows = node.runs.flatMap((run): Row[] => {
      const start = microsOrNull(run.startTime) ?? microsOrNull(run.endTime);
      if (start === null) return [];
      const stop = microsOrNull(run.endTime);
      const moved = offsets.get(placeOf(run) ?? '') ?? 0;
      const from = start + moved;
      const bar = { run, from, to: stop === null ? Math.max(openEnd, from) : stop + moved, open: stop === null };
      const iteration = run.iteration === undefined ? '' : `#${run.iteration}`;
      return [{ node, bars: [bar], isFirst: false, iteration, moved }];
    });
    const first = rows[0];
    if (first) first.isFirst = true;
    return rows;
  });
}

interface Props {
  execution: Execution;
  selected: string;
  onSelect: (name: string, run: string) => void;
  logs: LogLine[];
  at: number | null;
  align: boolean;
  onAlign: (align: boolean) => void;
}

export function Timeline({ execution, selected, onSelect, logs, at, align, onAlign }: Props) {
  const t = useT();
  const { zone } = useSettings();
  const now = useNow(execution.status === 'running' ? 1000 : 3_600_000);
  const [foldIdle, setFoldIdle] = useState(true);
  const [zoom, setZoom] = useState<[number, number] | null>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const skews = useMemo(() => clockOffsets(execution), [execution]);
  const offsets = align ? skews : AS_REPORTED;
  const rows = useMemo(() => timelineRows(execution, now * 1000, offsets), [execution, now, offsets]);
  const [from, to] = useMemo(() => {
    let [low, high] = [Infinity, -Infinity];
    for (const row of rows) {
      for (const bar of row.bars) {
        low = Math.min(low, bar.from);
        high = Math.max(high, bar.to);
      }
    }
    return [low, high];
  }, [rows]);
  const scale = useMemo(() => {
    const [start, end] = zoom ?? [from, to];
    return scaleOf(
      rows.flatMap((row) => row.bars.map((bar): [number, number] => [bar.from, bar.to])),
      start,
      end,
      foldIdle,
    );
  }, [rows, from, to, zoom, foldIdle]);
  const marks = useMemo(() => {
    const movedOf = new Map(rows.filter((row) => row.isFirst).map((row) => [row.node.nodeName, row.moved]));
    const found = new Map<string, { us: number; level: string; message: string }[]>();
    for (const line of logs) {
      const us = microsOrNull(line.time);
      const level = levelOf(line.level);
      if (us === null || !line.nodeName || (level !== 'ERROR' && level !== 'FATAL' && level !== 'WARN')) continue;
      const list = found.get(line.nodeName) ?? [];
      const moved = movedOf.get(line.nodeName) ?? 0;
      if (list.length < 200) list.push({ us: us + moved, level, message: line.message ?? '' });
      found.set(line.nodeName, list);
    }
    return found;
  }, [logs, rows]);
  const skewed = useMemo(
    () =>
      new Set(
        execution.findings
          .filter((one) => one.kind === 'clock_skew_suspected' || one.kind === 'order_broken')
          .map((one) => one.nodeName),
      ),
    [execution.findings],
  );
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const track = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(1000);
  useEffect(() => {
    if (!track.current) return;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(1, entry?.contentRect.width ?? 1)));
    watch.observe(track.current);
    return () => watch.disconnect();
  }, []);
  if (rows.length === 0) return <Empty title={t('timeline.none')} icon="bars" />;

  const percent = (us: number) => `${(scale.at(us) * 100).toFixed(4)}%`;
  const idle = scale.stretches.filter((part) => part.idle);
  const busy = scale.stretches.filter((part) => !part.idle);
  const step = tickStep(
    busy.reduce((sum, part) => sum + part.to - part.from, 0),
    8,
  );
  const ticks = busy.flatMap((part) => {
    const list: number[] = [];
    for (let us = part.from + (part === busy[0] ? 0 : step); us < part.to && list.length < 20; us += step)
      list.push(us);
    return part === busy[0] ? list : [part.from, ...list];
  });
  const shareOf = (clientX: number) => {
    const rect = track.current?.getBoundingClientRect();
    return rect ? Math.min(1, Math.max(0, (clientX - rect.left) / rect.width)) : 0;
  };
  return (
    <div className="timeline">
      <div className="timeline-tools">
        <span className="muted">
          {dateTime(scale.from, zone)} · {duration(scale.to - scale.from)}
        </span>
        <span className="grow" />
        {zoom && (
          <button type="button" onClick={() => setZoom(null)}>
            {t('timeline.whole')}
          </button>
        )}
        {skews.size > 0 && (
          <button
            type="button"
            className="toggle"
            aria-pressed={align}
            title={t('timeline.alignHelp')}
            onClick={() => onAlign(!align)}
          >
            <Icon name="clock" size={14} />
            {t('timeline.align')}
          </button>
        )}
        <button type="button" className="toggle" aria-pressed={foldIdle} onClick={() => setFoldIdle(!foldIdle)}>
          {t('timeline.foldIdle')}
        </button>
      </div>
      {offsets.size > 0 && (
        <p className="timeline-moved" role="status">
          <Icon name="clock" size={14} /> {t('timeline.moved')}
          {[...offsets].map(([place, us]) => (
            <span key={place} className="chip warn">
              <Plain text={place} max={60} /> +{duration(us)}
            </span>
          ))}
        </p>
      )}
      <div ref={box} className="timeline-scroll" tabIndex={0} role="region" aria-label={t('view.timeline')}>
        <div className="timeline-head">
          <div className="timeline-name" />
          <div
            ref={track}
            className="timeline-track"
            title={t('timeline.zoomHint')}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              const share = shareOf(event.clientX);
              setDrag([share, share]);
            }}
            onPointerMove={(event) => drag && setDrag([drag[0], shareOf(event.clientX)])}
            onPointerUp={() => {
              if (drag && Math.abs(drag[0] - drag[1]) > 0.01) {
                const [low, high] = [Math.min(...drag), Math.max(...drag)];
                setZoom([Math.floor(scale.time(low)), Math.ceil(scale.time(high))]);
              }
              setDrag(null);
            }}
          >
            {apart(ticks, scale, width).map((us) => (
              <span key={us} className="tick" style={{ left: percent(us) }}>
                {zoom || idle.length
                  ? clock(us, zone, step < 1_000_000 ? 3 : 0)
                  : us === scale.from
                    ? '0'
                    : `+${duration(us - scale.from)}`}
              </span>
            ))}
            {drag && (
              <span
                className="drag"
                style={{ left: `${Math.min(...drag) * 100}%`, width: `${Math.abs(drag[0] - drag[1]) * 100}%` }}
              />
            )}
          </div>
        </div>
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index] as Row;
            const name = row.node.nodeName;
            return (
              <div
                key={item.key}
                className={`timeline-row${name === selected ? ' selected' : ''}`}
                style={{ height: ROW, transform: `translateY(${item.start}px)` }}
              >
                <button
                  type="button"
                  className="timeline-name"
                  onClick={() => onSelect(name, row.bars[0]?.run.runId ?? '')}
                >
                  {row.isFirst ? (
                    <>
                      <StateIcon state={row.node.state} size={13} />
                      <bdi>{visibleLine(row.node.title ?? name)}</bdi>
                      {skewed.has(name) && row.moved === 0 && (
                        <span className="flag" title={t('timeline.skew')}>
                          <Icon name="warn" size={12} />
                        </span>
                      )}
                      {row.moved > 0 && <span className="moved">+{duration(row.moved)}</span>}
                    </>
                  ) : (
                    <span className="muted again">{row.iteration || row.bars[0]?.run.runId}</span>
                  )}
                </button>
                <div className="timeline-track">
                  {idle.map((part) => (
                    <span
                      key={part.from}
                      className="idle"
                      title={t('timeline.idle', { time: duration(part.to - part.from) })}
                      style={{ left: percent(part.from), width: `calc(${percent(part.to)} - ${percent(part.from)})` }}
                    >
                      {item.index === 0 ? duration(part.to - part.from) : ''}
                    </span>
                  ))}
                  {row.bars.map((bar) => (
                    <BarView
                      key={bar.run.runId + bar.from}
                      bar={bar}
                      left={scale.at(bar.from)}
                      right={scale.at(bar.to)}
                      state={barState(bar, row.node.state)}
                      hidden={bar.to < scale.from || bar.from > scale.to}
                      onSelect={() => onSelect(name, bar.run.runId)}
                      label={visibleLine(row.node.title ?? name)}
                    />
                  ))}
                  {row.isFirst &&
                    marks
                      .get(name)
                      ?.filter((mark) => mark.us >= scale.from && mark.us <= scale.to)
                      .map((mark) => (
                        <span
                          key={`${mark.us}${mark.message}`}
                          className={`log-mark l-${mark.level}`}
                          style={{ left: percent(mark.us) }}
                          title={`${mark.level} ${visibleLine(mark.message.slice(0, 300))}`}
                        />
                      ))}
                  {at !== null && <span className="cursor" style={{ left: percent(at) }} />}
                </div>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** Room for the text of a tick, in pixels. */
const TICK_WIDTH = 88;

/** The ticks whose texts have room beside one another, and before the end. */
function apart(ticks: number[], scale: Scale, width: number): number[] {
  const room = TICK_WIDTH / width;
  let free = 0;
  return ticks.filter((us) => {
    const share = scale.at(us);
    if (us !== scale.from && (share < free || share > 1 - room * 0.7)) return false;
    free = share + room;
    return true;
  });
}

function barState(bar: Bar, state: NodeState): NodeState {
  if (bar.run.status === 'FAILED') return 'failed';
  if (bar.open) return state === 'stalled' ? 'stalled' : 'running';
  return state === 'unplanned' ? 'unplanned' : 'completed';
}

function BarView(props: {
  bar: Bar;
  left: number;
  right: number;
  state: NodeState;
  hidden: boolean;
  label: string;
  onSelect: () => void;
}) {
  const { bar, left, right, state, hidden, label, onSelect } = props;
  if (hidden) return null;
  const text = bar.run.durationMicros === null ? '' : duration(bar.run.durationMicros);
  const side = right > 0.88 ? { right: `${(1 - left) * 100}%` } : { left: `${right * 100}%` };
  return (
    <>
      <button
        type="button"
        tabIndex={-1}
        className={`bar b-${state}`}
        style={{ left: `${left * 100}%`, width: `max(3px, ${(right - left) * 100}%)` }}
        title={`${label} ${text}`}
        aria-label={`${label} ${text}`}
        onClick={onSelect}
      />
      <span className="bar-text" style={side}>
        {text}
      </span>
    </>
  );
}
