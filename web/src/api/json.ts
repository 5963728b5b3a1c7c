/**
 * JSON as it was reported: numbers a double cannot hold keep every digit.
 *
 * Such a number is read as a text that begins with a mark made anew for every page load, so that no reported text
 * can pass for one.
 */
import type { Json } from './types';

const MARK = `\u0000${crypto.randomUUID()}:`;
const TOKEN = /"(?:[^"\\]+|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONG_NUMBER = /\d{16}/;

export function parseJson<T = Json>(text: string): T {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as T;
  const kept = text.replace(TOKEN, (token) => {
    if (token.startsWith('"') || token.length < 16 || String(Number(token)) === token) return token;
    return JSON.stringify(MARK + token);
  });
  return JSON.parse(kept) as T;
}

/** The digits of a number that was kept as text, else undefined. */
export function keptNumber(value: unknown): string | undefined {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : undefined;
}

/** As text again: kept numbers come out as the numbers they were. */
export function jsonText(value: unknown, indent = 2): string {
  const text = JSON.stringify(value, null, indent) ?? 'null';
  const escaped = JSON.stringify(MARK).slice(1, -1);
  return text.includes(escaped)
    ? text.replace(TOKEN, (token) => (token.startsWith(`"${escaped}`) ? token.slice(escaped.length + 1, -1) : token))
    : text;
}
