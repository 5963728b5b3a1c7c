/** A JSON value as rows to look at: folded, searched, and never recursed into, however deep it is. */
import { keptNumber } from '../api/json';
import type { Json } from '../api/types';

export interface JsonRow {
  /** Path as a key: unique, and the same while the value is. */
  path: string;
  depth: number;
  key: string | null;
  kind: 'open' | 'folded' | 'close' | 'leaf';
  value: Json;
  /** Entries of an object or array. */
  size: number;
  matches: boolean;
}

/** Rows made at most: what is beyond stays folded until something is closed or searched for. */
export const ROWS_MAX = 50_000;
const OPEN_DEPTH = 3;
const OPEN_SIZE = 200;

type Branch = Json[] | { [key: string]: Json };

function isBranch(value: Json): value is Branch {
  return typeof value === 'object' && value !== null;
}

function entriesOf(value: Branch): [string, Json][] {
  return Array.isArray(value) ? value.map((entry, at) => [String(at), entry]) : Object.entries(value);
}

const child = (path: string, key: string) => `${path}/${key.replace(/~/g, '~0').replace(/\//g, '~1')}`;

/** `toggled`: paths that are the other way than they would be by themselves. `forced`: open whatever else is said. */
export function jsonRows(
  value: Json,
  toggled: ReadonlySet<string>,
  found: Found | null,
): { rows: JsonRow[]; cut: boolean } {
  const rows: JsonRow[] = [];
  const stack: ({ row: JsonRow } | { path: string; depth: number; key: string | null; value: Json })[] = [
    { path: '', depth: 0, key: null, value },
  ];
  while (stack.length) {
    if (rows.length >= ROWS_MAX) return { rows, cut: true };
    const top = stack.pop();
    if (!top) break;
    if ('row' in top) {
      rows.push(top.row);
      continue;
    }
    const { path, depth, key } = top;
    const matches = found?.paths.has(path) ?? false;
    if (!isBranch(top.value)) {
      rows.push({ path, depth, key, kind: 'leaf', value: top.value, size: 0, matches });
      continue;
    }
    const entries = entriesOf(top.value);
    const size = entries.length;
    const open =
      (depth < OPEN_DEPTH && size <= OPEN_SIZE) !== toggled.has(path) || (found?.around.has(top.value) ?? false);
    if (!open || size === 0) {
      rows.push({ path, depth, key, kind: size === 0 ? 'leaf' : 'folded', value: top.value, size, matches });
      continue;
    }
    rows.push({ path, depth, key, kind: 'open', value: top.value, size, matches });
    stack.push({ row: { path: `${path}/`, depth, key: null, kind: 'close', value: top.value, size, matches: false } });
    for (const [name, inner] of entries.reverse()) {
      stack.push({ path: child(path, name), depth: depth + 1, key: name, value: inner });
    }
  }
  return { rows, cut: false };
}

export interface Found {
  /** Paths whose key or value holds the text, in order. */
  list: string[];
  paths: ReadonlySet<string>;
  /** The objects and arrays around them: by identity, since the paths of deep ones are as long as they are deep. */
  around: ReadonlySet<Json>;
}

const FOUND_MAX = 1000;

export function searchJson(value: Json, text: string): Found | null {
  const want = text.trim().toLowerCase();
  if (!want) return null;
  const list: string[] = [];
  const around = new Set<Json>();
  const stack: { path: string; key: string | null; value: Json; up: number }[] = [];
  // Parents are kept as a chain of indexes: copying paths at every depth would cost the square of it.
  const chain: { value: Json; up: number }[] = [];
  stack.push({ path: '', key: null, value, up: -1 });
  while (stack.length && list.length < FOUND_MAX) {
    const top = stack.pop();
    if (!top) break;
    const here = isBranch(top.value) ? '' : leafText(top.value);
    if (top.key?.toLowerCase().includes(want) || here.toLowerCase().includes(want)) {
      list.push(top.path);
      for (let at = top.up; at !== -1; at = chain[at]?.up ?? -1) {
        const parent = chain[at]?.value ?? null;
        if (around.has(parent)) break;
        around.add(parent);
      }
    }
    if (!isBranch(top.value)) continue;
    chain.push({ value: top.value, up: top.up });
    const up = chain.length - 1;
    const isArray = Array.isArray(top.value);
    for (const [name, inner] of entriesOf(top.value).reverse()) {
      stack.push({ path: child(top.path, name), key: isArray ? null : name, value: inner, up });
    }
  }
  return { list, paths: new Set(list), around };
}

/** A text, number, truth value or null as JSON shows it, texts without quotes. */
export function leafText(value: Json): string {
  if (typeof value === 'string') return keptNumber(value) ?? value;
  if (isBranch(value)) return Array.isArray(value) ? '[]' : '{}';
  return String(value);
}

export function leafKind(value: Json): 'string' | 'number' | 'boolean' | 'null' | 'empty' {
  if (value === null) return 'null';
  if (typeof value === 'string') return keptNumber(value) === undefined ? 'string' : 'number';
  if (typeof value === 'object') return 'empty';
  return typeof value as 'number' | 'boolean';
}
