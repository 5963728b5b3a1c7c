import { useInfiniteQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef } from 'react';
import { type LogFilter, logsQuery } from '../api/queries';
import type { Execution, LogLine, Mark } from '../api/types';
import { useT } from '../i18n';
import { LEVELS, type Level, levelOf } from '../lib/level';
import { useSettings } from '../lib/settings';
import { head, occurrences, visibleLine } from '../lib/text';
import { clock, dateTime, microsOrNull } from '../lib/time';
import { Icon } from '../ui/icons';
import { Empty, ErrorPanel, Skeleton } from '../ui/parts';
import { exceptionLine } from './exception';
import { LogDetail } from './log-detail';

const ROW = 26;

export interface LogState {
  level: string;
  text: string;
  onlyNode: boolean;
  line: number | null;
}

interface Props {
  mark: Mark;
  /** How many logs there are in all, where that is known; rows that are not loaded yet have their place. */
  execution: Execution;
  node: string;
  run?: string;
  state: LogState;
  onChange: (change: Partial<LogState>) => void;
  onSelect?: (node: string) => void;
  /** Replay: later lines are dimmed. */
  at: number | null;
  /** Lines of an imported execution; nothing is asked for then. */
  imported: LogLine[] | null;
  compact?: boolean;
}

export function LogStream(props: Props) {
  const { mark, execution, node, run = '', state, onChange, onSelect, at, imported, compact = false } = props;
  const t = useT();
  const filter: LogFilter = {
    node: state.onlyNode ? node : '',
    run: state.onlyNode ? run : '',
    level: state.level,
    text: state.text.trim(),
  };
  const query = useInfiniteQuery({ ...logsQuery(mark, filter), enabled: imported === null });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const lines = useMemo(() => {
    const all = imported ?? query.data?.pages.flatMap((page) => page.logs) ?? [];
    return imported || filter.run
      ? all.filter((line) => logMatches(line, { ...state, node: imported ? filter.node : '' }))
      : all;
  }, [imported, query.data, state, filter.node, filter.run]);
  const unfiltered = !filter.node && !filter.level && !filter.text;
  const total = imported
    ? lines.length
    : unfiltered && hasNextPage
      ? Math.max(execution.logs.total, lines.length)
      : lines.length;
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && lastShown >= lines.length - 200) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, lastShown, lines.length]);

  const opened = useRef(false);
  useEffect(() => {
    if (opened.current || state.line === null || state.line >= total || total === 0) return;
    opened.current = true;
    virtual.scrollToIndex(state.line, { align: 'center' });
  }, [state.line, total, virtual]);

  return (
    <div className={compact ? 'logs compact' : 'logs'}>
      <div className="logs-tools">
        <select
          value={state.level}
          aria-label={t('logs.level')}
          onChange={(event) => onChange({ level: event.target.value, line: null })}
        >
          <option value="">{t('logs.allLevels')}</option>
          {LEVELS.map((level) => (
            <option key={level} value={level}>
              {level === 'FATAL' ? level : t('logs.least', { level })}
            </option>
          ))}
        </select>
        <label className="find-box">
          <Icon name="search" size={14} />
          <input
            type="search"
            {...(compact ? {} : { 'data-find': true })}
            value={state.text}
            placeholder={t('logs.search')}
            aria-label={t('logs.search')}
            onChange={(event) => onChange({ text: event.target.value, line: null })}
          />
        </label>
        {!compact && node && (
          <button
            type="button"
            className="toggle"
            aria-pressed={state.onlyNode}
            onClick={() => onChange({ onlyNode: !state.onlyNode, line: null })}
          >
            {t('logs.onlyNode', { name: visibleLine(head(node, 40)) })}
          </button>
        )}
        <span className="grow" />
        <span className="muted" role="status">
          {query.isFetching && !query.isPending ? '… ' : ''}
          {unfiltered || !hasNextPage
            ? t('logs.count', {
                n: unfiltered && !imported ? Math.max(execution.logs.total, lines.length) : lines.length,
              })
            : t('logs.countMore', { n: lines.length })}
        </span>
      </div>
      {query.isError && !query.data ? (
        <ErrorPanel error={query.error} retry={() => void query.refetch()} />
      ) : imported === null && query.isPending ? (
        <Skeleton rows={10} />
      ) : total === 0 ? (
        <Empty title={state.level || state.text ? t('logs.noMatch') : t('logs.none')} icon="log" />
      ) : (
        <div ref={box} className="logs-scroll" tabIndex={0} role="region" aria-label={t('view.logs')}>
          <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
            {items.map((item) => {
              const line = lines[item.index];
              return (
                <div
                  key={item.key}
                  data-index={item.index}
                  ref={virtual.measureElement}
                  className="log-item"
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  {line ? (
                    <LogRow
                      line={line}
                      open={state.line === item.index}
                      dim={at !== null && (microsOrNull(line.time) ?? 0) > at}
                      selected={Boolean(node) && line.nodeName === node}
                      text={state.text.trim()}
                      compact={compact}
                      onToggle={() => onChange({ line: state.line === item.index ? null : item.index })}
                      {...(onSelect ? { onSelect } : {})}
                    />
                  ) : (
                    <div className="log-row loading" />
                  )}
                </div>
              );
            })}
          </div>
        </div>
      )}
    </div>
  );
}

