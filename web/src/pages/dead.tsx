import { infiniteQueryOptions, useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { apiUrl, request } from '../api/client';
import { useT } from '../i18n';
import { bytes, visibleLine } from '../lib/text';
import { Icon } from '../ui/icons';
import { CopyButton, Empty, ErrorPanel, LongText, Plain, Skeleton, Time } from '../ui/parts';
import type { Route } from '../url/route';
import { navigate } from '../url/router';

interface DeadLetter {
  id: string;
  source: string;
  partition: number | null;
  position: number | null;
  line: number | null;
  time: string | null;
  reason: string;
  detail: string | null;
  fullLength: number;
  whole: boolean;
  replayed: boolean;
  start: string;
}

interface Replay {
  id: string;
  outcome: 'replayed' | 'refused' | 'replayedBefore' | 'notWhole';
  reason?: string;
  detail?: string;
}

const deadQuery = (source: string, reason: string) =>
  infiniteQueryOptions({
    queryKey: ['dead', source, reason],
    queryFn: ({ signal, pageParam }) =>
      request<{ deadLetters: DeadLetter[]; nextCursor: string | null }>(
        apiUrl('dead', { source, reason, replayed: true, limit: 100, cursor: pageParam }),
        { signal },
      ),
    initialPageParam: '',
    getNextPageParam: (last: { nextCursor: string | null }) => last.nextCursor,
  });

/** What could not be read: the bytes as they came, why they were refused, and another try. */
export function DeadPage({ route }: { route: Extract<Route, { page: 'dead' }> }) {
  const t = useT();
  const query = useInfiniteQuery(deadQuery(route.source, route.reason));
  const letters = query.data?.pages.flatMap((page) => page.deadLetters) ?? [];
  const reasons = [...new Set([...letters.map((letter) => letter.reason), route.reason])].filter(Boolean).sort();
  const sources = [...new Set([...letters.map((letter) => letter.source), route.source])].filter(Boolean).sort();
  const select = (label: string, value: string, all: string, values: string[], change: (value: string) => void) =>
    values.length > 1 || value ? (
      <select value={value} aria-label={label} onChange={(event) => change(event.target.value)}>
        <option value="">{all}</option>
        {values.map((one) => (
          <option key={one} value={one}>
            {visibleLine(one)}
          </option>
        ))}
      </select>
    ) : null;
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('dead')}</h1>
        <span className="grow" />
        {select(t('dead.reason'), route.reason, t('dead.allReasons'), reasons, (reason) =>
          navigate({ ...route, reason }),
        )}
        {select(t('dead.source'), route.source, t('dead.allSources'), sources, (source) =>
          navigate({ ...route, source }),
        )}
      </div>
      <p className="muted lead">{t('dead.help')}</p>
      {query.isPending ? (
        <Skeleton rows={6} />
      ) : query.isError ? (
        <ErrorPanel error={query.error} retry={() => void query.refetch()} />
      ) : letters.length === 0 && !query.hasNextPage ? (
        <Empty title={t('dead.none')} icon="check">
          {t('dead.noneHelp')}
        </Empty>
      ) : (
        <ul className="letters">
          {letters.map((letter) => (
            <Letter key={letter.id} letter={letter} initial={letter.id === route.id} />
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <button type="button" onClick={() => void query.fetchNextPage()}>
          {t('more')}
        </button>
      )}
    </div>
  );
}

function Letter({ letter, initial }: { letter: DeadLetter; initial: boolean }) {
  const t = useT();
  const client = useQueryClient();
  const [open, setOpen] = useState(initial);
  const replay = useMutation({
    mutationFn: () => request<Replay>(apiUrl(`dead/${encodeURIComponent(letter.id)}/replay`), { method: 'POST' }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['dead'] }),
  });
  const place = [
    letter.source,
    letter.partition !== null && `/${letter.partition}`,
    letter.line !== null ? `:${letter.line}` : letter.position !== null && `@${letter.position}`,
  ]
    .filter(Boolean)
    .join('');
  return (
    <li className="letter">
      <div className="letter-head">
        <button type="button" className="log-main" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="chevron" size={12} className={open ? 'turned' : ''} />
          <span className="chip warn">{letter.reason}</span>
          <span className="letter-detail">
            <Plain text={letter.detail ?? ''} max={200} />
          </span>
        </button>
        {letter.replayed && <span className="chip">{t('dead.replayed')}</span>}
        <span className="muted">
          <Plain text={place} max={80} />
        </span>
        <Time time={letter.time} />
        <button
          type="button"
          disabled={!letter.whole || replay.isPending}
          title={letter.whole ? t('dead.replayHelp') : t('dead.notWhole')}
          onClick={() => replay.mutate()}
        >
          <Icon name="refresh" size={13} />
          {t('dead.replay')}
        </button>
      </div>
      {replay.data && (
        <p className={replay.data.outcome === 'replayed' ? 'note good' : 'note warn'} role="status">
          {t(`dead.outcome.${replay.data.outcome}`)}{' '}
          <Plain text={replay.data.detail ?? replay.data.reason ?? ''} max={400} />
        </p>
      )}
      {replay.isError && <ErrorPanel error={replay.error} title={t('dead.failed')} />}
      {open && (
        <div className="letter-body">
          <div className="json-tools">
            <span className="muted">
              {t('dead.length', { size: bytes(letter.fullLength) })} · <code>{visibleLine(letter.id)}</code>
            </span>
            <CopyButton text={letter.start} />
          </div>
          <LongText text={letter.start} />
        </div>
      )}
    </li>
  );
}
