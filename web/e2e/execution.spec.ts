import { readFileSync } from 'node:fs';
import { audit, card, executionUrl, expect, newest, pageUrl, test } from './pages';

test('the panorama shows the whole plan, what failed, and the node behind it', async ({ page }) => {
  await page.goto(executionUrl(await newest('content-1002', 'realtime-input', 'failed')));
  await expect(card(page, 'picAudit')).toHaveAttribute('data-state', 'failed');
  await expect(card(page, 'finish')).toHaveAttribute('data-state', 'not_reached');
  await card(page, 'picAudit').getByRole('button').first().click();
  const panel = page.getByRole('complementary');
  await expect(panel).toContainText('java.net.SocketTimeoutException: Read timed out');
  await panel.getByRole('tab', { name: 'Input' }).click();
  await expect(panel).toContainText('"contentId"'.replace(/"/g, ''));
  await expect(panel).toContainText('1002');
  await panel.getByRole('tab', { name: /Logs/ }).click();
  await panel.getByRole('button', { name: /picAudit failed/ }).click();
  await panel.getByRole('button', { name: /stack frames/ }).click();
  await expect(panel).toContainText('Connection refused');
  await expect(panel).toContainText('caused by');
  await panel.getByRole('tab', { name: 'Raw' }).click();
  await expect(panel).toContainText('notTakenBecause');
  await panel.getByRole('tab', { name: 'Definition' }).click();
  await expect(panel).toContainText('slowAfterMs');
  await page.keyboard.press('Escape');
  await expect(panel).toHaveCount(0);
});

test('a branch that was not taken says which case was', async ({ page }) => {
  await page.goto(executionUrl(await newest('content-1001', 'realtime-input'), { node: 'publish' }));
  await expect(card(page, 'publish')).toHaveAttribute('data-state', 'not_taken');
  await expect(page.getByRole('complementary')).toContainText('routeByRisk chose review');
  await expect(page.locator('.wire-label.w-taken')).toHaveText('review');
  await expect(page.locator('[data-edge="routeByRisk createReviewTask"]')).toHaveClass(/w-taken/);
  await expect(page.locator('[data-edge="routeByRisk publish"]')).toHaveClass(/w-not_taken/);
});

test('a plan too large for the window opens at what is wrong', async ({ page }) => {
  await page.setViewportSize({ width: 760, height: 700 });
  for (const [businessId, node] of [
    ['content-1002', 'picAudit'],
    ['content-1004', 'indexContent'],
  ] as const) {
    const status = node === 'picAudit' ? 'failed' : '';
    await page.goto(executionUrl(await newest(businessId, 'realtime-input', status)));
    await expect(card(page, node)).toBeInViewport();
    expect((await card(page, node).boundingBox())?.height ?? 0).toBeGreaterThan(40);
  }
});

test('missing and stalled nodes are flagged', async ({ page }) => {
  await page.goto(executionUrl(await newest('content-1004', 'realtime-input')));
  await expect(page.locator('.card[data-state="missing"]')).not.toHaveCount(0);
});

test('one selection goes through panorama, timeline and logs, and the address', async ({ page }) => {
  const mark = await newest('content-1002', 'realtime-input', 'failed');
  await page.goto(executionUrl(mark));
  await card(page, 'picAudit').getByRole('button').first().click();
  await page.getByRole('tab', { name: 'Timeline' }).click();
  await expect(page.locator('.timeline-row.selected')).toContainText('picAudit');
  await expect(page.locator('.log-mark.l-ERROR')).toBeVisible();
  await page.getByRole('tab', { name: /Log stream/ }).click();
  await expect(page.locator('.log.selected')).toHaveCount(3);
  await page.getByRole('button', { name: 'Only picAudit' }).click();
  await expect(page.locator('.work-main .log-row')).toHaveCount(3);
  await page.getByRole('combobox', { name: 'Level' }).selectOption('ERROR');
  await expect(page.locator('.work-main .log-row')).toHaveCount(1);
  await expect(page).toHaveURL(/view=logs.*node=picAudit.*level=ERROR.*only=1|node=picAudit/);
  const url = page.url();
  await page.goto('about:blank');
  await page.goto(url);
  await expect(page.locator('.work-main .log-row')).toHaveCount(1);
});

test('the keyboard goes to the next failure, through nodes, folds and fits', async ({ page }) => {
  await page.goto(executionUrl(await newest('content-1002', 'realtime-input', 'failed')));
  await expect(card(page, 'picAudit')).toBeVisible();
  await page.keyboard.press('n');
  await expect(page).toHaveURL(/node=picAudit/);
  await page.keyboard.press('j');
  await expect(page).toHaveURL(/node=ocr/);
  await page.keyboard.press('Escape');
  await page.keyboard.press('[');
  await expect(page).toHaveURL(/fold=auditFork/);
  await expect(card(page, 'picAudit')).toHaveCount(0);
  await page.keyboard.press(']');
  await expect(card(page, 'picAudit')).toBeVisible();
  await page.keyboard.press('f');
  await expect(card(page, 'finish')).toBeInViewport();
  await page.keyboard.press('2');
  await expect(page.getByRole('tab', { name: 'Timeline' })).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('c');
  await expect(page).toHaveURL(/compare/);
});

test('a node is found by name, service and title', async ({ page }) => {
  await page.goto(executionUrl(await newest('content-1001', 'realtime-input')));
  await page.getByRole('searchbox', { name: 'Find a node' }).fill('video-audit');
  await expect(page.locator('.card.match')).toHaveCount(2);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/node=videoFrames/);
});

test('replay shows the panorama as it was', async ({ page }) => {
  await page.goto(executionUrl(await newest('content-1001', 'realtime-input')));
  await expect(card(page, 'finish')).toHaveAttribute('data-state', 'completed');
  await page.getByRole('slider').fill('0');
  await expect(card(page, 'receive')).toHaveAttribute('data-state', 'running');
  await expect(card(page, 'finish')).toHaveAttribute('data-state', 'not_reached');
  await expect(page).toHaveURL(/at=\d+/);
  await page.getByRole('button', { name: 'Play' }).click();
  await expect(card(page, 'finish')).toHaveAttribute('data-state', 'completed', { timeout: 20_000 });
});

test('the plan runs top down too', async ({ page }) => {
  await page.goto(executionUrl(await newest('content-1001', 'realtime-input'), { down: '1' }));
  const first = await card(page, 'receive').boundingBox();
  const second = await card(page, 'normalize').boundingBox();
  expect(second?.y ?? 0).toBeGreaterThan((first?.y ?? 0) + 20);
});

test('an execution is saved and opened again without the server', async ({ page }) => {
  const mark = await newest('content-1002', 'realtime-input', 'failed');
  await page.goto(executionUrl(mark));
  await expect(card(page, 'picAudit')).toBeVisible();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export' }).click();
  const file = await (await saved).path();
  const { logs, execution } = JSON.parse(readFileSync(file, 'utf8'));
  expect(logs.length).toBeGreaterThan(0);
  expect(logs).toHaveLength(execution.logs.total);
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.getByRole('link', { name: 'Open file' }).click();
  await page.locator('input[type=file]').setInputFiles(file);
  await expect(card(page, 'picAudit')).toHaveAttribute('data-state', 'failed');
  await page.getByRole('tab', { name: /Log stream/ }).click();
  await expect(page.locator('.log-row')).toHaveCount(logs.length);
});

test('what is no exported execution is refused with the reason', async ({ page }) => {
  await page.goto(pageUrl('file'));
  await page.locator('input[type=file]').setInputFiles({
    name: 'x.json',
    mimeType: 'application/json',
    buffer: Buffer.from('{"execution":{"businessId":1}}'),
  });
  await expect(page.getByRole('alert')).toContainText('businessId is not a text');
});

test('an unknown execution and a wrong address say what they are', async ({ page }) => {
  await page.goto(executionUrl({ businessId: 'content-1001', sceneId: 'realtime-input', executionId: 'none' }));
  await expect(page.getByText('Nothing is stored of this execution')).toBeVisible();
  await page.getByRole('link', { name: 'All executions of content-1001' }).click();
  await expect(page.locator('[data-execution]')).toHaveCount(3);
  await page.goto(pageUrl('nowhere'));
  await expect(page.getByText('There is no such page')).toBeVisible();
});

test('a server that does not answer is told, and the page catches up by itself', async ({ page }) => {
  await page.route('**/api/v1/business/**', (route) => route.abort());
  await page.goto(executionUrl(await newest('content-1002', 'realtime-input', 'failed')));
  await expect(page.getByRole('alert')).toContainText('The server does not answer');
  await page.unroute('**/api/v1/business/**');
  await expect(card(page, 'picAudit')).toBeVisible({ timeout: 15_000 });
});

test('what the server refuses is told with what to do', async ({ page }) => {
  for (const [status, text, more] of [
    [429, 'hands full', /Try again in \d s/],
    [503, 'its store is at fault', ''],
    [401, 'token', ''],
  ] as const) {
    await page.route('**/api/v1/business/*/executions**', (route) =>
      route.fulfill({
        status,
        headers: { 'retry-after': '7' },
        contentType: 'application/problem+json',
        body: JSON.stringify({ title: 'T', status, detail: `said ${status}` }),
      }),
    );
    await page.goto(pageUrl('', { id: `refused-${status}` }));
    const alert = page.locator('.error-panel');
    await expect(alert).toContainText(`said ${status}`, { timeout: 15_000 });
    await expect(alert).toContainText(text);
    await expect(alert).toContainText(more);
    await page.unroute('**/api/v1/business/*/executions**');
  }
  await expect(page.getByRole('dialog')).toContainText('token');
});

test('two executions are compared on one panorama', async ({ page }) => {
  const failed = await newest('content-1002', 'realtime-input', 'failed');
  await page.goto(executionUrl(failed));
  await page.getByRole('link', { name: 'Compare' }).click();
  await page
    .getByRole('button', { name: /content-1002.*/ })
    .first()
    .click();
  await expect(page.getByRole('heading', { name: /nodes differ/ })).toBeVisible();
  await expect(card(page, 'picAudit')).toHaveClass(/m-differs/);
  await page
    .locator('.diff-list')
    .getByRole('button', { name: /picAudit/ })
    .click();
  await expect(page.getByRole('complementary')).toContainText('failed');
  await expect(page).toHaveURL(/node=picAudit/);
  await audit(page);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`no serious fault in ${colorScheme} colours`, async ({ page }) => {
    test.slow();
    await page.emulateMedia({ colorScheme });
    const mark = await newest('content-1002', 'realtime-input', 'failed');
    for (const view of ['panorama', 'timeline', 'logs']) {
      await page.goto(executionUrl(mark, { view, node: 'picAudit', line: '6' }));
      await expect(page.getByRole('complementary')).toBeVisible();
      await page.waitForTimeout(300);
      await audit(page);
    }
    await page.goto(executionUrl(await newest('content-1004', 'realtime-input')));
    await expect(page.locator('.card[data-state="missing"]')).not.toHaveCount(0);
    await audit(page);
  });
}

test('Chinese and English, local time and UTC, light and dark', async ({ page }) => {
  await page.goto(executionUrl(await newest('content-1001', 'realtime-input')));
  await page.getByRole('button', { name: '中文' }).click();
  await expect(page.getByRole('tab', { name: '时间线' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN');
  await page.reload();
  await expect(page.getByRole('tab', { name: '时间线' })).toBeVisible();
  await page.getByRole('button', { name: 'English' }).click();
  const time = page.locator('.head-facts time').first();
  const local = await time.textContent();
  await page.getByRole('button', { name: 'Local time' }).click();
  await expect(time).not.toHaveText(local ?? '');
  await page.getByRole('button', { name: /Colours as the system/ }).click();
  await page.getByRole('button', { name: /Light colours/ }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(15, 17, 21)');
});

test('embedded there is the execution alone', async ({ page }) => {
  await page.goto(
    executionUrl(await newest('content-1001', 'realtime-input'), { embed: '1', theme: 'dark', lang: 'zh' }),
  );
  await expect(card(page, 'receive')).toBeVisible();
  await expect(page.getByRole('navigation')).toHaveCount(0);
  await expect(page.getByRole('tab', { name: '时间线' })).toBeVisible();
  await card(page, 'receive').getByRole('button').first().click();
  await expect(page).toHaveURL(/embed=1/);
});

test('a narrow window keeps everything within reach', async ({ page }) => {
  await page.setViewportSize({ width: 420, height: 860 });
  await page.goto(executionUrl(await newest('content-1002', 'realtime-input', 'failed'), { node: 'picAudit' }));
  await expect(page.getByRole('complementary')).toBeInViewport();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(420);
  await page.goto(pageUrl('', { id: 'content-1001' }));
  await expect(page.locator('[data-execution]').first()).toBeInViewport();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(420);
});
