/** Small parts every page is made of. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { ApiError, askForToken } from '../api/client';
import type { ExecutionStatus, NodeState } from '../api/types';
import { type Key, useT } from '../i18n';
import { useSettings } from '../lib/settings';
import { head, visible, visibleLine } from '../lib/text';
import { dateTime, duration, microsOrNull, offsetText, relative } from '../lib/time';
import { Icon, type IconName } from './icons';

const STATE_KEYS: Record<NodeState, Key> = {
  completed: 'state.completed',
  failed: 'state.failed',
  running: 'state.running',
  stalled: 'state.stalled',
  missing: 'state.missing',
  not_reached: 'state.not_reached',
  not_taken: 'state.not_taken',
  expired: 'state.expired',
  unplanned: 'state.unplanned',
};

export function stateKey(state: NodeState): Key {
  return STATE_KEYS[state] ?? 'state.unplanned';
}

export function StateIcon({ state, size = 14 }: { state: NodeState; size?: number }) {
  return (
    <span className={`state-icon s-${state}`}>
      <Icon name={(state in STATE_KEYS ? state : 'help') as IconName} size={size} />
    </span>
  );
}

export function StateBadge({ state }: { state: NodeState | ExecutionStatus }) {
  const t = useT();
  return (
    <span className={`badge s-${state}`}>
      <Icon name={state} size={13} />
      {t(stateKey(state))}
    </span>
  );
}

/** Reported text on one line, isolated so that its direction ends with it. */
export function Plain({ text, max = 400 }: { text: string; max?: number }) {
  const short = head(text, max);
  return <bdi>{visibleLine(short) + (short.length < text.length ? '…' : '')}</bdi>;
}

const FIRST_CHARS = 4000;
const MORE_CHARS = 100_000;

/** Reported text of any length: its beginning, and more on demand. */
export function LongText({ text, className }: { text: string; className?: string }) {
  const t = useT();
  const [shown, setShown] = useState(FIRST_CHARS);
  const part = head(text, shown);
  return (
    <div className={className}>
      <pre className="long-text">
        <bdi>{visible(part)}</bdi>
      </pre>
      {part.length < text.length && (
        <button type="button" className="quiet" onClick={() => setShown(shown + MORE_CHARS)}>
          {t('text.more', { shown: part.length, total: text.length })}
        </button>
      )}
    </div>
  );
}

export function useNow(intervalMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
  return now;
}

/** An absolute time in the reader's zone; the other zone and the age are told on hover. */
export function Time({ time, age = false, fraction = 3 }: { time: string | null; age?: boolean; fraction?: number }) {
  const { zone, language } = useSettings();
  const t = useT();
  const now = useNow(age ? 10_000 : 3_600_000);
  const us = microsOrNull(time);
  if (us === null || time === null) return <span className="muted">{t('time.none')}</span>;
  const [value, unit] = relative(us, now * 1000);
  const ago = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' }).format(value, unit);
  const other = zone === 'utc' ? 'local' : 'utc';
  const title = `${dateTime(us, zone, 6)} ${offsetText(us, zone)}\n${dateTime(us, other, 6)} ${offsetText(us, other)}\n${ago}`;
  return (
    <time dateTime={time} title={title}>
      {dateTime(us, zone, fraction)}
      {age && <span className="muted age"> {ago}</span>}
    </time>
  );
}

export function Duration({ micros }: { micros: number | null }) {
  if (micros === null) return <span className="muted">–</span>;
  return <span title={`${micros.toLocaleString('en-US')} µs`}>{duration(micros)}</span>;
}

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const t = useT();
  const [state, setState] = useState<'ready' | 'done' | 'failed'>('ready');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const name = label ?? t('copy');
  return (
    <button
      type="button"
      className="icon-button copy"
      title={state === 'done' ? t('copy.done') : state === 'failed' ? t('copy.failed') : name}
      aria-label={name}
      onClick={(event) => {
        event.stopPropagation();
        event.preventDefault();
        copyText(text).then(
          () => setState('done'),
          () => setState('failed'),
        );
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setState('ready'), 1500);
      }}
    >
      <Icon name={state === 'done' ? 'check' : state === 'failed' ? 'close' : 'copy'} size={13} />
      <span className="visually-hidden" role="status">
        {state === 'done' ? t('copy.done') : ''}
      </span>
    </button>
  );
}

/** The clipboard API is there only on https and on this machine; elsewhere the old way is used. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('the browser does not copy');
}

export function Id({ text, max = 64 }: { text: string; max?: number }) {
  return (
    <span className="id" title={text.length > max ? visibleLine(head(text, 1000)) : undefined}>
      <code>
        <Plain text={text} max={max} />
      </code>
      <CopyButton text={text} />
    </span>
  );
}

export function Skeleton({ rows = 6 }: { rows?: number }) {
  const t = useT();
  return (
    <div className="skeleton" role="status" aria-label={t('loading')}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={row} className="skeleton-row" />
      ))}
    </div>
  );
}

export function Empty({ title, children, icon = 'search' }: { title: string; children?: ReactNode; icon?: IconName }) {
  return (
    <div className="empty">
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children && <div className="empty-text">{children}</div>}
    </div>
  );
}

function helpKey(error: ApiError): Key {
  if (error.status === 0) return error.sentLong ? 'error.help.sentLong' : 'error.help.connection';
  if (error.status === 401) return 'error.help.token';
  if (error.status === 403) return 'error.help.foreign';
  if (error.status === 404) return 'error.help.missing';
  if (error.status === 413) return 'error.help.long';
  if (error.status === 429) return 'error.help.busy';
  if (error.status >= 500) return 'error.help.server';
  return 'error.help.request';
}

/** What happened, what to do about it, and a way to try again. */
export function ErrorPanel({ error, retry, title }: { error: unknown; retry?: () => void; title?: string }) {
  const t = useT();
  const problem = error instanceof ApiError ? error : new ApiError(-1, String(error), '');
  const now = useNow(1000);
  const waits = problem.waits(now);
  const what =
    problem.status === 0 ? t(problem.sentLong ? 'error.closed' : 'error.connection') : problem.detail || problem.title;
  return (
    <div className="error-panel" role="alert">
      <Icon name="warn" size={20} />
      <div>
        <h2>{title ?? t('error.title')}</h2>
        <p>
          <Plain text={what} max={2000} />
          {problem.status > 0 && <span className="muted"> ({problem.status})</span>}
        </p>
        <p className="muted">
          {t(helpKey(problem))}
          {waits !== null && (
            <span role="timer"> {waits > 0 ? t('error.retryAfter', { n: waits }) : t('error.retryNow')}</span>
          )}
        </p>
        {problem.status === 401 && (
          <button type="button" className="primary" onClick={askForToken}>
            {t('token.give')}
          </button>
        )}
        {retry && (
          <button type="button" onClick={retry}>
            <Icon name="refresh" size={14} />
            {t('retry')}
          </button>
        )}
      </div>
    </div>
  );
}

/** A dialog of the browser's own: focus stays inside, Esc closes, the rest of the page is inert. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const t = useT();
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current;
    if (dialog && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog ref={box} className="dialog" aria-label={title} onClose={onClose}>
      <header>
        <h2>{title}</h2>
        <button type="button" className="icon-button" aria-label={t('close')} onClick={() => box.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
