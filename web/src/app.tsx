import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { again, retry } from './api/queries';
import { useT } from './i18n';
import { visibleLine } from './lib/text';
import { HomePage } from './pages/home';
import { Empty, Skeleton } from './ui/parts';
import { Shell } from './ui/shell';
import { NO_FILTERS, type Route } from './url/route';
import { Link, useRoute } from './url/router';

/** The page that was asked for comes first. */
const FETCH_PAGES_MS = 1000;

/** Everything but the home page comes in pieces of its own. */
const pages = {
  execution: () => import('./pages/execution'),
  file: () => import('./pages/file'),
  compare: () => import('./pages/compare'),
  scenes: () => import('./pages/scenes'),
  scene: () => import('./pages/scene'),
  unlinked: () => import('./pages/unlinked'),
  dead: () => import('./pages/dead'),
};

const ExecutionPage = lazy(() => pages.execution().then((module) => ({ default: module.ExecutionPage })));
const FilePage = lazy(() => pages.file().then((module) => ({ default: module.FilePage })));
const ComparePage = lazy(() => pages.compare().then((module) => ({ default: module.ComparePage })));
const ScenesPage = lazy(() => pages.scenes().then((module) => ({ default: module.ScenesPage })));
const ScenePage = lazy(() => pages.scene().then((module) => ({ default: module.ScenePage })));
const UnlinkedPage = lazy(() => pages.unlinked().then((module) => ({ default: module.UnlinkedPage })));
const DeadPage = lazy(() => pages.dead().then((module) => ({ default: module.DeadPage })));

const client = new QueryClient({
  defaultOptions: {
    queries: { retry, refetchOnWindowFocus: true, staleTime: 1000, refetchInterval: ({ state }) => again(state.error) },
  },
});

export function App() {
  return (
    <QueryClientProvider client={client}>
      <Routed />
    </QueryClientProvider>
  );
}

/** Fetches the pieces before they are wanted: with the server away a page then lacks its data and not itself. */
function fetchPages(): void {
  for (const fetchPage of Object.values(pages)) void fetchPage().catch(() => {});
}

function Routed() {
  const route = useRoute();
  const t = useT();
  useEffect(() => {
    const timer = setTimeout(fetchPages, FETCH_PAGES_MS);
    return () => clearTimeout(timer);
  }, []);
  const title = titleOf(route);
  useEffect(() => {
    document.title = title ? `${visibleLine(title).slice(0, 120)} · Linkloom` : 'Linkloom';
  }, [title]);
  return (
    <Shell route={route}>
      <Suspense fallback={<Skeleton rows={8} />}>
        <Page route={route} unknown={t('page.unknown')} back={t('home')} />
      </Suspense>
    </Shell>
  );
}

function titleOf(route: Route): string {
  switch (route.page) {
    case 'home':
      return route.id;
    case 'execution':
      return `${route.node ? `${route.node} · ` : ''}${route.mark.businessId} › ${route.mark.sceneId}`;
    case 'scene':
      return route.sceneId;
    default:
      return '';
  }
}

function Page({ route, unknown, back }: { route: Route; unknown: string; back: string }) {
  switch (route.page) {
    case 'home':
      return <HomePage id={route.id} filters={route.filters} />;
    case 'execution':
      return <ExecutionPage key={JSON.stringify(route.mark)} state={route} />;
    case 'compare':
      return <ComparePage left={route.left} right={route.right} node={route.node} />;
    case 'scenes':
      return <ScenesPage />;
    case 'scene':
      return <ScenePage key={route.sceneId} route={route} />;
    case 'unlinked':
      return <UnlinkedPage route={route} />;
    case 'dead':
      return <DeadPage route={route} />;
    case 'file':
      return <FilePage />;
    case 'unknown':
      return (
        <Empty title={unknown}>
          <Link to={{ page: 'home', id: '', filters: NO_FILTERS }}>{back}</Link>
        </Empty>
      );
  }
}
