import { Component, type ReactNode, useEffect, useState } from 'react';
import { onTokenWanted, setToken } from '../api/client';
import { useFeatures } from '../api/queries';
import { type Key, useT } from '../i18n';
import { changeSettings, useSettings } from '../lib/settings';
import { NO_FILTERS, type Route } from '../url/route';
import { currentFrame, Link } from '../url/router';
import { Icon } from './icons';
import { useKeys } from './keys';
import { Palette } from './palette';
import { Dialog } from './parts';
import { SearchBox } from './search-box';

const NEXT_THEME = { system: 'light', light: 'dark', dark: 'system' } as const;
const THEME_ICONS = { system: 'auto', light: 'sun', dark: 'moon' } as const;

export function Shell({ route, children }: { route: Route; children: ReactNode }) {
  const t = useT();
  const has = useFeatures();
  const settings = useSettings();
  const [help, setHelp] = useState(false);
  const [asksToken, setAsksToken] = useState<'wanted' | 'refused' | null>(null);
  useEffect(() => {
    onTokenWanted((refused) => setAsksToken(refused ? 'refused' : 'wanted'));
    return () => onTokenWanted(null);
  }, []);
  const [palette, setPalette] = useState(false);
  useKeys({ '?': () => setHelp(true) });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey)
        return;
      event.preventDefault();
      if (!document.querySelector('dialog[open]')) setPalette(true);
    };
    document.addEventListener('keydown', listener);
    return () => document.removeEventListener('keydown', listener);
  }, []);
  const frame = currentFrame();
  const id = route.page === 'home' ? route.id : route.page === 'execution' ? route.mark.businessId : '';
  const large = route.page === 'home' && !route.id;
  const parts: [Route, Key, boolean, boolean][] = [
    [{ page: 'scenes' }, 'scenes', has('scenes'), route.page === 'scenes' || route.page === 'scene'],
    [{ page: 'unlinked', service: '', trace: '' }, 'unlinked', has('unlinked'), route.page === 'unlinked'],
    [{ page: 'dead', source: '', reason: '', id: '' }, 'dead', has('dead'), route.page === 'dead'],
    [{ page: 'file' }, 'import', true, route.page === 'file'],
  ];
  return (
    <div className={frame.embed ? 'shell embed' : 'shell'}>
      <a className="skip" href="#main">
        {t('skip')}
      </a>
      {!frame.embed && (
        <header className="topbar">
          <Link className="brand" to={{ page: 'home', id: '', filters: NO_FILTERS }} aria-label={t('home')}>
            <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
              <rect width="32" height="32" rx="7" className="brand-back" />
              <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round">
                <path d="M7 16h5c4 0 4-7 8-7h5" />
                <path d="M12 16c4 0 4 7 8 7h5" opacity=".6" />
              </g>
              <circle cx="7" cy="16" r="2.6" fill="#fff" />
              <circle cx="25" cy="9" r="2.6" fill="#fff" />
              <circle cx="25" cy="23" r="2.6" fill="#fff" opacity=".7" />
            </svg>
            <span>Linkloom</span>
          </Link>
          <div className="top-search">{!large && <SearchBox initial={id} />}</div>
          <nav aria-label={t('nav')}>
            {parts.map(([to, key, there, current]) =>
              there ? (
                <Link key={key} to={to} {...(current ? { 'aria-current': 'page' as const } : {})}>
                  {t(key)}
                </Link>
              ) : null,
            )}
          </nav>
          <div className="top-tools">
            <button
              type="button"
              className="text-button palette-open"
              title={`${t('palette')} (Ctrl+K)`}
              aria-label={t('palette')}
              onClick={() => setPalette(true)}
            >
              <kbd>Ctrl K</kbd>
            </button>
            <button
              type="button"
              className="text-button"
              title={t('zone.switch')}
              onClick={() => changeSettings({ zone: settings.zone === 'utc' ? 'local' : 'utc' })}
            >
              {t(`zone.${settings.zone}`)}
            </button>
            <button
              type="button"
              className="text-button"
              lang={settings.language === 'zh' ? 'en' : 'zh'}
              onClick={() => changeSettings({ language: settings.language === 'zh' ? 'en' : 'zh' })}
            >
              {settings.language === 'zh' ? 'English' : '中文'}
            </button>
            <button
              type="button"
              className="icon-button"
              title={t(`theme.${settings.theme}`)}
              aria-label={t(`theme.${settings.theme}`)}
              onClick={() => changeSettings({ theme: NEXT_THEME[settings.theme] })}
            >
              <Icon name={THEME_ICONS[settings.theme]} />
            </button>
            <button
              type="button"
              className="icon-button"
              title={`${t('help')} (?)`}
              aria-label={t('help')}
              onClick={() => setHelp(true)}
            >
              <Icon name="help" />
            </button>
          </div>
        </header>
      )}
      <main id="main" tabIndex={-1}>
        <Guard key={JSON.stringify([route.page])}>{children}</Guard>
      </main>
      {palette && <Palette route={route} onClose={() => setPalette(false)} onHelp={() => setHelp(true)} />}
      {help && <Help onClose={() => setHelp(false)} />}
      {asksToken && <TokenDialog refused={asksToken === 'refused'} onClose={() => setAsksToken(null)} />}
    </div>
  );
}

const KEYS: [string, Key][] = [
  ['/', 'key.find'],
  ['j k', 'key.next'],
  ['n', 'key.failure'],
  ['Enter', 'key.open'],
  ['[ ]', 'key.fold'],
  ['f', 'key.fit'],
  ['1 2 3', 'key.views'],
  ['c', 'key.compare'],
  ['Ctrl+K', 'palette'],
  ['Esc', 'key.close'],
  ['?', 'key.help'],
];

function Help({ onClose }: { onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t('help')} onClose={onClose}>
      <dl className="keys">
        {KEYS.map(([keys, text]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function TokenDialog({ refused, onClose }: { refused: boolean; onClose: () => void }) {
  const t = useT();
  const [text, setText] = useState('');
  return (
    <Dialog title={t('token')} onClose={onClose}>
      <form
        className="token"
        onSubmit={(event) => {
          event.preventDefault();
          setToken(text.trim());
          location.reload();
        }}
      >
        {refused && (
          <p className="note warn" role="alert">
            <Icon name="warn" size={14} /> {t('token.refused')}
          </p>
        )}
        <p>{t('token.help')}</p>
        <input
          type="password"
          value={text}
          autoComplete="off"
          aria-label={t('token')}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="primary">
          {t('token.use')}
        </button>
      </form>
    </Dialog>
  );
}

/** A fault of the page itself: says so and leaves the rest usable. */
class Guard extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    return this.state.error ? (
      <Broken error={this.state.error} again={() => this.setState({ error: null })} />
    ) : (
      this.props.children
    );
  }
}

function Broken({ error, again }: { error: Error; again: () => void }) {
  const t = useT();
  return (
    <div className="error-panel" role="alert">
      <Icon name="warn" size={20} />
      <div>
        <h2>{t('broken')}</h2>
        <p>{error.message.slice(0, 500)}</p>
        <button type="button" onClick={again}>
          {t('retry')}
        </button>
      </div>
    </div>
  );
}
