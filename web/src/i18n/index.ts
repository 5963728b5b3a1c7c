import { useMemo } from 'react';
import { useSettings } from '../lib/settings';
import { en } from './en';
import { zh } from './zh';

export type Key = keyof typeof en;
export type Values = Record<string, string | number>;
export type Translate = (key: Key, values?: Values) => string;

const TEXTS = { en, zh } as const;

/** `{n}` stands for a value; `{n|one|many}` for the first text when the value is 1, else the second. */
export function fill(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (one !== undefined && many !== undefined) return Number(value) === 1 ? one : many;
    return typeof value === 'number' ? value.toLocaleString('en-US') : value;
  });
}

export function useT(): Translate {
  const { language } = useSettings();
  return useMemo(() => (key, values) => fill(TEXTS[language][key], values), [language]);
}

export function hasKey(key: string): key is Key {
  return key in en;
}
