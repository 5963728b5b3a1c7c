import { AxeBuilder } from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

export interface Mark {
  businessId: string;
  sceneId: string;
  executionId: string;
}

export const api = () => `${process.env.API_URL}/api/v1`;

export function pageUrl(path: string, query: Record<string, string> = {}): string {
  return `${process.env.PAGE_URL}/${path}?${new URLSearchParams(query)}`;
}

export function executionUrl(mark: Mark, more: Record<string, string> = {}): string {
  return pageUrl('execution', { b: mark.businessId, s: mark.sceneId, e: mark.executionId, ...more });
}

/** The newest execution of a business id in a scene, as the API lists it. */
export async function newest(businessId: string, sceneId: string, status = ''): Promise<Mark> {
  const query = new URLSearchParams({ scene: sceneId, ...(status ? { status } : {}) });
  const answer = await fetch(`${api()}/business/${encodeURIComponent(businessId)}/executions?${query}`);
  const { executions } = (await answer.json()) as { executions: Mark[] };
  const first = executions[0];
  if (!first) throw new Error(`${businessId} has no execution of ${sceneId}`);
  return first;
}

/** Every test fails on an error of the page, on a violated policy, and on a script that was let in. */
export const test = base.extend<{ faults: string[] }>({
  faults: [
    async ({ page }, use) => {
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
      page.on('console', (message) => {
        if (/content security policy/i.test(message.text())) faults.push(`policy: ${message.text()}`);
      });
      page.on('dialog', (dialog) => {
        faults.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      await use(faults);
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

export function card(page: Page, name: string) {
  return page.locator(`[data-node="${name}"]`);
}

export async function audit(page: Page): Promise<void> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const whole = await new AxeBuilder({ page }).withTags(tags).disableRules(['target-size']).analyze();
  // Whoever zooms out of a drawing makes its targets small.
  const targets = await new AxeBuilder({ page }).withRules(['target-size']).exclude('.react-flow__viewport').analyze();
  const serious = [...whole.violations, ...targets.violations].filter(
    (one) => one.impact === 'serious' || one.impact === 'critical',
  );
  expect(
    serious.map(
      (one) =>
        `${one.id}: ${one.nodes
          .slice(0, 3)
          .map((node) => node.html.slice(0, 160))
          .join(' | ')}`,
    ),
  ).toEqual([]);
}

/** Sends reports as an application would, and waits until they are durable. */
export async function report(reports: Record<string, unknown>[]): Promise<void> {
  const answer = await fetch(`${api()}/reports`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: reports.map((one) => JSON.stringify({ v: 1, ...one })).join('\n'),
  });
  expect(answer.status).toBe(200);
  expect(((await answer.json()) as { refused: unknown[] }).refused).toEqual([]);
}
