/** The one place that speaks HTTP. */
import { parseJson } from './json';
import type { Mark } from './types';

/** What is wrong with one parameter or one place of an upload. */
export interface ProblemPart {
  parameter?: string;
  detail?: string;
  message?: string;
  line?: number;
  column?: number;
  path?: string;
  found?: string;
  allowed?: string;
  help?: string;
}

/** Why a request has no answer: problem details (RFC 9457), or no connection (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly parts: ProblemPart[] = [],
    /** After how many seconds to ask again, where the server says so. */
    readonly retryAfter: number | null = null,
    /** No connection, after a long body was begun to be sent: a server may close without reading all of it. */
    readonly sentLong = false,
  ) {
    super(detail || title);
  }

  private readonly born = Date.now();

  /** Seconds that are left to wait at an instant; null where the server said nothing of waiting. */
  waits(nowMs: number): number | null {
    return this.retryAfter === null ? null : Math.max(0, Math.ceil(this.retryAfter - (nowMs - this.born) / 1000));
  }

  /** Asking again may help: no connection, too many requests, the server or its store is at fault. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const TOKEN_KEY = 'linkloom.token';
let tokenWanted: ((refused: boolean) => void) | null = null;

export function setToken(token: string): void {
  if (token) sessionStorage.setItem(TOKEN_KEY, token);
  else sessionStorage.removeItem(TOKEN_KEY);
}

/** Called when the server asks for a token (401); `refused`: it was given one, and does not know it. */
export function onTokenWanted(listener: ((refused: boolean) => void) | null): void {
  tokenWanted = listener;
}

/** Asks the reader for a token. */
export function askForToken(): void {
  tokenWanted?.(sessionStorage.getItem(TOKEN_KEY) !== null);
}

/** The API lies beside the page, whatever prefix a proxy puts before both. */
export function apiUrl(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== '') query.append(key, String(value));
  }
  const text = query.toString();
  return `./api/v1/${path}${text ? `?${text}` : ''}`;
}

export type Params = Record<string, string | number | boolean | null | undefined>;

export function authHeaders(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** Characters from which on a body may be why a server closes the connection. */
const LONG_BODY = 1_000_000;

interface Options {
  method?: string;
  body?: string;
  contentType?: string;
  signal?: AbortSignal | undefined;
}

/** The answer to a request as its text. Throws [`ApiError`]; an aborted request throws what `fetch` does. */
export async function requestText(url: string, options: Options = {}): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: options.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...authHeaders(),
        ...(options.contentType ? { 'content-type': options.contentType } : {}),
      },
      ...(options.body === undefined ? {} : { body: options.body }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    const long = (options.body?.length ?? 0) > LONG_BODY;
    throw new ApiError(0, long ? 'Connection closed on a long text' : 'No connection', '', [], null, long);
  }
  const text = await response.text();
  if (response.ok) return text;
  if (response.status === 401) askForToken();
  throw problemOf(response.status, response.statusText, response.headers.get('retry-after'), text);
}

export async function request<T>(url: string, options: Options = {}): Promise<T> {
  const text = await requestText(url, options);
  try {
    return parseJson<T>(text);
  } catch {
    throw new ApiError(502, 'Not an answer of Linkloom', 'the answer is not JSON');
  }
}

/** Problem details from the body of an answer, or what the status line says where it has none. */
export function problemOf(status: number, statusText: string, retryAfter: string | null, body: string): ApiError {
  const seconds = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  try {
    const problem = JSON.parse(body) as { title?: unknown; detail?: unknown; errors?: unknown; problems?: unknown };
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    const list = problem.problems ?? problem.errors;
    const parts = Array.isArray(list) ? (list as ProblemPart[]) : [];
    return new ApiError(status, text(problem.title) || statusText, text(problem.detail), parts, seconds);
  } catch {
    return new ApiError(status, statusText || `HTTP ${status}`, '', [], seconds);
  }
}

const part = encodeURIComponent;

export function executionPath(mark: Mark): string {
  return `business/${part(mark.businessId)}/scenes/${part(mark.sceneId)}/executions/${part(mark.executionId)}`;
}

export function businessPath(businessId: string): string {
  return `business/${part(businessId)}`;
}

export function scenePath(sceneId: string): string {
  return `scenes/${part(sceneId)}`;
}
