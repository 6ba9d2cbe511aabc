/** A repository with hundreds of artifacts: pages, the address, the keyboard, and that it is quick. */
import type { Page } from '@playwright/test';
import { judge } from './axe';
import { expect, logIn, test } from './fixtures';
import { push } from './image';
import type { Server } from './server';

const COUNT = 300;

async function fill(server: Server) {
  await server.api('POST', '/api/v2.0/projects', { project_name: 'many', metadata: {} });
  const first = await push(server, 'many/app', 'v1', 'many 1');
  // A few at a time: the last one that is pushed is the newest.
  for (let number = 2; number < COUNT; number += 6) {
    const some = Array.from({ length: Math.min(6, COUNT - number) }, (_, nr) => number + nr);
    await Promise.all(some.map((one) => push(server, 'many/app', `v${one}`, `many ${one}`)));
  }
  await push(server, 'many/app', `v${COUNT}`, `many ${COUNT}`);
  return first;
}

const rows = (page: Page) => page.getByRole('table', { name: 'Artifacts' }).getByRole('row');
const pageButton = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

test('hundreds of artifacts are paged, sorted and found', async ({ page, server }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await fill(server);
  await logIn(page);
  await page.goto('/projects/many/repositories/app');

  await test.step('pages, as the address says', async () => {
    await expect(page.getByText(`${COUNT} entries`)).toBeVisible();
    await expect(rows(page)).toHaveCount(16);
    await expect(rows(page).nth(1)).toContainText(`v${COUNT}`);
    await pageButton(page, '20').click();
    await expect(page).toHaveURL(/page=20/);
    await expect(rows(page).last()).toContainText('v1');
    await page.reload();
    await expect(rows(page).last()).toContainText('v1');
    await pageButton(page, 'Previous page').click();
    await expect(page).toHaveURL(/page=19/);
    await page.getByLabel('Entries on a page').selectOption('100');
    await expect(page).toHaveURL(/size=100/);
    await expect(page).not.toHaveURL(/page=/);
    await expect(rows(page)).toHaveCount(101);
  });

  await test.step('what is chosen stays with the page it is on', async () => {
    await page.getByRole('checkbox', { name: 'Choose all on this page' }).check();
    await expect(page.getByText('100 chosen')).toBeVisible();
    await page.getByRole('checkbox', { name: 'Choose all on this page' }).uncheck();
  });

  await test.step('order and filter are in the address', async () => {
    await page.getByRole('button', { name: 'Pushed' }).click();
    await expect(page).toHaveURL(/sort=push_time/);
    await expect(rows(page).nth(1)).toContainText('v1');
    await page.getByLabel('Find a tag').fill('v29');
    // v29 and v290 to v299.
    await expect(rows(page)).toHaveCount(12);
    await page.reload();
    await expect(rows(page)).toHaveCount(12);
    await expect(page.getByLabel('Find a tag')).toHaveValue('v29');
  });

  await test.step('by keyboard alone', async () => {
    await page.goto('/projects/many/repositories/app');
    const next = pageButton(page, 'Next page');
    await next.focus();
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/page=2\b/);
    await expect(next).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/page=3\b/);
    await page.getByRole('checkbox', { name: 'v264' }).focus();
    await page.keyboard.press('Space');
    await expect(page.getByText('1 chosen')).toBeVisible();
    await judge(page, 'a page of many artifacts');
  });
});

/** Answers the list of artifacts as a repository of ten thousand would. */
async function pretend(page: Page, total: number) {
  await page.route(/\/repositories\/app\/artifacts\?/, async (route) => {
    const url = new URL(route.request().url());
    const asked = Number(url.searchParams.get('page_size'));
    const first = (Number(url.searchParams.get('page')) - 1) * asked;
    const answer = await route.fetch({
      url: `${url.origin}${url.pathname}?page_size=1&with_tag=true&with_scan_overview=true`,
    });
    const [one] = (await answer.json()) as [{ tags: { name: string }[] }];
    const list = Array.from({ length: asked }, (_, nr) => ({
      ...one,
      id: first + nr,
      digest: `sha256:${String(first + nr).padStart(64, '0')}`,
      tags: one.tags.map((tag) => ({ ...tag, id: first + nr, name: `n${first + nr}` })),
    }));
    await route.fulfill({
      response: answer,
      headers: { ...answer.headers(), 'x-total-count': String(total) },
      json: list,
    });
  });
}

test('a list of ten thousand rows does not hold up the page', async ({ page, server }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await server.api('POST', '/api/v2.0/projects', { project_name: 'crowd', metadata: {} });
  await push(server, 'crowd/app', 'n0', 'crowd');
  await pretend(page, 10_000);
  await logIn(page);
  await page.goto('/projects/crowd/repositories/app?size=100');
  await expect(page.getByText('10,000 entries')).toBeVisible();
  // One page is in the document, however long the list is.
  await expect(rows(page)).toHaveCount(101);
  expect(await page.locator('*').count()).toBeLessThan(9_000);
  // Time of the page's own thread: what else the machine does is not counted.
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const worked = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return metrics.find((one) => one.name === 'TaskDuration')?.value ?? Number.NaN;
  };
  const before = await worked();
  for (let nr = 2; nr <= 6; nr += 1) {
    await pageButton(page, 'Next page').click();
    await expect(rows(page).nth(1)).toContainText(`n${(nr - 1) * 100}`);
  }
  await pageButton(page, '100').click();
  await expect(rows(page).last()).toContainText('n9999');
  const each = ((await worked()) - before) / 6;
  test.info().annotations.push({ type: 'a page', description: `${each.toFixed(2)} s` });
  expect(each, 'seconds of work for a page').toBeLessThan(1.5);
});
