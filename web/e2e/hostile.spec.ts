import { HOSTILE, HOSTILE_NODE } from './data';
import { executionUrl, expect, pageUrl, test } from './pages';

const untouched = async (page: import('@playwright/test').Page) => {
  expect(await page.evaluate(() => (window as unknown as { hacked?: number }).hacked)).toBeUndefined();
  expect(await page.locator('main img, main script, main iframe').count()).toBe(0);
};

test('ids, names, facts, logs and payloads with markup are shown as text', async ({ page }) => {
  await page.goto(pageUrl('', { id: HOSTILE.businessId }));
  await expect(page.getByRole('heading', { level: 1 })).toContainText('<img src=x onerror="window.hacked=1">');
  await expect(page.locator('[data-execution]')).toContainText('evil<script>window.hacked=1</script>');
  await untouched(page);
  await page.locator('[data-execution]').click();
  await expect(page.locator('.card')).toHaveCount(1);
  await expect(page.locator('.card')).toContainText('node</textarea><svg onload=window.hacked=1>⟨RLO⟩gnp.exe');
  await untouched(page);

  await page.goto(executionUrl(HOSTILE, { node: HOSTILE_NODE, tab: 'input' }));
  const panel = page.getByRole('complementary');
  await expect(panel).toContainText('<script>window.hacked=1</script>');
  await expect(panel).toContainText('9007199254740993');
  await panel.getByRole('button', { name: /all 200,000 characters/ }).click();
  await expect(panel.locator('.long-text')).toBeVisible();
  await untouched(page);

  await page.goto(executionUrl(HOSTILE, { node: HOSTILE_NODE, tab: 'output' }));
  await panel.getByRole('searchbox').fill('bottom');
  await expect(panel.locator('.found.current')).toContainText('bottom');
  await untouched(page);
});

test('logs with control characters, turned direction and great length are lines like others', async ({ page }) => {
  await page.goto(executionUrl(HOSTILE, { view: 'logs' }));
  const rows = page.locator('.log-row');
  await expect(rows).toHaveCount(5);
  await expect(rows.nth(1)).toContainText('␛[31mred␛[0m ␇ ⟨RLO⟩right to left⟨PDF⟩');
  for (let row = 0; row < 5; row++) expect((await rows.nth(row).boundingBox())?.height).toBeLessThan(40);
  await rows.nth(2).getByRole('button').first().click();
  await expect(page.locator('.log-whole')).toContainText('Show more: 4,000 of 240,00');
  await rows.nth(4).getByRole('button').first().click();
  await page.getByRole('button', { name: /stack frames/ }).click();
  await expect(page.locator('.exception')).toContainText('<script>window.hacked=1</script>');
  await untouched(page);
});

test('the policy lets no script in that was put into the page', async ({ page, faults }) => {
  const answer = await page.goto(pageUrl(''));
  expect(answer?.headers()['content-security-policy']).toContain("script-src 'self'");
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.hacked = 1';
    document.body.append(script);
    document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.hacked=1">');
  });
  await page.waitForTimeout(200);
  expect(await page.evaluate(() => (window as unknown as { hacked?: number }).hacked)).toBeUndefined();
  expect(faults.length).toBeGreaterThan(0);
  faults.length = 0;
});
