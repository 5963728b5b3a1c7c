import type { KeyboardEvent, ReactNode } from 'react';
import { useT } from '../i18n';
import { Icon } from '../ui/icons';

/** The box that finds nodes of a plan; `/` leads to it. */
export function FindBox(props: {
  find: string;
  onFind: (find: string) => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  children?: ReactNode;
}) {
  const t = useT();
  return (
    <label className="find-box">
      <Icon name="search" size={14} />
      <input
        type="search"
        data-find
        value={props.find}
        placeholder={t('graph.find')}
        aria-label={t('graph.find')}
        onChange={(event) => props.onFind(event.target.value)}
        onKeyDown={(event) => props.onKeyDown?.(event)}
      />
      {props.children}
    </label>
  );
}
