import { defineConfig } from '@playwright/test';

// The tests run against a real binary with real data: LINKLOOM_BIN names it, e2e/server.ts starts and fills it.
export default defineConfig({
  testDir: 'e2e',
  globalSetup: './e2e/server.ts',
  // Two cores may have other work, and an audit of a page takes seconds.
  timeout: 90_000,
  expect: { timeout: 8000 },
  workers: 1,
  retries: 0,
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox'],
    },
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    timezoneId: 'Asia/Shanghai',
    screenshot: 'only-on-failure',
  },
});
