import { useEffect, useMemo, useRef, useState } from 'react';
import type { Execution } from '../api/types';
import { useT } from '../i18n';
import { useSettings } from '../lib/settings';
import { clock, duration } from '../lib/time';
import { Icon } from '../ui/icons';
import { moments } from './replay';

const STEP_MS = 450;

/** A slider over the moments at which something changed: hours in which nothing happened take no room on it. */
export function ReplayBar(props: { execution: Execution; at: number | null; onChange: (at: number | null) => void }) {
  const { execution, at, onChange } = props;
  const t = useT();
  const { zone } = useSettings();
  const steps = useMemo(() => moments(execution), [execution]);
  const [playing, setPlaying] = useState(false);
  const last = steps.length - 1;
  const place =
    at === null
      ? last
      : Math.max(
          0,
          steps.findLastIndex((us) => us <= at),
        );
  const change = useRef(onChange);
  useEffect(() => {
    change.current = onChange;
  });
  useEffect(() => {
    if (!playing) return;
    const timer = setTimeout(() => {
      const next = place + 1;
      if (next >= last) {
        setPlaying(false);
        change.current(null);
      } else change.current(steps[next] ?? null);
    }, STEP_MS);
    return () => clearTimeout(timer);
  }, [playing, place, last, steps]);
  if (steps.length < 2) return null;
  const now = steps[place] as number;
  const text = `${clock(now, zone)} (+${duration(now - (steps[0] as number))})`;
  return (
    <div className="replay" role="group" aria-label={t('replay')}>
      <button
        type="button"
        className="icon-button boxed"
        aria-label={playing ? t('replay.pause') : t('replay.play')}
        title={playing ? t('replay.pause') : t('replay.play')}
        onClick={() => {
          if (!playing && (at === null || place >= last)) onChange(steps[0] as number);
          setPlaying(!playing);
        }}
      >
        <Icon name={playing ? 'pause' : 'play'} />
      </button>
      <input
        type="range"
        min={0}
        max={last}
        step={1}
        value={place}
        aria-label={t('replay.moment')}
        aria-valuetext={text}
        onChange={(event) => {
          setPlaying(false);
          const next = Number(event.target.value);
          onChange(next >= last ? null : (steps[next] as number));
        }}
      />
      <span className="replay-time">{at === null ? t('replay.end') : text}</span>
      {at !== null && (
        <button
          type="button"
          onClick={() => {
            setPlaying(false);
            onChange(null);
          }}
        >
          {t('replay.leave')}
        </button>
      )}
    </div>
  );
}
