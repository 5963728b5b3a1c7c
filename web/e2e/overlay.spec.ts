import { api, audit, card, executionUrl, expect, newest, pageUrl, report, test } from './pages';

interface Statistics {
  executions: number;
  nodes: { nodeName: string; states: Record<string, number>; runs: { total: number; failed: number } }[];
  edges: { from: string; to: string; label: string | null; taken: number; share: number }[];
}

const figures = async (scene: string) =>
  (await (await fetch(`${api()}/scenes/${scene}/statistics?limit=500`)).json()) as Statistics;

test('the history of a node: where this run stands, and the executions in which the node failed', async ({ page }) => {
  const mark = await newest('content-1002', 'realtime-input', 'failed');
  await page.goto(executionUrl(mark, { node: 'picAudit' }));
  await page.getByRole('tab', { name: 'History' }).click();
  await expect(page).toHaveURL(/tab=history/);
  const panel = page.getByRole('complementary');
  await expect(panel.locator('.figure.wide')).toContainText(/This run.*slower than \d+ %/);
  await expect(panel.locator('.history-chart .point')).not.toHaveCount(0);
  await expect(panel.locator('.history-chart .point.this')).toHaveCount(1);
  await panel.getByRole('button', { name: /^failed \d+$/ }).click();
  const rows = panel.locator('tbody tr');
  await expect(rows).toHaveCount(1);
  await expect(rows).toHaveClass(/selected/);
  await audit(page);
  await panel.getByRole('button', { name: /^completed \d+$/ }).click();
  await rows.first().getByRole('link').click();
  await expect(page).toHaveURL(/node=picAudit/);
  await expect(card(page, 'picAudit')).toHaveAttribute('data-state', 'completed');
  await page.goBack();
  await expect(panel.locator('.history-chart')).toBeVisible();
});

test('a node that reports no runs of its own says so', async ({ page }) => {
  const mark = await newest('content-1001', 'realtime-input');
  await page.goto(executionUrl(mark, { node: 'auditFork', tab: 'history' }));
  await expect(page.getByText('It does not report runs of its own.')).toBeVisible();
});

test('figures are laid over the plan, and lead to the executions behind them', async ({ page }) => {
  const { executions, nodes, edges } = await figures('realtime-input');
  const of = (name: string) => nodes.find((node) => node.nodeName === name);
  await page.goto(pageUrl('scene', { s: 'realtime-input', tab: 'graph' }));
  await expect(card(page, 'receive')).toBeVisible();
  await page.getByRole('button', { name: 'Runs', exact: true }).click();
  await expect(page).toHaveURL(/overlay=runs/);
  await expect(card(page, 'receive')).toContainText(`${of('receive')?.runs.total} runs`);
  await expect(page.getByText(`over ${executions} executions`)).toBeVisible();
  await page.keyboard.press('f');

  await page.getByRole('button', { name: 'Error rate', exact: true }).click();
  const failed = of('picAudit')?.runs.failed;
  await expect(card(page, 'picAudit')).toContainText(`${failed} failed`);
  await card(page, 'picAudit').getByRole('button').first().click();
  const panel = page.getByRole('complementary');
  await panel.getByRole('button', { name: `failed ${of('picAudit')?.states.failed}` }).click();
  await expect(panel.locator('tbody tr')).toHaveCount(of('picAudit')?.states.failed ?? 0);
  await expect(panel.locator('tbody')).toContainText('content-1002');
  await audit(page);

  await page.getByRole('button', { name: 'p95', exact: true }).click();
  await expect(card(page, 'picAudit')).toContainText(/p95 [\d.]+ ms/);

  const review = edges.find((edge) => edge.from === 'routeByRisk' && edge.label === 'review');
  const share = `${Math.round(100 * (review?.share ?? 0))} %`;
  await page.getByRole('button', { name: `routeByRisk, review: ${share}` }).click();
  await expect(page).toHaveURL(/branch=review/);
  await expect(panel.getByRole('button', { name: /^review/ })).toHaveAttribute('aria-pressed', 'true');
  await expect(panel.getByRole('heading', { name: 'Executions that went “review”' })).toBeVisible();
  await expect(panel.locator('tbody tr')).toHaveCount(review?.taken ?? 0);
  const url = page.url();
  await panel.locator('tbody a').first().click();
  await expect(page.locator('[data-edge="routeByRisk createReviewTask"]')).toHaveClass(/w-taken/);

  await page.goto('about:blank');
  await page.goto(url);
  await expect(panel.getByRole('heading', { name: 'Executions that went “review”' })).toBeVisible();
});

