import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { jsonText } from '../api/json';
import { sameMark } from '../api/list';
import { definitionQuery, executionQuery, listQuery } from '../api/queries';
import type { Execution, ListEntry, Mark, NodeState } from '../api/types';
import { type Difference, diffExecutions, diffJson, latestRun, mergedEdges, type NodeDiff } from '../compare/diff';
import { useT } from '../i18n';
import { head, visible, visibleLine } from '../lib/text';
import { duration } from '../lib/time';
import { executionCards } from '../panorama/cards';
import { titleChars, type Wire } from '../panorama/geometry';
import { type Card, Graph, type WireLook } from '../panorama/graph';
import { planOf } from '../panorama/layout';
import { useLayout } from '../panorama/use-layout';
import { Icon } from '../ui/icons';
import { useKeys } from '../ui/keys';
import { Duration, Empty, ErrorPanel, Plain, Skeleton, StateBadge, stateKey, Time } from '../ui/parts';
import { initialExecution } from '../url/route';
import { Link, navigate } from '../url/router';

export function ComparePage({ left, right, node }: { left: Mark | null; right: Mark | null; node: string }) {
  const t = useT();
  if (!left) return <Empty title={t('compare.nothing')} icon="compare" />;
  return right ? <Compared left={left} right={right} node={node} /> : <Pick left={left} node={node} />;
}

