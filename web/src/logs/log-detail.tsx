import { useState } from 'react';
import { jsonText } from '../api/json';
import type { Json, LogLine } from '../api/types';
import { useT } from '../i18n';
import { JsonView } from '../json/json-view';
import { bytes, head, visible, visibleLine } from '../lib/text';
import { Icon } from '../ui/icons';
import { CopyButton, Id, LongText, Time } from '../ui/parts';
import { exceptionChain } from './exception';

/** Everything about one log line. */
export function LogDetail({ line }: { line: LogLine }) {
  const t = useT();
  const facts: [string, string | null | undefined][] = [
    [t('fact.node'), line.nodeName],
    [t('fact.service'), line.service],
    [t('fact.instance'), line.instance],
    [t('fact.trace'), line.traceId],
  ];
  return (
    <div className="log-detail">
      <div className="log-detail-head">
        <Time time={line.time} fraction={6} />
        {facts.map(([name, value]) =>
          value ? (
            <span key={name}>
              <span className="muted">{name}</span> <Id text={value} />
            </span>
          ) : null,
        )}
        {line.shared && <span className="chip">{t('shared')}</span>}
        {line.timeSubstituted && <span className="chip">{t('timeSubstituted')}</span>}
        <span className="grow" />
        <CopyButton text={jsonText(line)} label={t('logs.copyLine')} />
      </div>
      {line.message && line.message.length > 120 && <LongText text={line.message} className="log-whole" />}
      <ExceptionView exception={line.exception} cutFrom={line.exceptionCutFrom} />
      {line.data !== null && <JsonView value={line.data} cutFrom={line.dataCutFrom} label={t('fact.data')} />}
      {line.attributes !== undefined && <JsonView value={line.attributes} label={t('fact.attributes')} />}
    </div>
  );
}

/** Type and message first; frames on demand, causes one below the other. */
export function ExceptionView({ exception, cutFrom }: { exception: Json | undefined; cutFrom?: number | undefined }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  if (exception === null || exception === undefined) return null;
  const chain = exceptionChain(exception);
  const frames = chain.reduce((sum, part) => sum + part.lines.length, 0);
  return (
    <div className="exception">
      <div className="exception-head">
        <ol>
          {chain.map((part, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the chain of one exception does not change
            <li key={at}>
              {at > 0 && <span className="muted">{t('exception.cause')} </span>}
              <strong>
                <bdi>{visibleLine(head(part.title, 600))}</bdi>
              </strong>
              {open && part.lines.length > 0 && (
                <pre className="stack">
                  <bdi>{visible(head(part.lines.join('\n'), 60_000))}</bdi>
                </pre>
              )}
            </li>
          ))}
        </ol>
        <CopyButton text={typeof exception === 'string' ? exception : jsonText(exception)} />
      </div>
      {cutFrom !== undefined && <p className="note warn">{t('json.cut', { size: bytes(cutFrom) })}</p>}
      {frames > 0 && (
        <button type="button" className="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name={open ? 'down' : 'chevron'} size={12} />
          {t('exception.frames', { n: frames })}
        </button>
      )}
    </div>
  );
}
