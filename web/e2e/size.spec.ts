import { LARGE_LOGS, LARGE_NODES, LOGS } from './data';
import { card, executionUrl, expect, test } from './pages';

/** With LIMITS=1, on a quiet machine and an optimised binary, what is measured has to be within limits; it is printed always. */
const LIMITS = process.env.LIMITS === '1';

test('a panorama of 500 nodes can be used', async ({ page }) => {
  await page.goto(executionUrl({ ...LARGE_NODES, executionId: 'none' }));
  await expect(page.getByText('Nothing is stored of this execution')).toBeVisible();
  const begun = Date.now();
  await page.evaluate((url) => {
    history.pushState(null, '', url);
    window.dispatchEvent(new PopStateEvent('popstate'));
  }, executionUrl(LARGE_NODES));
  await expect(card(page, 'prepare0')).toBeVisible();
  const took = Date.now() - begun;
  const click = Date.now();
  await card(page, 'prepare0').getByRole('button').first().click();
  await expect(page.getByRole('complementary')).toBeVisible();
  console.log(`panorama of 500 nodes: ${took} ms, selecting a node: ${Date.now() - click} ms`);
  if (LIMITS) expect(took).toBeLessThan(1000);
  await page.keyboard.press('Escape');
  await page.keyboard.press('f');
  await expect(page.locator('.card')).not.toHaveCount(0);
});

test(`an execution of ${LOGS} logs opens and its stream scrolls`, async ({ page }) => {
  await page.goto(executionUrl(LARGE_LOGS));
  await expect(card(page, 'talk')).toBeVisible();
  const begun = Date.now();
  await page.getByRole('tab', { name: /Log stream/ }).click();
  await expect(page.getByText('line 0 of what it says')).toBeVisible();
  const took = Date.now() - begun;
  const frames = await page.locator('.logs-scroll').evaluate(async (box) => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const times: number[] = [];
    const end = performance.now() + 3000;
    await new Promise<void>((resolve) => {
      const step = (now: number) => {
        times.push(now);
        box.scrollBy(0, 40);
        if (now < end) requestAnimationFrame(step);
        else resolve();
      };
      requestAnimationFrame(step);
    });
    return (1000 * (times.length - 1)) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
  });
  console.log(`${LOGS} logs: open in ${took} ms, scroll at ${frames.toFixed(0)} frames/s`);
  if (LIMITS) expect(took).toBeLessThan(1000);
  if (LIMITS) expect(frames).toBeGreaterThan(50);
});
