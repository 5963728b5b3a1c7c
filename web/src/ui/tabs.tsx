import { useRef } from 'react';
import { Icon, type IconName } from './icons';

export interface TabItem<T extends string> {
  name: T;
  label: string;
  icon?: IconName;
  /** How much is behind it; 0 is not shown. */
  count?: number;
}

interface Props<T extends string> {
  label: string;
  items: readonly TabItem<T>[];
  current: T;
  onSelect: (name: T) => void;
  /** The id of the panel; the element that is it takes what `tabPanel` says. */
  panel: string;
  look?: 'segmented' | 'tabs';
}

const tabId = (panel: string, name: string) => `${panel}-${name}`;

/** One of several panels: a single stop of the Tab key, arrows go on from there, as ARIA describes it. */
export function Tabs<T extends string>({ label, items, current, onSelect, panel, look = 'segmented' }: Props<T>) {
  const list = useRef<HTMLDivElement>(null);
  const go = (at: number) => {
    const next = items[(at + items.length) % items.length];
    if (!next) return;
    onSelect(next.name);
    list.current?.querySelector<HTMLElement>(`#${CSS.escape(tabId(panel, next.name))}`)?.focus();
  };
  return (
    <div
      className={look}
      role="tablist"
      ref={list}
      aria-label={label}
      onKeyDown={(event) => {
        const at = items.findIndex((item) => item.name === current);
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
        if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        go(to);
      }}
    >
      {items.map(({ name, label: text, icon, count }) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={tabId(panel, name)}
          aria-controls={panel}
          aria-selected={name === current}
          tabIndex={name === current ? 0 : -1}
          onClick={() => onSelect(name)}
        >
          {icon && <Icon name={icon} size={15} />}
          {text}
          {count ? <span className="tab-count">{count.toLocaleString('en-US')}</span> : null}
        </button>
      ))}
    </div>
  );
}

/** What belongs to a panel of [`Tabs`], for the element that is it. */
export function tabPanel(panel: string, current: string) {
  return { role: 'tabpanel', id: panel, 'aria-labelledby': tabId(panel, current) } as const;
}
