import { useEffect, useState } from 'react';
import { useT } from '../i18n';
import { remember } from '../lib/recent';
import { NO_FILTERS } from '../url/route';
import { navigate } from '../url/router';
import { Icon } from './icons';

/** The one box: any id goes in. */
export function SearchBox({ initial, large = false }: { initial: string; large?: boolean }) {
  const t = useT();
  const [text, setText] = useState(initial);
  useEffect(() => setText(initial), [initial]);
  return (
    <search>
      <form
        className={large ? 'search-box large' : 'search-box'}
        onSubmit={(event) => {
          event.preventDefault();
          const id = text.trim();
          if (!id) return;
          remember(id);
          navigate({ page: 'home', id, filters: NO_FILTERS });
        }}
      >
        <Icon name="search" size={large ? 20 : 16} />
        <input
          type="search"
          data-search
          value={text}
          placeholder={t('search.placeholder')}
          aria-label={t('search.label')}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="primary">
          {t('search.go')}
        </button>
      </form>
    </search>
  );
}
