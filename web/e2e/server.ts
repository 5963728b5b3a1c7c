/**
 * Starts the binary on stores of its own and shows the page in front of it.
 *
 * LINKLOOM_BIN: the binary (required). LINKLOOM_PAGE=binary: the page the binary itself serves is tested; else the one
 * in `dist`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostileReports, largeReports } from './data';
import { binaryPath, end, type Front, firstPort, front, serve, WEB } from './serve';

export default async function setup() {
  const binary = binaryPath();
  const folder = mkdtempSync(join(tmpdir(), 'linkloom-page-'));
  const store = join(folder, 'store');
  const run = (args: string[]) => execFileSync(binary, args, { stdio: ['ignore', 'ignore', 'inherit'] });

  run(['demo', '--once', '--store', store, '--log', 'warn']);
  const samples = join(WEB, '..', 'dsl-samples');
  const files = ['human-review', 'order-payment', 'realtime-input', 'sample-link'].map((name) => join(samples, name));
  run([
    'dsl',
    'put',
    '--store',
    store,
    ...['order-payment', 'sample-link'].map((name) => join(samples, `${name}.json`)),
  ]);
  const hostile = join(folder, 'hostile.ndjson');
  writeFileSync(hostile, hostileReports());
  const large = join(folder, 'large.ndjson');
  const { definition, reports } = largeReports();
  writeFileSync(join(folder, 'large.json'), JSON.stringify(definition));
  writeFileSync(large, reports);
  run(['dsl', 'put', '--store', store, join(folder, 'large.json')]);
  run(['ingest', '--store', store, '--log', 'error', ...files.map((name) => `${name}.ndjson`), hostile, large]);

  const child = await serve(store, firstPort());
  const api = `http://127.0.0.1:${firstPort()}`;
  let page: Front;
  try {
    page = await front(api, firstPort() + 1);
  } catch (error) {
    await end(child);
    throw error;
  }
  process.env.API_URL = api;
  process.env.PAGE_URL = page.url;
  return async () => {
    await page.close();
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
}
