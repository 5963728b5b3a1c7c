import { useEffect, useRef, useState } from 'react';
import { useT } from '../i18n';
import { canSave, deleteView, renameView, type SavedView, saveView, useViews } from '../lib/saved';
import { visibleLine } from '../lib/text';
import { Icon } from '../ui/icons';
import { Plain } from '../ui/parts';
import { routeUrl } from '../url/route';
import { Link, useRoute } from '../url/router';

/** Lists with their filters under names: open, rename, delete, and save the one that is shown. */
export function SavedViews() {
  const t = useT();
  const route = useRoute();
  const views = useViews();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      setOpen(false);
      box.current?.querySelector('button')?.focus();
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('keydown', onEscape, true);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('keydown', onEscape, true);
    };
  }, [open]);
  if (!canSave(route)) return null;
  const here = routeUrl(route);
  const current = views.find((view) => routeUrl(view.route) === here);
  return (
    <div className="saved" role="group" aria-label={t('views')} ref={box}>
      <button type="button" aria-expanded={open} aria-controls="saved-views" onClick={() => setOpen(!open)}>
        <Icon name="star" size={14} />
        {current ? <Plain text={current.name} max={24} /> : t('views')}
        <Icon name="down" size={12} />
      </button>
      {open && (
        <div className="popover" id="saved-views">
          {views.length === 0 && <p className="muted">{t('views.none')}</p>}
          <ul>
            {views.map((view) => (
              <ViewItem key={view.name} view={view} current={view === current} onOpen={() => setOpen(false)} />
            ))}
          </ul>
          {!current && (
            <form
              onSubmit={(event) => {
                event.preventDefault();
                saveView(name, route);
                setName('');
              }}
            >
              <input
                value={name}
                maxLength={60}
                placeholder={t('views.name')}
                aria-label={t('views.name')}
                onChange={(event) => setName(event.target.value)}
              />
              <button type="submit" disabled={!name.trim()}>
                {t('views.save')}
              </button>
            </form>
          )}
        </div>
      )}
    </div>
  );
}

function ViewItem({ view, current, onOpen }: { view: SavedView; current: boolean; onOpen: () => void }) {
  const t = useT();
  const [text, setText] = useState<string | null>(null);
  const name = visibleLine(view.name);
  if (text !== null) {
    return (
      <li>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            renameView(view.name, text);
            setText(null);
          }}
        >
          <input
            // biome-ignore lint/a11y/noAutofocus: whoever asks to rename goes on typing
            autoFocus
            value={text}
            maxLength={60}
            aria-label={t('views.rename', { name })}
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit" disabled={!text.trim()}>
            {t('views.done')}
          </button>
        </form>
      </li>
    );
  }
  return (
    <li className={current ? 'current' : ''}>
      <Link to={view.route} onClick={onOpen} {...(current ? { 'aria-current': 'true' as const } : {})}>
        <Plain text={view.name} max={60} />
      </Link>
      <button
        type="button"
        className="icon-button"
        aria-label={t('views.rename', { name })}
        title={t('views.rename', { name })}
        onClick={() => setText(view.name)}
      >
        <Icon name="pen" size={13} />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={t('views.delete', { name })}
        title={t('views.delete', { name })}
        onClick={() => deleteView(view.name)}
      >
        <Icon name="close" size={13} />
      </button>
    </li>
  );
}
