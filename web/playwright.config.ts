import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

/** Debian's own browser: nothing is downloaded. */
const chromium = process.env.BERTH_TEST_CHROMIUM ?? '/usr/bin/chromium';

export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: 'test-results',
  // Each worker has a server of its own.
  workers: 2,
  fullyParallel: false,
  // Bounds for a machine that has much else to do, not what a page may take.
  timeout: 240_000,
  expect: { timeout: 45_000 },
  reporter: [['line'], ['json', { outputFile: 'test-results/report.json' }]],
  use: {
    actionTimeout: 45_000,
    navigationTimeout: 60_000,
    locale: 'en-GB',
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: existsSync(chromium) ? chromium : undefined,
      // Root has no sandbox to go into.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    },
  },
});
