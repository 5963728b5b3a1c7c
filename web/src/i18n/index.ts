import { useMemo } from 'react';
import { useSettings } from '../lib/settings';
import { en } from './en';
import { inChinese } from './sentences';
import { zh } from './zh';

export type Key = keyof typeof en;
export type Values = Record<string, string | number>;
export interface Translate {
  (key: Key, values?: Values): string;
  /** A sentence the server made, in the language of the page where that is known. */
  sentence: (text: string) => string;
}

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

export function translator(language: keyof typeof TEXTS): Translate {
  return Object.assign((key: Key, values?: Values) => fill(TEXTS[language][key], values), {
    sentence: (text: string) => (language === 'zh' ? inChinese(text) : text),
  });
}

export function useT(): Translate {
  const { language } = useSettings();
  return useMemo(() => translator(language), [language]);
}

export function hasKey(key: string): key is Key {
  return key in en;
}