/** Whether a line passes the filters that are not the server's work. */
export function logMatches(line: LogLine, filter: { level: string; text: string; node: string }): boolean {
  if (filter.node && line.nodeName !== filter.node) return false;
  if (filter.level && !atLeast(levelOf(line.level), filter.level)) return false;
  const want = filter.text.trim().toLowerCase();
  return !want || (line.message ?? '').toLowerCase().includes(want);
}

/** `FATAL` comes first among the levels, so a graver one has a smaller place. */
function atLeast(level: Level | null, least: string): boolean {
  const wanted = (LEVELS as readonly string[]).indexOf(least);
  return wanted === -1 || (level !== null && LEVELS.indexOf(level) <= wanted);
}

const MESSAGE_CHARS = 500;

function LogRow(props: {
  line: LogLine;
  open: boolean;
  dim: boolean;
  selected: boolean;
  text: string;
  compact: boolean;
  onToggle: () => void;
  onSelect?: (node: string) => void;
}) {
  const { line, open, dim, selected, text, compact, onToggle, onSelect } = props;
  const t = useT();
  const { zone } = useSettings();
  const level = levelOf(line.level);
  const us = microsOrNull(line.time);
  const exception = exceptionLine(line.exception);
  return (
    <div className={`log${dim ? ' dim' : ''}${selected ? ' selected' : ''}${open ? ' open' : ''}`}>
      <div className="log-row">
        <button type="button" className="log-main" aria-expanded={open} onClick={onToggle}>
          <span className="log-time" title={us === null ? t('time.none') : dateTime(us, zone, 6)}>
            {us === null ? '–' : clock(us, zone, 3)}
          </span>
          <span className={`level l-${level ?? 'NONE'}`} title={visibleLine(head(line.level ?? '', 50))}>
            {level ?? visibleLine(head(line.level ?? '–', 5))}
          </span>
          <span className="log-message">
            <Marked text={line.message ?? ''} want={text} />
            {exception && (
              <span className="log-exception">
                {' '}
                <bdi>{visibleLine(head(exception, 300))}</bdi>
              </span>
            )}
          </span>
        </button>
        {!compact && line.nodeName && (
          <button type="button" className="log-node" onClick={() => line.nodeName && onSelect?.(line.nodeName)}>
            <bdi>{visibleLine(head(line.nodeName, 60))}</bdi>
          </button>
        )}
      </div>
      {open && <LogDetail line={line} />}
    </div>
  );
}

function Marked({ text, want }: { text: string; want: string }) {
  const short = head(text, MESSAGE_CHARS);
  const more = short.length < text.length ? '…' : '';
  const places = occurrences(short, want, 20);
  if (!places.length) return <bdi>{visibleLine(short) + more}</bdi>;
  const parts = places.map(([start, end], at) => (
    <span key={start}>
      {visibleLine(short.slice(at ? (places[at - 1]?.[1] ?? 0) : 0, start))}
      <mark>{visibleLine(short.slice(start, end))}</mark>
    </span>
  ));
  return (
    <bdi>
      {parts}
      {visibleLine(short.slice(places.at(-1)?.[1] ?? 0)) + more}
    </bdi>
  );
}
