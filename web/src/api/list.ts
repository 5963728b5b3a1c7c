/** Lists that change while one looks at them: kept in the server's order by the page itself. */
import type { ListAnswer, ListEntry, Mark } from './types';

export function sameMark(left: Mark, right: Mark): boolean {
  return (
    left.businessId === right.businessId && left.sceneId === right.sceneId && left.executionId === right.executionId
  );
}

export function markKey(mark: Mark): string {
  return JSON.stringify([mark.businessId, mark.sceneId, mark.executionId]);
}

const byText = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0);

/** Newest start first, those without a start last, then scene, execution, business id. */
export function compareEntries(left: ListEntry, right: ListEntry): number {
  if (left.startTime !== right.startTime) {
    if (left.startTime === null) return 1;
    if (right.startTime === null) return -1;
    return byText(right.startTime, left.startTime);
  }
  return (
    byText(left.sceneId, right.sceneId) ||
    byText(left.executionId, right.executionId) ||
    byText(left.businessId, right.businessId)
  );
}

/** The pages of a list with one entry new or changed, where it belongs. */
export function upsert(pages: ListAnswer[], entry: ListEntry): ListAnswer[] {
  const without = remove(pages, entry);
  const last = without.at(-1);
  if (!last) return [{ executions: [entry], nextCursor: null }];
  // It belongs to the first page that has something behind it; behind everything only if the list ends here.
  const at = without.findIndex((page) => page.executions.some((other) => compareEntries(entry, other) < 0));
  const place = at === -1 ? without.length - 1 : at;
  if (at === -1 && last.nextCursor !== null) return without;
  return without.map((page, index) =>
    index === place ? { ...page, executions: [...page.executions, entry].sort(compareEntries) } : page,
  );
}

export function remove(pages: ListAnswer[], mark: Mark): ListAnswer[] {
  return pages.map((page) =>
    page.executions.some((entry) => sameMark(entry, mark))
      ? { ...page, executions: page.executions.filter((entry) => !sameMark(entry, mark)) }
      : page,
  );
}

/**
 * The pages with the newest entries told again: everything down to the last told one is as told. If what was known
 * begins behind that, nobody knows what lies between, and the list begins anew.
 */
export function renew(pages: ListAnswer[], told: ListAnswer): ListAnswer[] {
  const lastTold = told.executions.at(-1);
  const known = pages.some((page) => page.executions.some((entry) => lastTold && compareEntries(entry, lastTold) <= 0));
  const first = pages[0];
  if (told.nextCursor === null || !lastTold || !known || !first) return [told];
  const older = pages.map((page) => ({
    ...page,
    executions: page.executions.filter((entry) => compareEntries(entry, lastTold) > 0),
  }));
  const behind = older[0]?.executions ?? [];
  return [{ executions: [...told.executions, ...behind], nextCursor: first.nextCursor }, ...older.slice(1)];
}
