import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useDeferredValue, useEffect, useId, useRef, useState } from 'react';
import { type Match, resolveQuery, scenesQuery, useFeatures } from '../api/queries';
import { type Key, type Translate, useT } from '../i18n';
import { recentSearches, remember } from '../lib/recent';
import { useViews } from '../lib/saved';
import { changeSettings, useSettings } from '../lib/settings';
import { head, visibleLine } from '../lib/text';
import { initialExecution, initialScene, NO_FILTERS, type Route, VIEWS } from '../url/route';
import { navigate } from '../url/router';
import { Icon, type IconName } from './icons';

interface Item {
  id: string;
  group: Key;
  icon: IconName;
  text: string;
  note?: string;
  run: () => void;
}

const MOST = 40;
/** Looking an id up may take the server long: not before there is some of it, and nobody types. */
const LEAST = 3;
const WAIT_MS = 250;

/** Goes anywhere by the keyboard alone: ids, scenes, pages, saved views, and what can be done here. */
export function Palette({ route, onClose, onHelp }: { route: Route; onClose: () => void; onHelp: () => void }) {
  const t = useT();
  const box = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const listId = useId();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  useEffect(() => {
    const dialog = box.current;
    if (dialog && !dialog.open) dialog.showModal();
    input.current?.focus();
  }, []);
  const items = useItems(text, route, onHelp);
  const current = Math.min(at, items.length - 1);
  const currentId = items[current]?.id;
  useEffect(() => {
    if (currentId !== undefined)
      list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [currentId]);
  const run = (item: Item | undefined) => {
    if (!item) return;
    box.current?.close();
    item.run();
  };
  const move = (to: number) => setAt((to + items.length) % Math.max(1, items.length));
  return (
    <dialog ref={box} className="dialog palette" aria-label={t('palette')} onClose={onClose}>
      <label className="palette-input">
        <Icon name="search" size={18} />
        <input
          ref={input}
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-autocomplete="list"
          aria-label={t('palette.label')}
          {...(currentId === undefined ? {} : { 'aria-activedescendant': `${listId}-${current}` })}
          value={text}
          placeholder={t('palette.label')}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            if (event.nativeEvent.isComposing) return;
            const to = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + 8, PageUp: current - 8 }[
              event.key
            ];
            if (to !== undefined) {
              event.preventDefault();
              const far = event.key.startsWith('Page');
              move(far ? Math.max(0, Math.min(items.length - 1, to)) : to);
            } else if (event.key === 'Enter') {
              event.preventDefault();
              run(items[current]);
            }
          }}
        />
        <kbd>Esc</kbd>
      </label>
      <div className="palette-list" ref={list} id={listId} role="listbox" aria-label={t('palette')}>
        {items.map((item, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled by the box that has the focus
          <div
            key={item.id}
            id={`${listId}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === current}
            onClick={() => run(item)}
            onPointerMove={() => setAt(index)}
          >
            <Icon name={item.icon} size={15} />
            <span className="palette-text">
              <bdi>{item.text}</bdi>
              {item.note && <span className="muted"> {item.note}</span>}
            </span>
            <span className="muted palette-group">{t(item.group)}</span>
          </div>
        ))}
      </div>
      <p className="visually-hidden" role="status">
        {t('palette.count', { n: items.length })}
      </p>
      {items.length === 0 && <p className="palette-none muted">{t('palette.none')}</p>}
    </dialog>
  );
}

/** What fits the text, most likely first. Ids are looked up when the typing pauses. */
function useItems(text: string, route: Route, onHelp: () => void): Item[] {
  const t = useT();
  const has = useFeatures();
  const views = useViews();
  const settings = useSettings();
  const want = text.trim();
  const paused = usePaused(want, WAIT_MS);
  const asked = useDeferredValue(paused);
  const resolved = useQuery({
    ...resolveQuery(asked),
    enabled: asked.length >= LEAST && has('resolve'),
    refetchInterval: false,
  });
  const scenes = useInfiniteQuery({ ...scenesQuery(), enabled: has('scenes'), refetchInterval: false });
  const found = asked === want ? (resolved.data?.found ?? []) : [];

  const go = (to: Route) => () => navigate(to);
  const line = (long: string) => visibleLine(head(long, 100));
  const home = (id: string): Route => ({ page: 'home', id, filters: NO_FILTERS });
  const items: Item[] = [];
  const fits = (...texts: (string | null | undefined)[]) =>
    texts.some((one) => one?.toLowerCase().includes(want.toLowerCase()));
  const add = (item: Item, ...more: (string | null)[]) => {
    if (fits(item.text, ...more)) items.push(item);
  };

  for (const match of found) items.push(...matchItems(match, has('unlinked'), t));
  for (const { name, route: to } of views)
    add({ id: `view ${name}`, group: 'views', icon: 'star', text: line(name), run: go(to) });
  if (!want) {
    for (const id of recentSearches().slice(0, 5))
      add({ id: `recent ${id}`, group: 'recent', icon: 'clock', text: line(id), run: go(home(id)) });
  }
  if (route.page === 'execution') {
    const { page: _, ...state } = route;
    for (const view of VIEWS)
      if (view !== route.view)
        add({
          id: `show ${view}`,
          group: 'palette.action',
          icon: 'graph',
          text: t(`view.${view}`),
          run: go({ page: 'execution', ...state, view }),
        });
    add({
      id: 'compare',
      group: 'palette.action',
      icon: 'compare',
      text: t('key.compare'),
      run: go({ page: 'compare', left: route.mark, right: null, node: route.node }),
    });
    add({
      id: 'all of id',
      group: 'palette.action',
      icon: 'search',
      text: t('execution.allOf', { name: line(route.mark.businessId) }),
      run: go(home(route.mark.businessId)),
    });
    add({
      id: 'scene of it',
      group: 'palette.action',
      icon: 'graph',
      text: t('palette.sceneOf', { name: line(route.mark.sceneId) }),
      run: go({ page: 'scene', ...initialScene(route.mark.sceneId) }),
    });
  }
  const pages: [Route, Key, boolean][] = [
    [home(''), 'home', true],
    [{ page: 'scenes' }, 'scenes', has('scenes')],
    [{ page: 'unlinked', service: '', trace: '' }, 'unlinked', has('unlinked')],
    [{ page: 'dead', source: '', reason: '', id: '' }, 'dead', has('dead')],
    [{ page: 'file' }, 'import', true],
  ];
  for (const [to, key, there] of pages)
    if (there) add({ id: `page ${key}`, group: 'palette.page', icon: 'chevron', text: t(key), run: go(to) });
  for (const scene of scenes.data?.pages.flatMap((page) => page.scenes) ?? []) {
    add(
      {
        id: `scene ${scene.sceneId}`,
        group: 'kind.scene',
        icon: 'graph',
        text: line(scene.linkName ?? scene.sceneId),
        ...(scene.linkName ? { note: line(scene.sceneId) } : {}),
        run: go({ page: 'scene', ...initialScene(scene.sceneId) }),
      },
      scene.sceneId,
    );
  }
  const action = (id: string, icon: IconName, label: string, run: () => void, ...more: string[]) =>
    add({ id, group: 'palette.action', icon, text: label, run }, ...more);
  for (const theme of ['light', 'dark', 'system'] as const)
    if (theme !== settings.theme)
      action(
        `theme ${theme}`,
        theme === 'dark' ? 'moon' : theme === 'light' ? 'sun' : 'auto',
        t(`theme.${theme}`),
        () => changeSettings({ theme }),
      );
  const other = settings.language === 'zh' ? 'en' : 'zh';
  action(
    'language',
    'auto',
    other === 'zh' ? '中文' : 'English',
    () => changeSettings({ language: other }),
    'chinese 英文',
  );
  action('zone', 'clock', t('zone.switch'), () => changeSettings({ zone: settings.zone === 'utc' ? 'local' : 'utc' }));
  action('help', 'help', t('help'), onHelp);
  // What has a name of its own comes first; with nothing of it, the text is an id.
  if (want && !found.some((match) => match.kind === 'business')) {
    items.splice(Math.min(items.length, MOST - 1), 0, {
      id: 'search',
      group: 'search.go',
      icon: 'search',
      text: line(want),
      run: () => {
        remember(want);
        navigate(home(want));
      },
    });
  }
  return items.slice(0, MOST);
}

function matchItems(match: Match, unlinked: boolean, t: Translate): Item[] {
  const line = (long: string) => visibleLine(head(long, 100));
  switch (match.kind) {
    case 'business':
      return [
        {
          id: `business ${match.businessId}`,
          group: 'kind.business',
          icon: 'search',
          text: line(match.businessId),
          note: t('list.count', { n: match.executions.length }) + (match.more ? '+' : ''),
          run: () => {
            remember(match.businessId);
            navigate({ page: 'home', id: match.businessId, filters: NO_FILTERS });
          },
        },
        ...match.executions.slice(0, 3).map((entry): Item => executionItem(entry, t)),
      ];
    case 'execution':
      return [executionItem(match.execution, t)];
    case 'trace':
      return [
        ...match.executions.slice(0, 5).map((entry) => executionItem(entry, t)),
        ...(match.unlinked && unlinked
          ? [
              {
                id: `trace ${match.traceId}`,
                group: 'unlinked' as const,
                icon: 'link' as const,
                text: t('match.unlinked'),
                run: () => navigate({ page: 'unlinked', service: '', trace: match.traceId }),
              },
            ]
          : []),
      ];
    // Scenes are among what is listed anyhow.
    case 'scene':
      return [];
    case 'deadLetter':
      return [
        {
          id: `dead ${match.id}`,
          group: 'kind.deadLetter',
          icon: 'warn',
          text: line(match.id),
          run: () => navigate({ page: 'dead', source: '', reason: '', id: match.id }),
        },
      ];
  }
}

function executionItem(entry: Extract<Match, { kind: 'execution' }>['execution'], t: Translate): Item {
  return {
    id: `execution ${JSON.stringify([entry.businessId, entry.sceneId, entry.executionId])}`,
    group: 'kind.execution',
    icon: entry.status,
    text: visibleLine(head(`${entry.businessId} › ${entry.sceneId}`, 100)),
    note: `${visibleLine(head(entry.executionId, 24))} · ${t(`state.${entry.status}`)}`,
    run: () => navigate({ page: 'execution', ...initialExecution(entry) }),
  };
}

/** A value as it was when it last stood still for a while. */
function usePaused(value: string, ms: number): string {
  const [paused, setPaused] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return paused;
}
