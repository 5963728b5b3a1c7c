import { audit, card, executionUrl, expect, pageUrl, report, test } from './pages';

test('Ctrl+K goes anywhere by the keyboard alone', async ({ page }) => {
  await page.goto(pageUrl(''));
  await expect(page.getByRole('link', { name: /Realtime intake/ })).toBeVisible();
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Go to anything' });
  const box = palette.getByRole('combobox');
  await expect(box).toBeFocused();
  await audit(page);
  await page.keyboard.type('content-1002');
  await expect(palette.getByRole('option').first()).toContainText('business id');
  await page.keyboard.press('ArrowDown');
  await expect(palette.getByRole('option', { selected: true })).toContainText('content-1002 › realtime-input');
  await page.keyboard.press('Enter');
  await expect(palette).toHaveCount(0);
  await expect(page).toHaveURL(/execution\?b=content-1002/);
  await expect(card(page, 'picAudit')).toBeVisible();

  await page.keyboard.press('Control+k');
  await page.keyboard.type('timel');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('tab', { name: 'Timeline' })).toHaveAttribute('aria-selected', 'true');

  // Also while one types into another field.
  await page.getByRole('searchbox', { name: /Business id/ }).focus();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('intake');
  await palette.getByRole('option', { name: /Realtime intake/ }).click();
  await expect(page).toHaveURL(/scene\?s=realtime-input/);

  await page.keyboard.press('Control+k');
  await page.keyboard.type('dark');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.keyboard.press('Control+k');
  await audit(page);
  await page.keyboard.type('zzz nothing of this name');
  await expect(palette.getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(palette).toHaveCount(0);
  await page.goBack();
  await expect(page.getByRole('tab', { name: 'Timeline' })).toBeVisible();
});

test('the view of a list is saved under a name, opened, renamed and deleted', async ({ page }) => {
  await page.goto(pageUrl('scene', { s: 'realtime-input' }));
  await page.getByRole('button', { name: 'failed', exact: true }).click();
  await expect(page).toHaveURL(/status=failed/);
  const menu = page.getByRole('group', { name: 'Saved views' });
  await menu.getByRole('button', { name: 'Saved views' }).click();
  await expect(menu).toContainText('None yet');
  await menu.getByLabel('Name of this view').fill('Broken intakes');
  await page.keyboard.press('Enter');
  await expect(menu.getByRole('link', { name: 'Broken intakes' })).toHaveAttribute('aria-current', 'true');
  await audit(page);

  await page.goto(pageUrl(''));
  await page.getByRole('link', { name: 'Broken intakes' }).click();
  await expect(page).toHaveURL(/scene\?s=realtime-input&status=failed/);
  await expect(page.locator('[data-execution]').first()).toContainText('failed');
  await menu.getByRole('button', { name: 'Broken intakes', exact: true }).click();
  await menu.getByRole('button', { name: 'Rename Broken intakes' }).click();
  await menu.getByLabel('Rename Broken intakes').fill('Failures');
  await page.keyboard.press('Enter');
  await expect(menu.getByRole('link', { name: 'Failures' })).toBeVisible();
  await page.reload();
  await menu.getByRole('button', { name: 'Failures', exact: true }).click();
  await menu.getByRole('button', { name: 'Delete Failures' }).click();
  await expect(menu).toContainText('None yet');
  await page.keyboard.press('Escape');
  await expect(menu.getByText('None yet')).toHaveCount(0);
});

test('clocks that are apart are shown as reported, and moved when asked, which is said', async ({ page }) => {
  const mark = { businessId: `skew-${Date.now()}`, sceneId: 'order-payment', executionId: 'e' };
  const begun = Date.now() - 60_000;
  const at = (ms: number) => new Date(begun + ms).toISOString();
  const run = (nodeName: string, instance: string, from: number, to: number) => [
    { ...mark, type: 'node', nodeName, instance, service: 's', status: 'RUNNING', time: at(from) },
    { ...mark, type: 'node', nodeName, instance, service: 's', status: 'COMPLETED', time: at(to) },
  ];
  await report([...run('placeOrder', 'a:1', 0, 1000), ...run('reserveStock', 'b:1', 600, 900)]);
  await page.goto(executionUrl(mark, { view: 'timeline' }));
  const align = page.getByRole('button', { name: 'Align clocks' });
  await expect(align).toHaveAttribute('aria-pressed', 'false');
  await expect(page.getByText('Not as reported')).toHaveCount(0);
  const bar = page
    .locator('.timeline-row')
    .filter({ hasText: /reserve/i })
    .locator('.bar');
  const before = (await bar.boundingBox())?.x ?? 0;
  await align.click();
  await expect(page.getByText('Not as reported')).toContainText('b:1 +400 ms');
  await expect(page).toHaveURL(/align=1/);
  await expect.poll(async () => (await bar.boundingBox())?.x ?? 0).toBeGreaterThan(before + 20);
  await audit(page);
  await align.click();
  await expect(page.getByText('Not as reported')).toHaveCount(0);
});
