import { infiniteQueryOptions, useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { apiUrl, request } from '../api/client';
import type { Json, LogLine } from '../api/types';
import { useT } from '../i18n';
import { JsonView } from '../json/json-view';
import { levelOf } from '../lib/level';
import { head, visibleLine } from '../lib/text';
import { LogDetail } from '../logs/log-detail';
import { Icon } from '../ui/icons';
import { Empty, ErrorPanel, Id, Plain, Skeleton, Time } from '../ui/parts';
import { NO_FILTERS, type Route } from '../url/route';
import { Link, navigate } from '../url/router';

interface Group {
  traceId: string | null;
  service: string | null;
  firstTime: string | null;
  lastTime: string | null;
  packs: number;
  executions: number;
}

interface UnlinkedReport extends Omit<LogLine, 'nodeName'> {
  type: 'node' | 'log';
  nodeName: string | null;
  status: string | null;
  input: Json;
  output: Json;
}

const groupsQuery = () =>
  infiniteQueryOptions({
    queryKey: ['unlinked'],
    queryFn: ({ signal, pageParam }) =>
      request<{ unlinked: Group[]; nextCursor: string | null }>(apiUrl('unlinked', { limit: 100, cursor: pageParam }), {
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (last: { nextCursor: string | null }) => last.nextCursor,
  });

const reportsQuery = (trace: string, service: string) =>
  infiniteQueryOptions({
    queryKey: ['unlinked', trace, service],
    queryFn: ({ signal, pageParam }) =>
      request<{ reports: UnlinkedReport[]; nextCursor: string | null }>(
        apiUrl(
          'unlinked',
          trace ? { trace, limit: 200, cursor: pageParam } : { service, limit: 200, cursor: pageParam },
        ),
        { signal },
      ),
    initialPageParam: '',
    getNextPageParam: (last: { nextCursor: string | null }) => last.nextCursor,
  });

/** Reports that say neither where they belong nor of which trace they are, or whose trace is not known yet. */
export function UnlinkedPage({ route }: { route: Extract<Route, { page: 'unlinked' }> }) {
  const t = useT();
  const query = useInfiniteQuery(groupsQuery());
  const groups = query.data?.pages.flatMap((page) => page.unlinked) ?? [];
  const shown = route.trace || route.service;
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('unlinked')}</h1>
      </div>
      <p className="muted lead">{t('unlinked.help')}</p>
      {shown && <Reports key={shown} trace={route.trace} service={route.service} />}
      {query.isPending ? (
        <Skeleton rows={6} />
      ) : query.isError ? (
        <ErrorPanel error={query.error} retry={() => void query.refetch()} />
      ) : groups.length === 0 && !query.hasNextPage ? (
        <Empty title={t('unlinked.none')} icon="check">
          {t('unlinked.noneHelp')}
        </Empty>
      ) : (
        <table className="runs wide">
          <thead>
            <tr>
              <th>{t('fact.trace')}</th>
              <th>{t('fact.service')}</th>
              <th>{t('unlinked.first')}</th>
              <th>{t('unlinked.last')}</th>
              <th>{t('unlinked.executions')}</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <tr key={`${group.traceId} ${group.service}`}>
                <td>{group.traceId ? <Id text={group.traceId} max={32} /> : <span className="muted">–</span>}</td>
                <td>{group.service ? <Plain text={group.service} max={60} /> : <span className="muted">–</span>}</td>
                <td>
                  <Time time={group.firstTime} />
                </td>
                <td>
                  <Time time={group.lastTime} />
                </td>
                <td>
                  {group.executions > 0 && group.traceId ? (
                    <Link to={{ page: 'home', id: group.traceId, filters: NO_FILTERS }}>{group.executions}</Link>
                  ) : (
                    group.executions
                  )}
                </td>
                <td>
                  {(group.traceId || group.service) && (
                    <Link
                      to={{
                        page: 'unlinked',
                        trace: group.traceId ?? '',
                        service: group.traceId ? '' : (group.service ?? ''),
                      }}
                    >
                      {t('unlinked.show')}
                    </Link>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {query.hasNextPage && (
        <button type="button" onClick={() => void query.fetchNextPage()}>
          {t('more')}
        </button>
      )}
    </div>
  );
}

function Reports({ trace, service }: { trace: string; service: string }) {
  const t = useT();
  const query = useInfiniteQuery(reportsQuery(trace, service));
  const [open, setOpen] = useState(-1);
  const reports = query.data?.pages.flatMap((page) => page.reports) ?? [];
  return (
    <section className="match">
      <div className="page-head">
        <h2>
          {trace ? t('fact.trace') : t('fact.service')} <Id text={trace || service} />
        </h2>
        <span className="grow" />
        <button
          type="button"
          className="icon-button"
          aria-label={t('close')}
          onClick={() => navigate({ page: 'unlinked', trace: '', service: '' })}
        >
          <Icon name="close" />
        </button>
      </div>
      {query.isPending ? (
        <Skeleton rows={4} />
      ) : query.isError ? (
        <ErrorPanel error={query.error} retry={() => void query.refetch()} />
      ) : reports.length === 0 ? (
        <Empty title={t('unlinked.noReports')} />
      ) : (
        <ul className="report-list">
          {reports.map((report, at) => {
            const level = levelOf(report.level);
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: reports have no id here, and the list only grows at its end
              <li key={at}>
                <button
                  type="button"
                  className="log-main"
                  aria-expanded={open === at}
                  onClick={() => setOpen(open === at ? -1 : at)}
                >
                  <Time time={report.time} />
                  <span className={`level l-${level ?? 'NONE'}`}>
                    {report.type === 'node' ? 'NODE' : (level ?? '–')}
                  </span>
                  <span className="log-message">
                    {report.nodeName && <b>{visibleLine(head(report.nodeName, 60))} </b>}
                    {report.type === 'node' ? report.status : <Plain text={report.message ?? ''} max={300} />}
                  </span>
                </button>
                {open === at && (
                  <>
                    <LogDetail
                      line={{
                        ...report,
                        nodeName: report.nodeName ?? '',
                        data: report.data ?? null,
                        exception: report.exception ?? null,
                      }}
                    />
                    {report.input != null && <JsonView value={report.input} label={t('tab.input')} />}
                    {report.output != null && <JsonView value={report.output} label={t('tab.output')} />}
                  </>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {query.hasNextPage && (
        <button type="button" onClick={() => void query.fetchNextPage()}>
          {t('more')}
        </button>
      )}
    </section>
  );
}
