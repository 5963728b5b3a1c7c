import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import { markKey } from '../api/list';
import { type ListSource, useList } from '../api/queries';
import { type ListEntry, NODE_STATES } from '../api/types';
import { useT } from '../i18n';
import { visibleLine } from '../lib/text';
import { Icon } from '../ui/icons';
import { useKeys } from '../ui/keys';
import { LiveBadge } from '../ui/live-badge';
import {
  CopyButton,
  Duration,
  Empty,
  ErrorPanel,
  Plain,
  Skeleton,
  StateBadge,
  StateIcon,
  stateKey,
  Time,
} from '../ui/parts';
import { initialExecution, type ListFilters } from '../url/route';
import { Link, navigate } from '../url/router';
import { Filters, filterParams } from './filters';
import { SavedViews } from './saved-views';

const ROW = 58;
const STRIP = 60;

interface Props {
  source: ListSource;
  filters: ListFilters;
  onFilters: (filters: ListFilters, replace?: boolean) => void;
}

/** Executions of a business id or of a scene, newest first, arriving as they happen. */
export function ExecutionList({ source, filters, onFilters }: Props) {
  const t = useT();
  // A span such as "last hour" is counted from when it was chosen: a list whose bounds move every second reads nothing.
  const filterText = JSON.stringify(filters);
  const params = useMemo(
    () => filterParams(JSON.parse(filterText) as ListFilters, Date.now(), source.kind === 'business'),
    [filterText, source.kind],
  );
  const { query, live } = useList(source, params);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const entries = useMemo(() => query.data?.pages.flatMap((page) => page.executions) ?? [], [query.data]);
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: entries.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && lastShown >= entries.length - 30) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, lastShown, entries.length]);

  const [cursor, setCursor] = useState(-1);
  const [picked, setPicked] = useState<ListEntry | null>(null);
  const move = (next: number) => {
    const at = Math.min(entries.length - 1, Math.max(0, next));
    setCursor(at);
    virtual.scrollToIndex(at);
  };
  useKeys({
    '/': () => document.querySelector<HTMLInputElement>('[data-search]')?.focus(),
    j: () => move(cursor + 1),
    k: () => move(cursor - 1),
    n: () => {
      const at = entries.findIndex(
        (entry, index) => index > cursor && entry.status !== 'completed' && entry.status !== 'running',
      );
      if (at !== -1) move(at);
    },
    c: () => {
      const entry = entries[cursor];
      if (!entry) return;
      if (picked && picked.sceneId === entry.sceneId && markKey(picked) !== markKey(entry)) {
        navigate({ page: 'compare', left: picked, right: entry, node: '' });
      } else setPicked(entry);
    },
    Enter: () => {
      const entry = entries[cursor];
      if (entry) navigate({ page: 'execution', ...initialExecution(entry) });
    },
    Escape: () => {
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      setPicked(null);
    },
  });
  const scenes = useMemo(
    () => [...new Set([...entries.map((entry) => entry.sceneId), filters.scene])].filter(Boolean).sort(),
    [entries, filters.scene],
  );
  const meta = useMemo(
    () =>
      [
        ...new Set(
          entries.slice(0, 500).flatMap((entry) => Object.entries(entry.meta).map(([key, value]) => `${key}=${value}`)),
        ),
      ]
        .sort()
        .slice(0, 100),
    [entries],
  );
  const filtered = params.size > 0;
  const isScene = source.kind === 'scene';
  return (
    <section className="list" aria-label={t('list')}>
      <div className="list-tools">
        <Filters filters={filters} onChange={onFilters} scenes={isScene ? null : scenes} meta={meta} />
        <span className="grow" />
        {picked && (
          <span className="chip warn">
            {t('list.compareWith', { name: visibleLine(picked.executionId).slice(0, 20) })}
          </span>
        )}
        <SavedViews />
        <LiveBadge state={query.isError && query.data ? 'lost' : live} />
      </div>
      {query.isPending ? (
        <Skeleton rows={8} />
      ) : query.isError && !query.data ? (
        <ErrorPanel error={query.error} retry={() => void query.refetch()} />
      ) : entries.length === 0 && !hasNextPage ? (
        <Empty title={filtered ? t('list.noMatch') : isScene ? t('list.noneScene') : t('list.none')}>
          {filtered ? t('list.noMatchHelp') : t('list.noneHelp')}
        </Empty>
      ) : (
        <>
          <OutcomeStrips entries={entries} />
          <div className="list-head" aria-hidden="true">
            <span>{t('column.status')}</span>
            <span>{isScene ? t('column.business') : t('column.scene')}</span>
            <span>{t('column.start')}</span>
            <span className="end">{t('column.duration')}</span>
            <span>{t('column.nodes')}</span>
            <span>{t('column.meta')}</span>
          </div>
          <div ref={box} className="list-scroll" tabIndex={0} role="region" aria-label={t('list')}>
            <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
              {items.map((item) => {
                const entry = entries[item.index] as ListEntry;
                return (
                  <div
                    key={markKey(entry)}
                    className="list-item"
                    style={{ height: ROW, transform: `translateY(${item.start}px)` }}
                  >
                    <EntryRow entry={entry} current={item.index === cursor} byBusiness={isScene} />
                  </div>
                );
              })}
            </div>
          </div>
          <p className="list-foot muted" role="status">
            {hasNextPage ? t('list.countMore', { n: entries.length }) : t('list.count', { n: entries.length })}
          </p>
        </>
      )}
    </section>
  );
}

