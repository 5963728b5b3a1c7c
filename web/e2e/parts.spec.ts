import { api, audit, card, expect, pageUrl, report, test } from './pages';

test('a scene: its executions, plan, text and versions', async ({ page }) => {
  await page.goto(pageUrl('scenes'));
  await page.getByRole('link', { name: /Realtime intake/ }).click();
  await expect(page.locator('[data-execution]').first()).toBeVisible();
  await page.getByRole('tab', { name: 'Plan' }).click();
  await expect(card(page, 'auditFork')).toBeVisible();
  await page.keyboard.press('f');
  await expect(card(page, 'finish')).toBeVisible();
  await card(page, 'auditFork').getByRole('button', { name: /Fold/ }).click();
  await expect(card(page, 'picAudit')).toHaveCount(0);
  await audit(page);
  await page.getByRole('tab', { name: 'Text' }).click();
  await expect(page.locator('.source-view')).toContainText('"linkName": "Realtime intake"');
  await page.getByRole('tab', { name: 'Versions' }).click();
  await expect(page.getByText('There is one version only.')).toBeVisible();
  await page.goBack();
  await expect(page.locator('.source-view')).toBeVisible();
});

test('a definition is checked in place, stored, and compared with the one before', async ({ page }) => {
  const scene = `uploaded-${Date.now()}`;
  await page.goto(pageUrl('scenes'));
  await page.getByRole('button', { name: 'Upload a definition' }).click();
  await page.getByLabel('Scene').fill(scene);
  const source = page.getByLabel('Text of the definition');
  await source.fill(
    '{"nodes": [\n  {"nodeName": "A", "nodeType": "rcp"},\n  {"nodeName": "A", "nodeType": "local"}\n]}',
  );
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  const problems = page.getByRole('alert');
  await expect(problems).toContainText('2 problems');
  await expect(problems).toContainText('"rcp" is not a node type');
  await expect(problems).toContainText('2:33');
  await source.fill('{"nodes": [{"nodeName": "A", "nodeType": "rpc"}]}');
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await expect(page.getByText('It is right. Version')).toBeVisible();
  await page.getByRole('button', { name: 'Store as a new version' }).click();
  await expect(page).toHaveURL(new RegExp(`s=${scene}`));
  await expect(card(page, 'A')).toBeVisible();

  await fetch(`${api()}/scenes/${scene}/definition`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"nodes": [{"nodeName": "A", "nodeType": "rpc"}, {"nodeName": "B", "nodeType": "local"}]}',
  });
  await page.goto(pageUrl('scene', { s: scene, tab: 'versions' }));
  await expect(page.locator('.line-diff .added').filter({ hasText: '"B"' })).toBeVisible();
  await audit(page);
});

test('what cannot be read is a dead letter: seen, inspected, tried again', async ({ page }) => {
  await fetch(`${api()}/reports`, {
    method: 'POST',
    body: `{"v":1,"type":"node","businessId":"dead-one","status":"<b>broken" \n`,
  });
  await page.goto(pageUrl('dead'));
  await expect(page.locator('.letter').first()).toBeVisible();
  const letter = page.locator('.letter').filter({ hasText: '<b>broken' });
  for (const one of await page.locator('.letter').getByRole('button', { expanded: false }).all()) await one.click();
  await expect(letter).toBeVisible();
  await letter.getByRole('button', { name: 'Try again' }).click();
  await expect(letter.getByRole('status').first()).toBeAttached();
  await expect(letter.locator('.note')).toContainText(/Refused again|tried before/);
  await audit(page);
});

test('reports without a mark are listed by trace, with what they say', async ({ page }) => {
  const traceId = Date.now().toString(16).padStart(32, '0');
  await report([
    { type: 'log', traceId, service: 'lonely', level: 'WARN', message: 'whose am I', time: new Date().toISOString() },
  ]);
  await page.goto(pageUrl('unlinked', { trace: traceId }));
  await expect(page.getByText('whose am I')).toBeVisible();
  await page.getByRole('button', { name: /whose am I/ }).click();
  await expect(page.locator('.log-detail')).toContainText('lonely');
  await audit(page);
});
