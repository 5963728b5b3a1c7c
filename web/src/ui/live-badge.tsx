import type { LiveState } from '../api/live';
import { useT } from '../i18n';

/** Whether what is on the page is what is: events arrive, answers are asked for, or the server is gone. */
export function LiveBadge({ state, running = true }: { state: LiveState; running?: boolean }) {
  const t = useT();
  if (state === 'lost') {
    return (
      <output className="live lost" title={t('live.lostHelp')}>
        <span className="dot" />
        {t('live.lost')}
      </output>
    );
  }
  if (state === 'live' || (state === 'none' && running)) {
    return (
      <span className="live on" title={t(state === 'live' ? 'live.onHelp' : 'live.pollHelp')}>
        <span className="dot" />
        {t('live.on')}
      </span>
    );
  }
  return null;
}
