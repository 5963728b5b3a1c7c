import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import { jsonText } from '../api/json';
import type { Json } from '../api/types';
import { useT } from '../i18n';
import { bytes, head, visible } from '../lib/text';
import { Icon } from '../ui/icons';
import { CopyButton, LongText } from '../ui/parts';
import { type JsonRow, jsonRows, leafKind, leafText, searchJson } from './rows';

const LINE = 22;
const LEAF_CHARS = 300;

/** A reported value: searched, folded and copied. `cutFrom`: its full length when only its beginning was kept. */
export function JsonView({ value, cutFrom, label }: { value: Json; cutFrom?: number | undefined; label: string }) {
  const t = useT();
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const [text, setText] = useState('');
  const [current, setCurrent] = useState(0);
  const [whole, setWhole] = useState<string | null>(null);
  const found = useMemo(() => searchJson(value, text), [value, text]);
  const { rows, cut } = useMemo(() => jsonRows(value, toggled, found), [value, toggled, found]);
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE,
    overscan: 20,
  });
  const hits = found?.list.length ?? 0;
  const at = hits ? found?.list[current % hits] : undefined;
  useEffect(() => {
    if (at === undefined) return;
    const row = rows.findIndex((one) => one.path === at);
    if (row !== -1) virtual.scrollToIndex(row, { align: 'center' });
  }, [at, rows, virtual]);

  const toggle = (path: string) => {
    const next = new Set(toggled);
    if (!next.delete(path)) next.add(path);
    setToggled(next);
  };
  const copy = useMemo(() => jsonText(value), [value]);
  return (
    <div className="json-view">
      {cutFrom !== undefined && (
        <p className="note warn">
          <Icon name="warn" size={14} /> {t('json.cut', { size: bytes(cutFrom) })}
        </p>
      )}
      <div className="json-tools">
        <input
          type="search"
          value={text}
          placeholder={t('json.search')}
          aria-label={t('json.searchIn', { name: label })}
          onChange={(event) => {
            setText(event.target.value);
            setCurrent(0);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && hits) setCurrent((current + (event.shiftKey ? hits - 1 : 1)) % hits);
          }}
        />
        {text && (
          <span className="muted" role="status">
            {hits ? `${(current % hits) + 1}/${hits}` : t('json.nothing')}
          </span>
        )}
        <span className="grow" />
        <CopyButton text={copy} label={t('json.copy')} />
      </div>
      <div
        ref={box}
        className="json-rows"
        tabIndex={0}
        role="region"
        aria-label={label}
        style={{ height: Math.min(rows.length * LINE + 8, 520) }}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index] as JsonRow;
            return (
              <div key={row.path + row.kind} className="json-line" style={{ transform: `translateY(${item.start}px)` }}>
                <Line row={row} current={row.path === at} toggle={toggle} show={setWhole} />
              </div>
            );
          })}
        </div>
      </div>
      {cut && <p className="note">{t('json.rowsCut', { n: rows.length })}</p>}
      {whole !== null && (
        <div className="json-whole">
          <div className="json-tools">
            <span className="muted">{t('json.whole', { n: whole.length })}</span>
            <CopyButton text={whole} />
            <button type="button" className="icon-button" aria-label={t('close')} onClick={() => setWhole(null)}>
              <Icon name="close" size={14} />
            </button>
          </div>
          <LongText text={whole} />
        </div>
      )}
    </div>
  );
}

function Line(props: { row: JsonRow; current: boolean; toggle: (path: string) => void; show: (text: string) => void }) {
  const { row, current, toggle, show } = props;
  const t = useT();
  const isArray = Array.isArray(row.value);
  const style = { paddingInlineStart: 4 + Math.min(row.depth, 40) * 14 };
  const mark = row.matches ? (current ? ' found current' : ' found') : '';
  const key = row.key !== null && (
    <span className="json-key">
      <bdi>{visible(head(row.key, LEAF_CHARS))}</bdi>:{' '}
    </span>
  );
  if (row.kind === 'close') return <div style={style}>{isArray ? ']' : '}'}</div>;
  if (row.kind === 'leaf') {
    const kind = leafKind(row.value);
    const text = leafText(row.value);
    const short = head(text, LEAF_CHARS);
    return (
      <div style={style} className={`json-leaf${mark}`}>
        {key}
        <span className={`json-${kind}`}>
          {kind === 'string' ? <bdi>{visible(JSON.stringify(short).slice(0, -1))}</bdi> : text}
          {kind === 'string' && short.length === text.length && '"'}
        </span>
        {short.length < text.length && (
          <button type="button" className="quiet" onClick={() => show(text)}>
            … {t('json.showAll', { n: text.length })}
          </button>
        )}
      </div>
    );
  }
  return (
    <div style={style} className={mark}>
      <button
        type="button"
        className={`json-fold ${row.kind}`}
        aria-expanded={row.kind === 'open'}
        onClick={() => toggle(row.path)}
      >
        <Icon name="chevron" size={12} />
        {key}
        {row.kind === 'open' ? (isArray ? '[' : '{') : isArray ? '[…]' : '{…}'}
        {row.kind === 'folded' && <span className="muted"> {row.size}</span>}
      </button>
    </div>
  );
}
