/** Exceptions as reported: an object with type, message and stack, or any other JSON. */
import { jsonText } from '../api/json';
import type { Json } from '../api/types';

export interface ExceptionPart {
  /** `type: message`. */
  title: string;
  /** Frames and whatever else stands below. */
  lines: string[];
}

function field(value: Json, name: string): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return '';
  const found = Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof found === 'string' ? found : '';
}

/** The exception on one line; null: there is none. */
export function exceptionLine(exception: Json): string | null {
  if (exception === null || exception === undefined) return null;
  if (typeof exception === 'string') return exception.split('\n', 1)[0] ?? '';
  const [type, message] = [field(exception, 'type'), field(exception, 'message')];
  if (type || message) return [type, message].filter(Boolean).join(': ');
  const stack = field(exception, 'stack');
  return stack ? (stack.split('\n', 1)[0] ?? '') : jsonText(exception, 0);
}

/** The chain of causes, outermost first: each begins at a line `Caused by: ...`. */
export function exceptionChain(exception: Json): ExceptionPart[] {
  const line = exceptionLine(exception);
  if (line === null) return [];
  const stack = typeof exception === 'string' ? exception : field(exception, 'stack');
  const parts: ExceptionPart[] = [{ title: line, lines: [] }];
  for (const [at, text] of stack.split('\n').entries()) {
    const cause = /^\s*Caused by: (.*)$/.exec(text);
    if (cause) parts.push({ title: cause[1] ?? '', lines: [] });
    else if (text.trim() && !(at === 0 && text.trim() === line.trim())) parts.at(-1)?.lines.push(text.trim());
  }
  return parts;
}
