/** The binary as a process, and the page in front of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preview } from 'vite';

export const WEB = dirname(dirname(fileURLToPath(import.meta.url)));

export function binaryPath(): string {
  const binary = process.env.LINKLOOM_BIN;
  if (!binary) throw new Error('LINKLOOM_BIN names no binary: build it and say where it is');
  return binary;
}

/** The first of the ports that belong to these tests. */
export const firstPort = () => Number(process.env.LINKLOOM_PORT ?? 7190);

/** Starts the binary on a store and waits until it answers. */
export async function serve(store: string, port: number, more: string[] = []): Promise<ChildProcess> {
  const listen = ['--listen', `127.0.0.1:${port}`];
  const child = spawn(binaryPath(), ['serve', '--store', store, ...listen, '--log', 'warn', ...more], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error(`no answer from 127.0.0.1:${port}`);
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

export interface Front {
  url: string;
  close: () => Promise<void>;
}

/**
 * The page: the one in `dist` through a server that passes `/api` on, or, with LINKLOOM_PAGE=binary, the one the
 * binary holds. While the binary is away a connection breaks, as it does without a server in between.
 */
export async function front(api: string, port: number): Promise<Front> {
  const index = await fetch(api);
  if (process.env.LINKLOOM_PAGE === 'binary') {
    if (!(await index.text()).includes('/assets/')) {
      throw new Error(`${binaryPath()} holds no page: build dist, then the binary`);
    }
    return { url: api, close: async () => {} };
  }
  if (!existsSync(join(WEB, 'dist/index.html'))) throw new Error('dist is empty: npm run build first');
  // The policy the binary serves the page with, whether it holds one or not.
  const policy = index.headers.get('content-security-policy');
  if (!policy) throw new Error(`${binaryPath()} serves pages without a policy`);
  const page = await preview({
    root: WEB,
    configFile: false,
    logLevel: 'silent',
    preview: {
      host: '127.0.0.1',
      port,
      strictPort: true,
      proxy: {
        '/api': {
          target: api,
          configure: (proxy) => {
            proxy.on('error', (_error, _request, response) => void response.destroy());
            proxy.on('proxyRes', (answer, _request, response) =>
              answer.once('close', () => answer.complete || response.destroy()),
            );
          },
        },
      },
      headers: { 'content-security-policy': policy },
    },
  });
  return { url: `http://127.0.0.1:${port}`, close: () => page.close() };
}

/** A server for one test, on a store of its own, that can go away and come back. */
export class OwnServer {
  private child: ChildProcess | null = null;
  private page: Front | null = null;
  private readonly folder = mkdtempSync(join(tmpdir(), 'linkloom-own-'));
  private readonly more: string[] = [];

  /** `settings`: a configuration in TOML; `TOKENS` in it is the path of a file that holds `tokens`. */
  constructor(settings = '', tokens = '') {
    const file = (name: string, text: string) => {
      writeFileSync(join(this.folder, name), text, { mode: 0o600 });
      return join(this.folder, name);
    };
    if (!settings) return;
    const text = settings.replace('TOKENS', JSON.stringify(file('tokens', tokens)));
    this.more.push('--config', file('linkloom.toml', text));
  }

  private readonly port = firstPort() + 2;
  readonly api = `http://127.0.0.1:${this.port}/api/v1`;

  get url(): string {
    if (!this.page) throw new Error('the server was not started');
    return this.page.url;
  }

  async start(): Promise<void> {
    this.child = await serve(join(this.folder, 'store'), this.port, this.more);
    this.page ??= await front(`http://127.0.0.1:${this.port}`, this.port + 1);
  }

  /** As when the machine fails: nothing is said to anybody. */
  async kill(): Promise<void> {
    if (this.child) await end(this.child, 'SIGKILL');
  }

  async close(): Promise<void> {
    await this.page?.close();
    if (this.child) await end(this.child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
