import { card, expect, pageUrl, test } from './pages';
import { OwnServer } from './serve';

const time = (ms = 0) => new Date(Date.now() + ms).toISOString();
const MARK = { businessId: 'order-7', sceneId: 'orders', executionId: 'first' };
const query = (more: Record<string, string> = {}) =>
  new URLSearchParams({ b: MARK.businessId, s: MARK.sceneId, e: MARK.executionId, ...more });

async function send(server: OwnServer, reports: Record<string, unknown>[], token = ''): Promise<void> {
  const answer = await fetch(`${server.api}/reports`, {
    method: 'POST',
    headers: token ? { authorization: `Bearer ${token}` } : {},
    body: reports.map((one) => JSON.stringify({ v: 1, type: 'node', ...MARK, ...one })).join('\n'),
  });
  expect(await answer.json()).toMatchObject({ accepted: reports.length });
}

test('a server that dies and comes back: the page says so, reconnects, and catches up', async ({ page, context }) => {
  test.slow();
  const server = new OwnServer();
  try {
    await server.start();
    await send(server, [{ nodeName: 'pack', status: 'RUNNING', time: time() }]);
    await page.goto(`${server.url}/?id=${MARK.businessId}`);
    await expect(page.locator('[data-execution]')).toHaveCount(1);
    const panorama = await context.newPage();
    await panorama.goto(`${server.url}/execution?${query()}`);
    await expect(card(panorama, 'pack')).toHaveAttribute('data-state', 'running');
    const logs = await context.newPage();
    await logs.goto(`${server.url}/execution?${query({ view: 'logs' })}`);
    await expect(logs.getByText('No business logs')).toBeVisible();
    let reloads = 0;
    for (const one of [page, panorama, logs]) one.on('load', () => reloads++);
    for (const one of [page, panorama]) await expect(one.locator('.live.on')).toBeVisible();

    await server.kill();
    for (const one of [page, panorama, logs]) {
      await one.bringToFront();
      await expect(one.locator('.live.lost')).toHaveText('disconnected');
    }
    await expect(page.locator('[data-execution]')).toHaveCount(1);
    await expect(card(panorama, 'pack')).toBeVisible();

    await server.start();
    await send(server, [
      { nodeName: 'pack', status: 'FAILED', time: time() },
      { executionId: 'second', nodeName: 'pack', status: 'RUNNING', time: time() },
      { type: 'log', nodeName: 'pack', level: 'ERROR', message: 'said after the restart', time: time() },
    ]);
    await page.bringToFront();
    await expect(page.locator('[data-execution="second"]')).toBeVisible({ timeout: 20_000 });
    await expect(page.locator('.live.on')).toBeVisible({ timeout: 20_000 });
    await panorama.bringToFront();
    await expect(card(panorama, 'pack')).toHaveAttribute('data-state', 'failed', { timeout: 20_000 });
    await expect(panorama.locator('.live.on')).toBeVisible({ timeout: 20_000 });
    await logs.bringToFront();
    await expect(logs.getByText('said after the restart')).toBeVisible({ timeout: 20_000 });
    expect(reloads).toBe(0);
  } finally {
    await server.close();
  }
});

test('a page opened while the server is away fills itself when it is back', async ({ page }) => {
  test.slow();
  const server = new OwnServer();
  try {
    await server.start();
    await send(server, [{ nodeName: 'pack', status: 'COMPLETED', time: time() }]);
    await page.goto(`${server.url}/`);
    await expect(page.getByRole('link', { name: /orders/ })).toBeVisible();
    // The other pages are fetched once this one is there.
    await page.waitForFunction(() =>
      performance.getEntriesByType('resource').some(({ name }) => /\/assets\/scene-[^/]*\.js$/.test(name)),
    );
    await server.kill();
    await page.getByRole('link', { name: /orders/ }).click();
    await expect(page.getByRole('alert')).toContainText('The server does not answer');
    await server.start();
    await expect(page.locator('[data-execution]')).toHaveCount(1, { timeout: 20_000 });
    await expect(page.getByRole('alert')).toHaveCount(0);
  } finally {
    await server.close();
  }
});

test('a server with tokens: none, a wrong one, the right one', async ({ page }) => {
  const server = new OwnServer('[api]\ntoken_file = TOKENS\n', 'tenant right-token-of-32-characters-0\n');
  try {
    await server.start();
    await send(server, [{ nodeName: 'pack', status: 'COMPLETED', time: time() }], 'right-token-of-32-characters-0');
    await page.goto(`${server.url}/?id=${MARK.businessId}`);
    const dialog = page.getByRole('dialog');
    await expect(dialog).toContainText('This server asks for a token');
    await expect(dialog.getByRole('alert')).toHaveCount(0);
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    await expect(page.locator('.error-panel').first()).toContainText('(401)');
    await page.locator('.error-panel').getByRole('button', { name: 'Give a token' }).first().click();
    await dialog.getByLabel('Access token').fill('wrong');
    await page.keyboard.press('Enter');
    await expect(dialog.getByRole('alert')).toContainText('The server does not know this token');
    await dialog.getByLabel('Access token').fill('right-token-of-32-characters-0');
    await page.keyboard.press('Enter');
    await expect(page.locator('[data-execution]')).toHaveCount(1);
    await expect(page.locator('.live.on')).toBeVisible();
    await expect(dialog).toHaveCount(0);
  } finally {
    await server.close();
  }
});

test('a definition longer than the server takes is refused with what to do', async ({ page }) => {
  test.slow();
  await page.goto(pageUrl('scene', { s: 'order-payment', tab: 'upload' }));
  const long = `{"nodes": [{"nodeName": "A", "nodeType": "rpc", "description": "${'x'.repeat(17 << 20)}"}]}`;
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'long.json', mimeType: 'application/json', buffer: Buffer.from(long) });
  await expect(page.getByText('A text of 17 MiB')).toBeVisible();
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('The definition was not taken', { timeout: 30_000 });
  await expect(alert).toContainText('longer than the server takes');
  await page.getByRole('button', { name: 'Take another one' }).click();
  await expect(page.getByLabel('Text of the definition')).toBeVisible();
  await expect(alert).toHaveCount(0);
});

test('a server that has its hands full is left alone for as long as it says, then asked again', async ({ page }) => {
  let asked = 0;
  await page.route('**/api/v1/scenes/*/executions**', async (route) => {
    asked++;
    if (asked > 1) return route.continue();
    return route.fulfill({
      status: 429,
      headers: { 'retry-after': '3' },
      contentType: 'application/problem+json',
      body: JSON.stringify({ title: 'Too Many Requests', status: 429, detail: 'too much waits to be stored' }),
    });
  });
  const begun = Date.now();
  await page.goto(pageUrl('scene', { s: 'order-payment' }));
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('too much waits to be stored');
  await expect(alert).toContainText(/Try again in [123] s\.|You can try again now\./);
  await expect(page.locator('[data-execution]').first()).toBeVisible({ timeout: 15_000 });
  expect(Date.now() - begun).toBeGreaterThan(2500);
  expect(asked).toBe(2);
});
