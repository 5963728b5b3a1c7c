import type { ReactNode } from 'react';
import { type Key, useT } from '../i18n';

/** A name and what is known of it; nothing: it is left out. */
export type Fact = readonly [Key, ReactNode];

/** Names with what is known of each, one a line; none at all without anything known. */
export function Facts({ of }: { of: readonly Fact[] }) {
  const t = useT();
  const known = of.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '');
  if (known.length === 0) return null;
  return (
    <dl className="facts">
      {known.map(([key, value]) => (
        <div key={key} className="fact">
          <dt>{t(key)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
