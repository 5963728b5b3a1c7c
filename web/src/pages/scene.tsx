import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { ApiError } from '../api/client';
import { jsonText } from '../api/json';
import { definitionQuery } from '../api/queries';
import type { Json } from '../api/types';
import { type Key, useT } from '../i18n';
import { JsonView } from '../json/json-view';
import { lineDiff } from '../lib/line-diff';
import { visibleLine } from '../lib/text';
import { ExecutionList } from '../list/execution-list';
import { CopyButton, Empty, ErrorPanel, Id, LongText, Plain, Skeleton, Time } from '../ui/parts';
import { Tabs, tabPanel } from '../ui/tabs';
import { SCENE_TABS, type SceneState, type SceneTab } from '../url/route';
import { navigate } from '../url/router';
import { DefinitionGraph } from './scene-graph';
import { UploadDefinition } from './upload';

const TAB_KEYS: Record<SceneTab, Key> = {
  executions: 'scene.executions',
  graph: 'scene.graph',
  text: 'scene.text',
  versions: 'scene.versions',
  upload: 'upload',
};

export function ScenePage({ route }: { route: SceneState }) {
  const t = useT();
  const { sceneId, tab, version } = route;
  const query = useQuery({
    ...definitionQuery(sceneId, version || null),
    retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status === 404),
  });
  const go = (change: Partial<SceneState>, replace = false) =>
    navigate({ page: 'scene', ...route, ...change }, { replace });
  const definition = query.data?.definition;
  const none = query.error instanceof ApiError && query.error.status === 404;
  const tabs = SCENE_TABS.filter((name) => !none || name === 'executions' || name === 'upload');
  const current = tabs.includes(tab) ? tab : 'executions';
  const versions = query.data?.versions.length ?? 0;
  return (
    <div className="page scene-page">
      <div className="page-head">
        <h1>
          <Plain text={definition?.linkName ?? sceneId} max={100} />
        </h1>
        <Id text={sceneId} />
        {query.data && version && !query.data.current && <span className="chip warn">{t('scene.old')}</span>}
      </div>
      {definition?.description && (
        <p className="muted scene-description">
          <Plain text={definition.description} max={600} />
        </p>
      )}
      <Tabs
        label={t('view.views')}
        panel="scene"
        current={current}
        onSelect={(name) => go({ tab: name })}
        items={tabs.map((name) => ({
          name,
          label: t(TAB_KEYS[name]),
          ...(name === 'versions' && versions > 1 ? { count: versions } : {}),
        }))}
      />
      <div className="scene-panel" {...tabPanel('scene', current)}>
        {current === 'executions' && (
          <ExecutionList
            source={{ kind: 'scene', sceneId }}
            filters={route.filters}
            onFilters={(filters, replace) => go({ filters }, replace)}
          />
        )}
        {current === 'upload' && <UploadDefinition sceneId={sceneId} />}
        {current !== 'executions' &&
          current !== 'upload' &&
          (query.isPending ? (
            <Skeleton rows={8} />
          ) : query.isError ? (
            <ErrorPanel error={query.error} retry={() => void query.refetch()} />
          ) : current === 'graph' ? (
            <DefinitionGraph route={route} definition={query.data.definition} go={go} />
          ) : current === 'text' ? (
            <DefinitionText text={jsonText(query.data.definition)} value={query.data.definition as unknown as Json} />
          ) : (
            <Versions route={route} answer={query.data} go={go} />
          ))}
      </div>
    </div>
  );
}

function DefinitionText({ text, value }: { text: string; value: Json }) {
  const t = useT();
  const [tree, setTree] = useState(false);
  return (
    <div className="definition-text">
      <div className="json-tools">
        <button type="button" className="toggle" aria-pressed={tree} onClick={() => setTree(!tree)}>
          {t('scene.tree')}
        </button>
        <span className="grow" />
        <CopyButton text={text} />
      </div>
      {tree ? <JsonView value={value} label={t('tab.definition')} /> : <LongText text={text} className="source-view" />}
    </div>
  );
}

interface VersionsProps {
  route: SceneState;
  answer: {
    version: string;
    definition: unknown;
    versions: {
      version: string;
      validFrom: string | null;
      label: string | null;
      linkName: string | null;
      current: boolean;
    }[];
  };
  go: (change: Partial<SceneState>) => void;
}

function Versions({ route, answer, go }: VersionsProps) {
  const t = useT();
  const shown = answer.version;
  const at = answer.versions.findIndex((one) => one.version === shown);
  const other = route.other || answer.versions[at + 1]?.version || '';
  const query = useQuery({ ...definitionQuery(route.sceneId, other), enabled: other !== '' });
  const lines = useMemo(
    () => (query.data ? lineDiff(jsonText(query.data.definition), jsonText(answer.definition)) : null),
    [query.data, answer.definition],
  );
  return (
    <div className="versions">
      <table className="runs">
        <thead>
          <tr>
            <th>{t('scene.version')}</th>
            <th>{t('scene.label')}</th>
            <th>{t('scene.validFrom')}</th>
            <th>{t('scene.show')}</th>
            <th>{t('scene.against')}</th>
          </tr>
        </thead>
        <tbody>
          {answer.versions.map((one) => (
            <tr key={one.version + one.validFrom} className={one.version === shown ? 'selected' : ''}>
              <td>
                <Id text={one.version} max={12} /> {one.current && <span className="chip">{t('scene.current')}</span>}
              </td>
              <td>{one.label && <Plain text={one.label} max={40} />}</td>
              <td>{one.validFrom ? <Time time={one.validFrom} fraction={0} /> : t('scene.always')}</td>
              <td>
                <input
                  type="radio"
                  name="shown"
                  aria-label={`${t('scene.show')} ${one.version}`}
                  checked={one.version === shown}
                  onChange={() => go({ version: one.version })}
                />
              </td>
              <td>
                <input
                  type="radio"
                  name="other"
                  aria-label={`${t('scene.against')} ${one.version}`}
                  checked={one.version === other}
                  onChange={() => go({ other: one.version })}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {answer.versions.length < 2 ? (
        <p className="muted">{t('scene.oneVersion')}</p>
      ) : lines === null ? (
        query.isError ? (
          <ErrorPanel error={query.error} />
        ) : (
          other && <Skeleton rows={6} />
        )
      ) : lines.every((line) => line.kind === 'same') ? (
        <Empty title={t('scene.sameVersions')} icon="check" />
      ) : (
        <pre className="line-diff">
          {lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a difference have a fixed order and no id
            <span key={index} className={`line ${line.kind}`}>
              {line.kind === 'added' ? '+ ' : line.kind === 'removed' ? '- ' : line.kind === 'gap' ? '  ⋯ ' : '  '}
              {visibleLine(line.text)}
              {'\n'}
            </span>
          ))}
        </pre>
      )}
    </div>
  );
}