/** Which other execution: one of the same scene, of this business id or of any. */
function Pick({ left, node }: { left: Mark; node: string }) {
  const t = useT();
  const same = useInfiniteQuery(listQuery({ kind: 'business', businessId: left.businessId }, { scene: left.sceneId }));
  const scene = useInfiniteQuery({ ...listQuery({ kind: 'scene', sceneId: left.sceneId }, {}), retry: false });
  const [id, setId] = useState('');
  const [asked, setAsked] = useState('');
  const other = useInfiniteQuery({
    ...listQuery({ kind: 'business', businessId: asked }, { scene: left.sceneId }),
    enabled: asked !== '',
  });
  const list = (query: typeof same) =>
    (query.data?.pages.flatMap((page) => page.executions) ?? []).filter((entry) => !sameMark(entry, left)).slice(0, 50);
  const groups: [string, ListEntry[]][] = [
    [asked ? t('compare.ofId', { name: visibleLine(head(asked, 40)) }) : '', asked ? list(other) : []],
    [t('compare.sameId'), list(same)],
    [t('compare.sameScene'), list(scene)],
  ];
  const choose = (entry: Mark) => navigate({ page: 'compare', left, right: entry, node });
  return (
    <div className="pick">
      <h1>{t('compare.pick')}</h1>
      <p className="muted">
        <Plain text={`${left.businessId} › ${left.sceneId} › ${left.executionId}`} />
      </p>
      <form
        className="search-box"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(id.trim());
        }}
      >
        <Icon name="search" />
        <input
          type="search"
          value={id}
          placeholder={t('compare.otherId')}
          aria-label={t('compare.otherId')}
          onChange={(event) => setId(event.target.value)}
        />
        <button type="submit">{t('search.go')}</button>
      </form>
      {(same.isPending || (asked && other.isPending)) && <Skeleton rows={4} />}
      {groups.map(([title, entries]) =>
        title && entries.length > 0 ? (
          <section key={title}>
            <h2>{title}</h2>
            <ul className="pick-list">
              {entries.map((entry) => (
                <li key={entry.businessId + entry.executionId}>
                  <button type="button" onClick={() => choose(entry)}>
                    <StateBadge state={entry.status} />
                    <strong>
                      <Plain text={entry.businessId} max={60} />
                    </strong>
                    <code className="muted">
                      <Plain text={entry.executionId} max={36} />
                    </code>
                    <span className="grow" />
                    <Time time={entry.startTime} />
                    <Duration micros={entry.durationMicros} />
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ) : null,
      )}
      {!same.isPending && !scene.isPending && groups.every(([, entries]) => entries.length === 0) && (
        <Empty title={asked ? t('compare.noneOfId') : t('compare.none')} icon="compare">
          {t('compare.noneHelp')}
        </Empty>
      )}
    </div>
  );
}

function Compared({ left, right, node }: { left: Mark; right: Mark; node: string }) {
  const t = useT();
  const one = useQuery(executionQuery(left));
  const two = useQuery(executionQuery(right));
  if (one.isError) return <ErrorPanel error={one.error} retry={() => void one.refetch()} />;
  if (two.isError) return <ErrorPanel error={two.error} retry={() => void two.refetch()} />;
  if (!one.data || !two.data) return <Skeleton rows={8} />;
  if (one.data.sceneId !== two.data.sceneId) {
    return (
      <Empty title={t('compare.otherScene')} icon="compare">
        {t('compare.otherSceneHelp')}
      </Empty>
    );
  }
  return <CompareView left={one.data} right={two.data} node={node} />;
}

function CompareView({ left, right, node }: { left: Execution; right: Execution; node: string }) {
  const t = useT();
  const version = left.definitionVersion;
  const definition = useQuery({
    ...definitionQuery(left.sceneId, version),
    enabled: version !== null && version === right.definitionVersion,
    retry: false,
  });
  const diffs = useMemo(() => diffExecutions(left, right), [left, right]);
  const edges = useMemo(() => mergedEdges(left.edges, right.edges), [left, right]);
  const input = useMemo(() => {
    const nodes = diffs.map((diff) => {
      const some = diff.left ?? diff.right;
      return {
        name: diff.name,
        type: some?.nodeType ?? null,
        small: false,
        chars: titleChars(some?.title ?? diff.name),
      };
    });
    const planned = diffs.map((diff, at) => ({ nodeName: diff.name, nodeType: nodes[at]?.type ?? null }));
    return { nodes, edges, plan: planOf(definition.data?.definition, planned), folded: [], down: false };
  }, [diffs, edges, definition.data]);
  const layout = useLayout(input);
  const cards = useMemo(() => {
    const [ones, twos] = [executionCards(left, null, '', t), executionCards(right, null, '', t)];
    return new Map(
      diffs.map((diff): [string, Card] => {
        const base = (ones.get(diff.name) ?? twos.get(diff.name)) as Card;
        const first = diff.differences[0];
        const mark = !first
          ? undefined
          : first.kind === 'only_left'
            ? 'left'
            : first.kind === 'only_right'
              ? 'right'
              : 'differs';
        return [
          diff.name,
          {
            ...base,
            line: first ? differenceText(first, t) : t('compare.same'),
            dim: !first,
            errors: 0,
            warnings: 0,
            flagged: false,
            ...(mark ? { mark } : {}),
          },
        ];
      }),
    );
  }, [diffs, left, right, t]);
  const look = useCallback(
    (wire: Wire): WireLook => {
      const merged = wire.edges.map((at) => edges[at]);
      const taken = merged.find((edge) => edge?.state === 'taken') ?? merged[0];
      return { state: taken?.state ?? 'open', side: taken?.sides ?? 'none' };
    },
    [edges],
  );
  const changed = diffs.filter((diff) => diff.differences.length > 0);
  const select = useCallback(
    (name: string) => navigate({ page: 'compare', left, right, node: name }, { replace: true }),
    [left, right],
  );
  useKeys({
    n: () => {
      const at = changed.findIndex((diff) => diff.name === node);
      const next = changed[(at + 1) % Math.max(1, changed.length)];
      if (next) select(next.name);
    },
    f: () => document.querySelector<HTMLButtonElement>('[data-fit]')?.click(),
    Escape: () => select(''),
  });
  const selected = diffs.find((diff) => diff.name === node);
  const sides = [
    ['left', left],
    ['right', right],
  ] as const;
  return (
    <div className="execution compare with-panel">
      <header className="compare-head">
        <div className="head-line">
          <h1>{t('compare.title')}</h1>
          <span className="grow" />
          <button type="button" onClick={() => navigate({ page: 'compare', left: right, right: left, node })}>
            {t('compare.swap')}
          </button>
          <button type="button" onClick={() => navigate({ page: 'compare', left, right: null, node })}>
            {t('compare.another')}
          </button>
        </div>
        {sides.map(([side, execution]) => (
          <div key={side} className={`side side-${side}`}>
            <span className="side-name">{t(side === 'left' ? 'compare.left' : 'compare.right')}</span>
            <StateBadge state={execution.status} />
            <Link to={{ page: 'execution', ...initialExecution(execution), node }}>
              <Plain text={`${execution.businessId} › ${execution.executionId}`} max={70} />
            </Link>
            <span className="muted">
              <Time time={execution.startTime} /> · <Duration micros={execution.durationMicros} />
            </span>
          </div>
        ))}
      </header>
      {version !== right.definitionVersion && <p className="note warn">{t('compare.versions')}</p>}
      <div className="work">
        <div className="work-main">
          {layout ? (
            <Graph
              layout={layout}
              cards={cards}
              wireLook={look}
              selected={node}
              onSelect={select}
              fitKey={`${left.executionId} ${right.executionId} ${layout.by}`}
              label={t('compare.title')}
            />
          ) : (
            <Skeleton rows={8} />
          )}
        </div>
        <aside className="node-panel" aria-label={t('compare.differences')}>
          <div className="node-body">
            {selected ? (
              <NodeCompare diff={selected} onBack={() => select('')} />
            ) : (
              <>
                <h2>{t('compare.count', { n: changed.length, of: diffs.length })}</h2>
                {changed.length === 0 && <p className="muted">{t('compare.identical')}</p>}
                <ul className="diff-list">
                  {changed.map((diff) => (
                    <li key={diff.name}>
                      <button type="button" onClick={() => select(diff.name)}>
                        <strong>
                          <Plain text={diff.name} max={60} />
                        </strong>
                        {diff.differences.map((one) => (
                          <span key={one.kind} className={`chip diff-${one.kind}`}>
                            {differenceText(one, t)}
                          </span>
                        ))}
                      </button>
                    </li>
                  ))}
                </ul>
              </>
            )}
          </div>
        </aside>
      </div>
    </div>
  );
}

function differenceText(difference: Difference, t: ReturnType<typeof useT>): string {
  switch (difference.kind) {
    case 'only_left':
      return t('diff.onlyLeft');
    case 'only_right':
      return t('diff.onlyRight');
    case 'state':
      return `${t(stateKey(difference.left as NodeState))} → ${t(stateKey(difference.right as NodeState))}`;
    case 'case':
      return `${t('fact.case')}: ${visibleLine(difference.left)} → ${visibleLine(difference.right)}`;
    case 'duration':
      return `${duration(difference.left)} → ${duration(difference.right)}`;
    case 'runs':
      return t('diff.runs', { left: difference.left, right: difference.right });
    case 'input':
      return t('diff.input', { n: difference.changes });
    case 'output':
      return t('diff.output', { n: difference.changes });
  }
}

function NodeCompare({ diff, onBack }: { diff: NodeDiff; onBack: () => void }) {
  const t = useT();
  const [one, two] = [latestRun(diff.left), latestRun(diff.right)];
  const rows: [string, string, string][] = [
    [
      t('fact.status'),
      diff.left ? t(stateKey(diff.left.state)) : '–',
      diff.right ? t(stateKey(diff.right.state)) : '–',
    ],
    [t('fact.duration'), time(one?.durationMicros), time(two?.durationMicros)],
    [t('fact.case'), diff.left?.case ?? '–', diff.right?.case ?? '–'],
    [t('fact.runCount'), String(diff.left?.runs.length ?? '–'), String(diff.right?.runs.length ?? '–')],
    [t('fact.service'), one?.service ?? '–', two?.service ?? '–'],
    [t('fact.instance'), one?.instance ?? '–', two?.instance ?? '–'],
  ];
  return (
    <>
      <button type="button" className="quiet" onClick={onBack}>
        <Icon name="chevron" size={12} className="flip" /> {t('compare.differences')}
      </button>
      <h2>
        <Plain text={diff.name} max={100} />
      </h2>
      <table className="runs">
        <thead>
          <tr>
            <th />
            <th>{t('compare.left')}</th>
            <th>{t('compare.right')}</th>
          </tr>
        </thead>
        <tbody>
          {rows
            .filter(([, left, right]) => left !== '–' || right !== '–')
            .map(([name, left, right]) => (
              <tr key={name} className={left === right ? '' : 'changed'}>
                <th scope="row">{name}</th>
                <td>
                  <Plain text={left} max={80} />
                </td>
                <td>
                  <Plain text={right} max={80} />
                </td>
              </tr>
            ))}
        </tbody>
      </table>
      {(['input', 'output'] as const).map((side) => {
        const changes = diffJson(one?.[side] ?? null, two?.[side] ?? null);
        if (!one || !two) return null;
        return (
          <section key={side}>
            <h3>{t(side === 'input' ? 'tab.input' : 'tab.output')}</h3>
            {changes.length === 0 ? (
              <p className="muted">{t('compare.same')}</p>
            ) : (
              <table className="runs json-diff">
                <tbody>
                  {changes.slice(0, 100).map((change) => (
                    <tr key={change.path}>
                      <th scope="row">
                        <code>{visible(head(change.path, 120))}</code>
                      </th>
                      <td className="was">{value(change.left)}</td>
                      <td className="is">{value(change.right)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </section>
        );
      })}
    </>
  );
}

function time(us: number | null | undefined): string {
  return us == null ? '–' : duration(us);
}

function value(json: unknown): string {
  return json === undefined ? '–' : visible(head(jsonText(json), 400));
}
