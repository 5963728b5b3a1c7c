import { LARGE_LIST, LISTED } from './data';
import { audit, expect, newest, pageUrl, test } from './pages';

test('an id leads to its executions over all scenes, and one of them to its panorama and back', async ({ page }) => {
  await page.goto(pageUrl(''));
  await page.getByRole('searchbox').fill('content-1001');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page).toHaveURL(/id=content-1001/);
  const rows = page.locator('[data-execution]');
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText('recompute');
  await rows.filter({ hasText: 'realtime-input' }).click();
  await expect(page.locator('.card')).not.toHaveCount(0);
  await page.goBack();
  await expect(rows).toHaveCount(3);
  await page.goBack();
  await expect(page.getByText('Recent searches')).toBeVisible();
  await expect(page.getByRole('link', { name: 'content-1001' })).toBeVisible();
});

test('filters are in the address and hold when it is opened again', async ({ page, context }) => {
  await page.goto(pageUrl('', { id: 'content-1002' }));
  const rows = page.locator('[data-execution]');
  await expect(rows).toHaveCount(2);
  await page.getByRole('button', { name: 'failed', exact: true }).click();
  await expect(rows).toHaveCount(1);
  await expect(page).toHaveURL(/status=failed/);
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.locator('[data-execution]')).toHaveCount(1);
  await expect(other.getByRole('button', { name: 'failed', exact: true })).toHaveAttribute('aria-pressed', 'true');
  await page.goBack();
  await expect(rows).toHaveCount(2);
  await page.getByRole('combobox', { name: 'Time range' }).selectOption('custom');
  await page.getByLabel('From', { exact: true }).fill('2020-01-01T00:00:00');
  await page.getByLabel('To', { exact: true }).fill('2020-01-02T00:00:00');
  await expect(page.getByText('No execution passes these filters')).toBeVisible();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect(rows).toHaveCount(2);
});

test('an unknown id says so and what to do', async ({ page }) => {
  await page.goto(pageUrl('', { id: 'nobody-knows-this' }));
  await expect(page.getByText('Nothing is known of this id')).toBeVisible();
  await audit(page);
});

test(`${LISTED} executions scroll, page by page`, async ({ page }) => {
  test.slow();
  await page.goto(pageUrl('', { id: LARGE_LIST }));
  await expect(page.locator('[data-execution]').first()).toBeVisible();
  const box = page.locator('.list-scroll');
  for (let tries = 0; tries < 400; tries++) {
    const text = (await page.locator('.list-foot').textContent()) ?? '';
    if (text.includes('executions')) break;
    await box.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.waitForTimeout(30);
  }
  await expect(page.locator('.list-foot')).toContainText(`${LISTED.toLocaleString('en-US')} executions`);
  await box.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  expect(await page.locator('[data-execution]').count()).toBeLessThan(60);
  await expect(page.locator('[data-execution="x0"]')).toBeAttached();
});

test('the keyboard goes through the list', async ({ page }) => {
  await page.goto(pageUrl('', { id: 'content-1001' }));
  await expect(page.locator('[data-execution]')).toHaveCount(3);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(page.locator('.entry.current')).toContainText('human-review');
  await page.keyboard.press('k');
  await expect(page.locator('.entry.current')).toContainText('recompute');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/execution\?b=content-1001&s=recompute/);
  await page.goBack();
  await expect(page.locator('[data-execution]')).toHaveCount(3);
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox', { name: /Business id/ })).toBeFocused();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toContainText('next failure or finding');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('ids of other kinds are told apart', async ({ page }) => {
  const mark = await newest('content-1001', 'human-review');
  await page.goto(pageUrl('', { id: `${mark.businessId}_${mark.sceneId}_${mark.executionId}` }));
  await expect(page.getByText('by its link mark')).toBeVisible();
  await page.locator('.match [data-execution]').click();
  await expect(page).toHaveURL(/s=human-review/);
});

test('scenes are on the home page', async ({ page }) => {
  await page.goto(pageUrl(''));
  await expect(page.getByRole('link', { name: /Realtime intake/ })).toBeVisible();
  await audit(page);
});
