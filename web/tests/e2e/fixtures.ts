/** A server for each worker, or for a file that asks for its own, and people in front of it. */
import { test as base, expect, type Page } from '@playwright/test';
import { ADMIN, Server } from './server';

export { expect };

interface Workers {
  server: Server;
  /**
   * A file that counts on a server nobody else has used names itself here: workers are told apart
   * by it, so the file gets a worker and thereby a server of its own, whatever ran before.
   */
  serverOf: string;
}

export const test = base.extend<object, Workers>({
  serverOf: ['everybody', { option: true, scope: 'worker' }],
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads which fixtures are asked for
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  page: async ({ page }, use) => {
    const broken: string[] = [];
    page.on('pageerror', (error) => broken.push(error.message));
    page.on('console', (message) => {
      // The policy of the page refused something: a style or a script without leave.
      if (/Content.Security.Policy/i.test(message.text())) broken.push(message.text());
    });
    await use(page);
    expect(broken, 'what the page complained of').toEqual([]);
  },
});

export async function logIn(page: Page, who = ADMIN) {
  await page.goto('/login');
  await page.getByLabel('User name or e-mail').fill(who.name);
  await page.getByLabel(/^Password/).fill(who.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { name: 'Projects', level: 1 })).toBeVisible();
}
