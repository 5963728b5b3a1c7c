import { card, executionUrl, expect, pageUrl, report, test } from './pages';

const now = (ms = 0) => new Date(Date.now() + ms).toISOString();

test('a report is on an open list and an open panorama within a second, without a reload', async ({
  page,
  context,
}) => {
  const mark = { businessId: `live-${Date.now()}`, sceneId: 'order-payment', executionId: 'first' };
  await page.goto(pageUrl('', { id: mark.businessId }));
  await expect(page.getByText('Nothing is known of this id')).toBeVisible();
  await expect(page.locator('.live.on')).toBeVisible();
  const waits: number[] = [];
  for (const executionId of ['first', 'second', 'third']) {
    const begun = Date.now();
    await report([
      { ...mark, executionId, type: 'node', nodeName: 'placeOrder', status: 'RUNNING', time: now(), service: 'orders' },
    ]);
    await expect(page.locator(`[data-execution="${executionId}"]`)).toBeVisible();
    waits.push(Date.now() - begun);
  }
  await expect(page.locator('[data-execution]').first()).toContainText('third');

  const panorama = await context.newPage();
  await panorama.goto(executionUrl(mark, { view: 'logs' }));
  await expect(panorama.getByText('No business logs')).toBeVisible();
  const begun = Date.now();
  await report([
    {
      ...mark,
      type: 'log',
      nodeName: 'placeOrder',
      level: 'ERROR',
      message: 'said while somebody looked',
      time: now(),
    },
  ]);
  await expect(panorama.getByText('said while somebody looked')).toBeVisible();
  waits.push(Date.now() - begun);
  await panorama.getByRole('tab', { name: 'Panorama' }).click();
  const node = card(panorama, 'placeOrder');
  await expect(node).toHaveAttribute('data-state', /running|unplanned/);
  const ended = Date.now();
  await report([{ ...mark, type: 'node', nodeName: 'placeOrder', status: 'FAILED', time: now(), service: 'orders' }]);
  await expect(panorama.locator('.execution-head .badge')).toHaveText('failed');
  waits.push(Date.now() - ended);
  console.log(`a report is on the page after ${waits.join(', ')} ms`);
  if (process.env.LIMITS === '1') expect(Math.max(...waits)).toBeLessThan(1000);
});

test('an execution nobody knows yet appears when it begins', async ({ page }) => {
  const mark = { businessId: `later-${Date.now()}`, sceneId: 'none', executionId: 'e' };
  await page.goto(executionUrl(mark));
  await expect(page.getByText('Nothing is stored of this execution')).toBeVisible();
  await report([{ ...mark, type: 'node', nodeName: 'only', status: 'RUNNING', time: now() }]);
  await expect(card(page, 'only')).toBeVisible();
});
