/** What a reader chose: kept in this browser. `?theme=` and `?lang=` of an embedding page win and are not kept. */
import { useSyncExternalStore } from 'react';
import type { Zone } from './time';

export interface Settings {
  theme: 'system' | 'light' | 'dark';
  language: 'en' | 'zh';
  zone: Zone;
}

const KEY = 'linkloom.settings';
const listeners = new Set<() => void>();

function oneOf<T extends string>(value: unknown, allowed: readonly T[], fallback: T): T {
  return allowed.includes(value as T) ? (value as T) : fallback;
}

export function readSettings(stored: string | null, search: string, languages: readonly string[]): Settings {
  let kept: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(stored ?? '{}');
    if (value && typeof value === 'object') kept = value as Record<string, unknown>;
  } catch {
    // What cannot be read counts as not chosen.
  }
  const query = new URLSearchParams(search);
  const spoken = languages.find((language) => /^(en|zh)\b/i.test(language));
  return {
    theme: oneOf(query.get('theme') ?? kept.theme, ['system', 'light', 'dark'], 'system'),
    language: oneOf(query.get('lang') ?? kept.language, ['en', 'zh'], spoken?.startsWith('zh') ? 'zh' : 'en'),
    zone: oneOf(kept.zone, ['local', 'utc'], 'local'),
  };
}

let settings = readSettings(localStorage.getItem(KEY), location.search, navigator.languages);

export function applySettings(): void {
  const root = document.documentElement;
  if (settings.theme === 'system') delete root.dataset.theme;
  else root.dataset.theme = settings.theme;
  root.lang = settings.language === 'zh' ? 'zh-CN' : 'en';
}

export function changeSettings(change: Partial<Settings>): void {
  settings = { ...settings, ...change };
  localStorage.setItem(KEY, JSON.stringify(settings));
  applySettings();
  for (const listener of listeners) listener();
}

export function useSettings(): Settings {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => settings,
  );
}
