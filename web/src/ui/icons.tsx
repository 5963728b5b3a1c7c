/** Drawn here, in one stroke width, so that nothing is fetched and every sign has the same weight. */
const PATHS = {
  completed: 'M5 12.5l4.5 4.5L19 7.5',
  failed: 'M7 7l10 10M17 7L7 17',
  running: 'M12 4a8 8 0 1 1-7.4 5',
  stalled: 'M9 6v12M15 6v12',
  missing: 'M12 5v9M12 18.4v.2',
  not_reached: 'M12 5.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13',
  not_taken: 'M5 19L19 5M12 5.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13',
  expired: 'M7 4h10M7 20h10M8 4c0 5 8 11 8 16M16 4c0 5-8 11-8 16',
  unplanned: 'M12 5v14M5 12h14',
  star: 'M12 3.8l2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8z',
  pen: 'M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19zM13.5 7l3.5 3.5',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M15.5 15.5L20.5 20.5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  chevron: 'M9 6l6 6-6 6',
  down: 'M6 9l6 6 6-6',
  link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7l-1.5 1.5M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7l1.5-1.5',
  play: 'M8 5l11 7-11 7z',
  pause: 'M9 5v14M15 5v14',
  back: 'M18 5v14L8 12zM6 5v14',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  sun: 'M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  auto: 'M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16',
  help: 'M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2.2M12 17.6v.2',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  upload: 'M12 16V5M7 9l5-5 5 5M5 20h14',
  compare: 'M8 4v16M16 4v16M3 8h5M3 14h5M16 8h5M16 14h5',
  clock: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 8v4.5l3 2',
  log: 'M5 6h14M5 12h14M5 18h9',
  graph: 'M4 9h5v6H4zM15 4h5v5h-5zM15 15h5v5h-5zM9 12h3V6.5h3M12 12v5.5h3',
  bars: 'M4 6h9M8 12h9M13 18h7',
  warn: 'M12 4L2.8 20h18.4zM12 10v4.5M12 17.4v.2',
  fork: 'M4 12h5M9 12c4 0 4-6 8-6h3M9 12c4 0 4 6 8 6h3',
  join: 'M20 12h-5M15 12c-4 0-4-6-8-6H4M15 12c-4 0-4 6-8 6H4',
  decision: 'M12 4l8 8-8 8-8-8z',
  loop: 'M17 4l3 3-3 3M20 7H8a4 4 0 0 0-4 4M7 20l-3-3 3-3M4 17h12a4 4 0 0 0 4-4',
  terminate: 'M6 6h12v12H6z',
  fold: 'M5 12h14',
  unfold: 'M5 12h14M12 5v14',
  refresh: 'M20 5v5h-5M4 19v-5h5M19 10a7.5 7.5 0 0 0-13-2.5M5 14a7.5 7.5 0 0 0 13 2.5',
  direction: 'M4 7h13M13 3l4 4-4 4M7 20V11M4 17l3 3 3-3',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16, className }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      className={className ? `icon ${className}` : 'icon'}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={2.2}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