export function EntryRow({
  entry,
  current = false,
  byBusiness,
}: {
  entry: ListEntry;
  current?: boolean;
  byBusiness: boolean;
}) {
  const t = useT();
  const meta = Object.entries(entry.meta);
  return (
    <Link
      className={`entry${current ? ' current' : ''}`}
      to={{ page: 'execution', ...initialExecution(entry) }}
      data-execution={entry.executionId}
    >
      <span>
        <StateBadge state={entry.status} />
      </span>
      <span className="entry-names">
        <strong>
          <Plain text={byBusiness ? entry.businessId : entry.sceneId} max={80} />
        </strong>
        <code className="muted">
          <Plain text={entry.executionId} max={36} />
          <CopyButton text={entry.executionId} />
        </code>
      </span>
      <span className="entry-time">
        <Time time={entry.startTime} age />
      </span>
      <span className="end">
        <Duration micros={entry.durationMicros} />
      </span>
      <span className="node-counts">
        {NODE_STATES.map((state) => {
          const count = entry.nodeCounts[state];
          return count ? (
            <span key={state} className={`node-count s-${state}`} title={`${count} ${t(stateKey(state))}`}>
              <StateIcon state={state} size={12} />
              {count}
              <span className="visually-hidden">{t(stateKey(state))}</span>
            </span>
          ) : null;
        })}
        {entry.errorCount > 0 && (
          <span className="count l-ERROR" title={t('card.errors', { n: entry.errorCount })}>
            {t('card.errors', { n: entry.errorCount })}
          </span>
        )}
      </span>
      <span className="entry-meta">
        {meta.slice(0, 3).map(([key, value]) => (
          <span key={key} className="chip" title={visibleLine(`${key}=${value}`)}>
            <Plain text={value} max={24} />
          </span>
        ))}
        {meta.length > 3 && <span className="muted">+{meta.length - 3}</span>}
      </span>
    </Link>
  );
}

/** For each scene its newest executions, oldest left: how it has been going, at a glance. */
function OutcomeStrips({ entries }: { entries: ListEntry[] }) {
  const t = useT();
  const scenes = useMemo(() => {
    const found = new Map<string, ListEntry[]>();
    for (const entry of entries.slice(0, 2000)) {
      const list = found.get(entry.sceneId);
      if (!list) found.set(entry.sceneId, [entry]);
      else if (list.length < STRIP) list.push(entry);
    }
    return [...found].sort(([left], [right]) => (left < right ? -1 : 1)).slice(0, 12);
  }, [entries]);
  return (
    <ul className="strips" aria-label={t('strips')}>
      {scenes.map(([scene, list]) => {
        const bad = list.filter((entry) => entry.status === 'failed' || entry.status === 'stalled').length;
        return (
          <li key={scene}>
            <span className="strip-name">
              <Plain text={scene} max={40} />
            </span>
            <span className="strip">
              {[...list].reverse().map((entry) => (
                <Link
                  key={markKey(entry)}
                  className={`tick-box s-${entry.status}`}
                  to={{ page: 'execution', ...initialExecution(entry) }}
                  tabIndex={-1}
                  title={`${t(stateKey(entry.status))} · ${visibleLine(entry.executionId).slice(0, 40)}`}
                  aria-label={`${t(stateKey(entry.status))} ${visibleLine(entry.executionId).slice(0, 40)}`}
                >
                  <Icon name={entry.status} size={9} />
                </Link>
              ))}
            </span>
            <span className="muted">
              {bad ? t('strips.bad', { bad, n: list.length }) : t('strips.good', { n: list.length })}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
