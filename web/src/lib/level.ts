/** Log levels: reported as any text, shown as one of six. */
export const LEVELS = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const;
export type Level = (typeof LEVELS)[number];

const ALIASES: Record<string, Level> = {
  WARNING: 'WARN',
  ERR: 'ERROR',
  SEVERE: 'ERROR',
  CRITICAL: 'FATAL',
  NOTICE: 'INFO',
  INFORMATION: 'INFO',
  FINE: 'DEBUG',
  VERBOSE: 'TRACE',
};

export function levelOf(reported: string | null): Level | null {
  if (!reported) return null;
  const upper = reported.toUpperCase();
  return (LEVELS as readonly string[]).includes(upper) ? (upper as Level) : (ALIASES[upper] ?? null);
}

/** Errors and warnings among counts by level. */
export function alarms(counts: Record<string, number>): { errors: number; warnings: number; total: number } {
  let errors = 0;
  let warnings = 0;
  let total = 0;
  for (const [name, count] of Object.entries(counts)) {
    const level = levelOf(name);
    total += count;
    if (level === 'ERROR' || level === 'FATAL') errors += count;
    else if (level === 'WARN') warnings += count;
  }
  return { errors, warnings, total };
}