test('every way out of a decision leads to its executions, also one without nodes', async ({ page }) => {
  const scene = `ways-${Date.now()}`;
  const plan = [
    {
      nodeName: 'choose',
      nodeType: 'decision',
      decisionCases: { long: [{ nodeName: 'work', nodeType: 'rpc' }], short: [] },
    },
    { nodeName: 'after', nodeType: 'rpc' },
    {
      nodeName: 'last',
      nodeType: 'decision',
      decisionCases: { tell: [{ nodeName: 'mail', nodeType: 'rpc' }], keep: [] },
    },
  ];
  await fetch(`${api()}/scenes/${scene}/definition`, { method: 'PUT', body: JSON.stringify({ nodes: plan }) });
  const runs = Array.from({ length: 6 }, (_, number) => {
    const long = number < 2;
    const tells = number < 3;
    const ran: [string, string?][] = [
      ['choose', long ? 'long' : 'short'],
      ...(long ? ([['work']] as [string][]) : []),
      ['after'],
      ['last', tells ? 'tell' : 'keep'],
      ...(tells ? ([['mail']] as [string][]) : []),
    ];
    return ran.map(([nodeName, chosen], at) => ({
      type: 'node',
      businessId: `way-${number}`,
      sceneId: scene,
      executionId: 'one',
      nodeName,
      status: 'COMPLETED',
      time: new Date(Date.now() - 60_000 + number * 1000 + at).toISOString(),
      ...(chosen ? { case: chosen } : {}),
    }));
  });
  await report(runs.flat());
  await expect.poll(async () => (await figures(scene)).executions).toBe(6);
  await page.goto(pageUrl('scene', { s: scene, tab: 'graph', overlay: 'runs' }));
  const panel = page.getByRole('complementary');
  for (const [node, way, ids] of [
    ['choose', 'long', ['way-1', 'way-0']],
    ['choose', 'short', ['way-5', 'way-4', 'way-3', 'way-2']],
    ['last', 'tell', ['way-2', 'way-1', 'way-0']],
    ['last', 'keep', ['way-5', 'way-4', 'way-3']],
  ] as const) {
    await page.goto(pageUrl('scene', { s: scene, tab: 'graph', overlay: 'runs', node }));
    const button = panel.getByRole('button', { name: new RegExp(`^${way}`) });
    await expect(button).toContainText(`${Math.round((100 * ids.length) / 6)} %`);
    await button.click();
    await expect(panel.getByRole('heading', { name: `Executions that went “${way}”` })).toBeVisible();
    await expect(panel.locator('tbody a')).toHaveText([...ids]);
  }
  await audit(page);
  await panel.locator('tbody a').first().click();
  await expect(page).toHaveURL(/\/execution\?.*node=last/);
  await expect(page.getByRole('complementary')).toContainText('keep');
});

test('an overlay is of a time range', async ({ page }) => {
  const scene = `overlay-${Date.now()}`;
  const definition = { nodes: ['a', 'b'].map((nodeName) => ({ nodeName, nodeType: 'rpc' })) };
  await fetch(`${api()}/scenes/${scene}/definition`, { method: 'PUT', body: JSON.stringify(definition) });
  const run = (executionId: string, hoursAgo: number, status = 'COMPLETED') => {
    const at = (ms: number) => new Date(Date.now() - hoursAgo * 3_600_000 + ms).toISOString();
    const mark = { type: 'node', businessId: 'o', sceneId: scene, executionId, nodeName: 'a' };
    return [
      { ...mark, status: 'RUNNING', time: at(0) },
      { ...mark, status, time: at(20) },
    ];
  };
  await report([...run('old', 30), ...run('new', 0.1, 'FAILED')]);
  // An execution is listed, and counts, half a second after its first report.
  await expect.poll(async () => (await figures(scene)).executions).toBe(2);
  await page.goto(pageUrl('scene', { s: scene, tab: 'graph', overlay: 'runs' }));
  await expect(card(page, 'a')).toContainText('2 runs');
  await expect(card(page, 'b')).toContainText('no runs');
  await page.getByRole('combobox', { name: 'Time range' }).selectOption('1h');
  await expect(card(page, 'a')).toContainText('1 run');
  await page.getByRole('button', { name: 'Error rate', exact: true }).click();
  await expect(card(page, 'a')).toContainText('100 %');
  await page.getByRole('combobox', { name: 'Time range' }).selectOption('custom');
  await page.getByLabel('From', { exact: true }).fill('2020-01-01T00:00:00');
  await page.getByLabel('To', { exact: true }).fill('2020-01-02T00:00:00');
  await expect(page.getByText('no execution started in this time')).toBeVisible();
  await expect(card(page, 'a')).toContainText('no runs');
});
