import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { scenesQuery } from '../api/queries';
import { useT } from '../i18n';
import { Icon } from '../ui/icons';
import { Dialog, Empty, ErrorPanel, Plain, Skeleton, Time } from '../ui/parts';
import { initialScene, type Route, type SceneState } from '../url/route';
import { Link } from '../url/router';
import { UploadDefinition } from './upload';

export function sceneRoute(sceneId: string, change: Partial<SceneState> = {}): Route {
  return { page: 'scene', ...initialScene(sceneId), ...change };
}

export function ScenesPage() {
  const t = useT();
  const [uploading, setUploading] = useState(false);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('scenes')}</h1>
        <span className="grow" />
        <button type="button" onClick={() => setUploading(true)}>
          <Icon name="upload" size={14} />
          {t('upload')}
        </button>
      </div>
      <SceneCards />
      {uploading && (
        <Dialog title={t('upload')} onClose={() => setUploading(false)}>
          <UploadDefinition sceneId="" />
        </Dialog>
      )}
    </div>
  );
}

export function SceneCards() {
  const t = useT();
  const query = useInfiniteQuery(scenesQuery());
  if (query.isPending) return <Skeleton rows={4} />;
  if (query.isError) return <ErrorPanel error={query.error} retry={() => void query.refetch()} />;
  const scenes = query.data.pages.flatMap((page) => page.scenes);
  if (scenes.length === 0) {
    return (
      <Empty title={t('scenes.none')} icon="graph">
        {t('scenes.noneHelp')}
      </Empty>
    );
  }
  return (
    <>
      <ul className="scene-cards">
        {scenes.map((scene) => (
          <li key={scene.sceneId}>
            <Link to={sceneRoute(scene.sceneId)}>
              <strong>
                <Plain text={scene.linkName ?? scene.sceneId} max={80} />
              </strong>
              {scene.linkName && (
                <code className="muted">
                  <Plain text={scene.sceneId} max={60} />
                </code>
              )}
              {scene.description && (
                <p>
                  <Plain text={scene.description} max={160} />
                </p>
              )}
              <p className="muted">
                {scene.nodes ? `${t('scenes.nodes', { n: scene.nodes })} · ` : `${t('scenes.noDefinition')} · `}
                {scene.versions > 1 && `${t('scenes.versions', { n: scene.versions })} · `}
                {scene.lastStartTime ? (
                  <>
                    {t('scenes.last')} <Time time={scene.lastStartTime} age fraction={0} />
                  </>
                ) : (
                  t('scenes.never')
                )}
              </p>
            </Link>
          </li>
        ))}
      </ul>
      {query.hasNextPage && (
        <button type="button" onClick={() => void query.fetchNextPage()}>
          {t('more')}
        </button>
      )}
    </>
  );
}
