/**
 * Starts the binary on stores of its own and shows the page in front of it.
 *
 * LINKLOOM_BIN: the binary (required). LINKLOOM_PAGE=binary: the page the binary itself serves is tested; else the one
 * in `dist`, through a server that passes `/api` on.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preview } from 'vite';
import { hostileReports, largeReports } from './data';

const web = dirname(dirname(fileURLToPath(import.meta.url)));

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no answer from ${url}`);
}

export default async function setup() {
  const binary = process.env.LINKLOOM_BIN;
  if (!binary) throw new Error('LINKLOOM_BIN names no binary: build it and say where it is');
  const folder = mkdtempSync(join(tmpdir(), 'linkloom-page-'));
  const store = join(folder, 'store');
  const port = Number(process.env.LINKLOOM_PORT ?? 7190);
  const api = `http://127.0.0.1:${port}`;
  const run = (args: string[]) => execFileSync(binary, args, { stdio: ['ignore', 'ignore', 'inherit'] });

  run(['demo', '--once', '--store', store, '--log', 'warn']);
  const samples = join(web, '..', 'dsl-samples');
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

  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(binary, ['serve', '--store', store, '--listen', `127.0.0.1:${port}`, '--log', 'warn'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    await ready(api);
  };
  await start();
  process.env.PAGE_URL = api;
  process.env.API_URL = api;
  let page: Awaited<ReturnType<typeof preview>> | undefined;
  if (process.env.LINKLOOM_PAGE !== 'binary') {
    if (!existsSync(join(web, 'dist/index.html'))) throw new Error('dist is empty: npm run build first');
    // The policy the binary serves the page with, whether it holds one or not.
    const policy = (await fetch(api)).headers.get('content-security-policy');
    if (!policy) throw new Error(`${binary} serves pages without a policy`);
    page = await preview({
      root: web,
      configFile: false,
      logLevel: 'error',
      preview: {
        host: '127.0.0.1',
        port: port + 1,
        strictPort: true,
        proxy: { '/api': { target: api } },
        headers: { 'content-security-policy': policy },
      },
    });
    process.env.PAGE_URL = `http://127.0.0.1:${port + 1}`;
  } else {
    const index = await (await fetch(api)).text();
    if (!index.includes('/assets/') && !index.includes('./assets/')) {
      child?.kill();
      throw new Error(`${binary} holds no page: build dist, then the binary`);
    }
  }
  return async () => {
    await page?.close();
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child?.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
}
