/** Every page: axe finds nothing in either theme, and a phone shows it without pushing sideways. */
import type { Page } from '@playwright/test';
import { judge } from './axe';
import { expect, logIn, test } from './fixtures';
import { pages, seed } from './seed';

// Hundreds of pages in one test: a trace of them all is slower than the pages.
test.use({ trace: 'off' });

/** Only pages whose names match, for a quick look. */
const wanted = new RegExp(process.env.BERTH_TEST_PAGES ?? '');

async function settle(page: Page) {
  await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0);
}

test('every page is for everybody, in both themes and on a phone', async ({ page, server }) => {
  test.setTimeout(900_000);
  const { digest } = await seed(server);
  // What moves is judged half-way otherwise.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const scheme of ['light', 'dark'] as const) {
    await page.goto('/login');
    await page.evaluate(
      (value) => localStorage.setItem('mantine-color-scheme-value', value),
      scheme,
    );
    await page.goto('/login');
    await judge(page, `login ${scheme}`);
    await logIn(page);
    for (const { name, path, heading } of pages(digest).filter((one) => wanted.test(one.name))) {
      await page.goto(path);
      await expect(page.getByRole('heading', { name: heading }).first()).toBeVisible();
      await settle(page);
      await judge(page, `${name} ${scheme}`);
      if (scheme === 'light') {
        const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
        expect.soft(await wide(), `${name} on a desk`).toBeLessThanOrEqual(1280);
        await page.setViewportSize({ width: 390, height: 800 });
        // The navigation slides out first.
        await expect.poll(wide, { message: `${name} on a phone` }).toBeLessThanOrEqual(390);
        await page.setViewportSize({ width: 1280, height: 800 });
      }
    }
    await page.context().clearCookies();
  }
});

test('dialogs are for everybody', async ({ page, server }) => {
  test.setTimeout(180_000);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await server.api('POST', '/api/v2.0/projects', { project_name: 'dialogs', metadata: {} });
  await logIn(page);
  const dialogs: [path: string, button: string][] = [
    ['/projects', 'New project'],
    ['/projects/dialogs/members', 'Add member'],
    ['/projects/dialogs/labels', 'New label'],
    ['/projects/dialogs/robots', 'New robot account'],
    ['/projects/dialogs/webhooks', 'New webhook'],
    ['/projects/dialogs/retention', 'Add rule'],
    ['/projects/dialogs/immutability', 'Add rule'],
    ['/projects/dialogs/vex', 'Add document'],
    ['/projects/dialogs/exports', 'New export'],
    ['/admin/users', 'New user'],
    ['/admin/cleanup', 'Change schedule'],
    ['/admin/security', 'Scan everything now'],
    ['/admin/scanners', 'Register scanner'],
  ];
  for (const [path, button] of dialogs) {
    await page.goto(path);
    await page.getByRole('button', { name: button }).first().click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await settle(page);
    await judge(page, `${path} ${button}`);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await expect(page.getByRole('dialog')).toBeHidden();
  }
});
