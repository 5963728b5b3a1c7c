import { useState } from 'react';
import { type Match, useFeatures, useResolved } from '../api/queries';
import { useT } from '../i18n';
import { forgetSearches, recentSearches } from '../lib/recent';
import { useViews } from '../lib/saved';
import { EntryRow, ExecutionList } from '../list/execution-list';
import { Icon } from '../ui/icons';
import { useKeys } from '../ui/keys';
import { CopyButton, Empty, ErrorPanel, Plain } from '../ui/parts';
import { SearchBox } from '../ui/search-box';
import { type ListFilters, NO_FILTERS, type Route } from '../url/route';
import { Link, navigate } from '../url/router';
import { SceneCards, sceneRoute } from './scenes';

export function HomePage({ id, filters }: { id: string; filters: ListFilters }) {
  const t = useT();
  const has = useFeatures();
  useKeys({ '/': () => document.querySelector<HTMLInputElement>('[data-search]')?.focus() });
  if (!id) {
    return (
      <div className="home">
        <h1>{t('home.title')}</h1>
        <p className="lead">{t('home.lead')}</p>
        <SearchBox initial="" large />
        <Recent />
        <Views />
        {has('scenes') && (
          <section className="home-scenes">
            <h2>{t('scenes')}</h2>
            <SceneCards />
          </section>
        )}
      </div>
    );
  }
  return (
    <div className="results">
      <Results key={id} id={id} filters={filters} />
    </div>
  );
}

function Recent() {
  const t = useT();
  const [list, setList] = useState(recentSearches);
  if (!list.length) return null;
  return (
    <section className="recent" aria-label={t('recent')}>
      <span className="muted">{t('recent')}</span>
      {list.map((id) => (
        <Link key={id} className="chip" to={{ page: 'home', id, filters: NO_FILTERS }}>
          <Plain text={id} max={40} />
        </Link>
      ))}
      <button
        type="button"
        className="quiet"
        onClick={() => {
          forgetSearches();
          setList([]);
        }}
      >
        {t('recent.clear')}
      </button>
    </section>
  );
}

function Views() {
  const t = useT();
  const views = useViews();
  if (!views.length) return null;
  return (
    <section className="recent" aria-label={t('views')}>
      <span className="muted">{t('views')}</span>
      {views.map(({ name, route }) => (
        <Link key={name} className="chip" to={route}>
          <Icon name="star" size={11} /> <Plain text={name} max={40} />
        </Link>
      ))}
    </section>
  );
}

/** What the text is, then its executions. Without the means to tell, it is taken for a business id. */
function Results({ id, filters }: { id: string; filters: ListFilters }) {
  const t = useT();
  const has = useFeatures();
  const canResolve = has('resolve');
  const { query, searching } = useResolved(id, canResolve);
  const onFilters = (next: ListFilters, replace = false) => navigate({ page: 'home', id, filters: next }, { replace });
  const found = query.data?.found ?? [];
  const business = found.find((match) => match.kind === 'business');
  const others = found.filter((match) => match.kind !== 'business');
  // Most often it is a business id: its executions are asked for at once, and stay where they are.
  const isBusiness = !query.data || Boolean(business) || found.length === 0;
  return (
    <>
      <h1 className="result-title">
        <Plain text={id} max={120} />
        <CopyButton text={id} />
        {query.data && <span className="kind">{found[0] ? t(`kind.${found[0].kind}`) : ''}</span>}
      </h1>
      {searching && (
        <p className="muted" role="status">
          {t('resolve.searching')}
        </p>
      )}
      {others.map((match) => (
        <MatchView key={JSON.stringify(match).slice(0, 200)} match={match} />
      ))}
      {isBusiness && (
        <ExecutionList source={{ kind: 'business', businessId: id }} filters={filters} onFilters={onFilters} />
      )}
      {query.isError && !business && <ErrorPanel error={query.error} retry={() => void query.refetch()} />}
    </>
  );
}

function MatchView({ match }: { match: Match }) {
  const t = useT();
  const has = useFeatures();
  switch (match.kind) {
    case 'execution':
      return (
        <section className="match">
          <h2>
            {t('match.execution')} <span className="muted">{t(`match.as.${match.as}`)}</span>
          </h2>
          <EntryRow entry={match.execution} byBusiness />
        </section>
      );
    case 'trace':
      return (
        <section className="match">
          <h2>{t('match.trace')}</h2>
          {match.executions.map((entry) => (
            <EntryRow key={entry.businessId + entry.sceneId + entry.executionId} entry={entry} byBusiness />
          ))}
          {match.executions.length === 0 && <Empty title={t('match.traceNone')} />}
          {match.unlinked && has('unlinked') && (
            <Line to={{ page: 'unlinked', service: '', trace: match.traceId }} text={t('match.unlinked')} />
          )}
        </section>
      );
    case 'scene':
      return has('scenes') ? <Line to={sceneRoute(match.sceneId)} text={t('match.scene')} /> : null;
    case 'deadLetter':
      return has('dead') ? (
        <Line to={{ page: 'dead', reason: '', source: '', id: match.id }} text={t('match.dead')} />
      ) : null;
    default:
      return null;
  }
}

function Line({ to, text }: { to: Route; text: string }) {
  return (
    <p className="match-line">
      <Icon name="chevron" size={14} /> <Link to={to}>{text}</Link>
    </p>
  );
}
