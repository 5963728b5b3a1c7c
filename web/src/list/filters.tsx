import { EXECUTION_STATUSES, type ExecutionStatus } from '../api/types';
import { useT } from '../i18n';
import { visibleLine } from '../lib/text';
import { Icon } from '../ui/icons';
import { Plain, stateKey } from '../ui/parts';
import { instant, type ListFilters, NO_FILTERS } from '../url/route';

/** Filters as parameters of the API. Spans such as `1h` are counted back from `nowMs`. */
export function filterParams(filters: ListFilters, nowMs: number, withScene: boolean): URLSearchParams {
  const params = new URLSearchParams();
  const put = (key: string, value: string | null) => {
    if (value) params.append(key, value);
  };
  if (withScene) put('scene', filters.scene);
  put('status', filters.status);
  put('from', instant(filters.from, nowMs));
  put('to', instant(filters.to, nowMs));
  put('q', filters.text.trim());
  for (const pair of filters.meta) put('meta', pair);
  return params;
}

const SPANS = ['15m', '1h', '24h', '7d', '30d'];

interface Props {
  filters: ListFilters;
  onChange: (filters: ListFilters, replace?: boolean) => void;
  scenes: string[] | null;
  /** Facts seen in the list, to choose from. */
  meta: string[];
}

export function Filters({ filters, onChange, scenes, meta }: Props) {
  const t = useT();
  const set = (change: Partial<ListFilters>, replace = false) => onChange({ ...filters, ...change }, replace);
  const active = JSON.stringify(filters) !== JSON.stringify(NO_FILTERS);
  return (
    <div className="filters" role="group" aria-label={t('filters')}>
      <div className="segmented" role="group" aria-label={t('filter.status')}>
        {(['', ...EXECUTION_STATUSES] as (ExecutionStatus | '')[]).map((status) => (
          <button key={status} type="button" aria-pressed={filters.status === status} onClick={() => set({ status })}>
            {status && <Icon name={status} size={13} className={`s-${status}`} />}
            {status ? t(stateKey(status)) : t('filter.all')}
          </button>
        ))}
      </div>
      {scenes && scenes.length > 1 && (
        <select
          value={filters.scene}
          aria-label={t('filter.scene')}
          onChange={(event) => set({ scene: event.target.value })}
        >
          <option value="">{t('filter.allScenes')}</option>
          {scenes.map((scene) => (
            <option key={scene} value={scene}>
              {visibleLine(scene)}
            </option>
          ))}
        </select>
      )}
      <TimeRange from={filters.from} to={filters.to} onChange={set} />
      {meta.length > 0 && (
        <select
          value=""
          aria-label={t('filter.meta')}
          onChange={(event) => set({ meta: [...filters.meta, event.target.value] })}
        >
          <option value="">{t('filter.meta')}</option>
          {meta
            .filter((pair) => !filters.meta.includes(pair))
            .map((pair) => (
              <option key={pair} value={pair}>
                {visibleLine(pair)}
              </option>
            ))}
        </select>
      )}
      <label className="find-box">
        <Icon name="search" size={14} />
        <input
          type="search"
          data-find
          value={filters.text}
          placeholder={t('filter.text')}
          aria-label={t('filter.text')}
          onChange={(event) => set({ text: event.target.value }, true)}
        />
      </label>
      {filters.meta.map((pair) => (
        <button
          key={pair}
          type="button"
          className="chip"
          onClick={() => set({ meta: filters.meta.filter((one) => one !== pair) })}
        >
          <Plain text={pair} max={60} /> <Icon name="close" size={11} />
        </button>
      ))}
      {active && (
        <button type="button" className="quiet" onClick={() => onChange(NO_FILTERS)}>
          {t('filter.clear')}
        </button>
      )}
    </div>
  );
}

interface RangeProps {
  from: string;
  to: string;
  onChange: (change: { from?: string; to?: string }) => void;
}

/** A span back from now, or from one time to another. */
export function TimeRange({ from, to, onChange }: RangeProps) {
  const t = useT();
  const custom = Boolean(to) || (Boolean(from) && !SPANS.includes(from));
  return (
    <>
      <select
        value={custom ? 'custom' : from}
        aria-label={t('filter.time')}
        onChange={(event) => {
          const value = event.target.value;
          if (value === 'custom')
            onChange({ from: new Date(Date.now() - 3_600_000).toISOString(), to: new Date().toISOString() });
          else onChange({ from: value, to: '' });
        }}
      >
        <option value="">{t('filter.anyTime')}</option>
        {SPANS.map((span) => (
          <option key={span} value={span}>
            {t('filter.last', { span })}
          </option>
        ))}
        <option value="custom">{t('filter.custom')}</option>
      </select>
      {custom && (
        <span className="range">
          <TimeInput label={t('filter.from')} value={from} onChange={(from) => onChange({ from })} />
          –
          <TimeInput label={t('filter.to')} value={to} onChange={(to) => onChange({ to })} />
        </span>
      )}
    </>
  );
}

function TimeInput({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const ms = Date.parse(value);
  const local = Number.isNaN(ms)
    ? ''
    : new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  return (
    <input
      type="datetime-local"
      step={1}
      aria-label={label}
      value={local}
      onChange={(event) => {
        const chosen = new Date(event.target.value);
        onChange(Number.isNaN(chosen.getTime()) ? '' : chosen.toISOString());
      }}
    />
  );
}
