import { defineConfig } from '@playwright/test';
import base from './playwright.config';

/** Pictures of every page: `make screenshots`. */
export default defineConfig({
  ...base,
  testDir: 'tests/screenshots',
  outputDir: 'test-results/screenshots',
  timeout: 600_000,
  reporter: [['line']],
});
