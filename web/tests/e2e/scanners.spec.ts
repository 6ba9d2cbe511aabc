/** Scanners are kept, a project is configured, and vulnerable images are held back. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { importAdvisories } from './advisories';
import { expect, logIn, test } from './fixtures';
import { push } from './image';
import { ADMIN } from './server';

// It begins without advisories.
test.use({ serverOf: 'scanners' });

/** A scanner that only says what it is, to those who bring its token. */
async function scanner() {
  const metadata = {
    scanner: { name: 'Elsewhere', vendor: 'Somebody', version: '7.1' },
    capabilities: [
      {
        type: 'vulnerability',
        consumes_mime_types: ['application/vnd.docker.distribution.manifest.v2+json'],
        produces_mime_types: ['application/vnd.security.vulnerability.report; version=1.1'],
      },
    ],
    properties: { 'made-for': 'a test' },
  };
  const server = createServer((request, response) => {
    const known = request.headers.authorization === 'Bearer a-token';
    response.writeHead(known ? 200 : 401, {
      'content-type': 'application/vnd.scanner.adapter.metadata+json; version=1.0',
    });
    response.end(known ? JSON.stringify(metadata) : '{}');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

test('scanners, and the feeds that the built-in one uses', async ({ page, server }) => {
  const other = await scanner();
  await logIn(page);
  await page.getByRole('link', { name: 'Scanners' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'Built in' })).toContainText('Default');

  await test.step('register one', async () => {
    await page.getByRole('button', { name: 'Register scanner' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Name/).fill('other');
    await dialog.getByLabel(/^Address/).fill(other.url);
    await dialog.getByLabel('Login').selectOption('Token (Bearer)');
    await dialog.getByLabel(/^Token/).fill('wrong');
    await dialog.getByRole('button', { name: 'Test the connection' }).click();
    await expect(dialog.getByRole('alert')).toBeVisible();
    await dialog.getByLabel(/^Token/).fill('a-token');
    await dialog.getByRole('button', { name: 'Test the connection' }).click();
    await expect(dialog.getByText('It answers')).toBeVisible();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('row').filter({ hasText: other.url })).toBeVisible();
  });

  const act = async (name: string) => {
    await page.getByRole('button', { name: 'More actions for other' }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  const row = page.getByRole('row').filter({ hasText: other.url });

  await test.step('read what it says of itself', async () => {
    await act('What it says of itself');
    await expect(page.getByRole('dialog')).toContainText('Somebody');
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  });

  await test.step('change, disable, enable, make it the default, delete it', async () => {
    await act('Edit');
    await page.getByRole('dialog').getByLabel('Description').fill('The other one');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await expect(row).toContainText('The other one');
    await act('Disable');
    await expect(row).toContainText('Disabled');
    await act('Enable');
    await expect(row).not.toContainText('Disabled');
    // Its token is still there: it answers.
    await act('What it says of itself');
    await expect(page.getByRole('dialog')).toContainText('Elsewhere');
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await act('Make it the default');
    await expect(row).toContainText('Default');
    await page.getByRole('button', { name: 'More actions for Berth' }).click();
    await page.getByRole('menuitem', { name: 'Make it the default' }).click();
    await expect(row).not.toContainText('Default');
    await act('Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect(row).toHaveCount(0);
  });

  await test.step('look at the feeds', async () => {
    await page.getByRole('link', { name: 'Advisories' }).click();
    await expect(page.getByText('There are no advisories yet')).toBeVisible();
    importAdvisories(server);
    await page.reload();
    const feed = page.getByRole('row').filter({ hasText: 'debian' });
    await expect(feed).toContainText('6');
    await expect(feed).not.toContainText('old');
  });

  await test.step('send a file as a feed', async () => {
    await page.getByRole('button', { name: 'Send a file' }).first().click();
    const dialog = page.getByRole('dialog');
    const advisory = {
      id: 'CVE-2026-4242',
      modified: '2026-01-01T00:00:00Z',
      affected: [{ package: { ecosystem: 'npm', name: 'left' }, versions: ['1.0.0'] }],
    };
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      dialog.getByRole('button', { name: /^File/ }).click(),
    ]);
    await chooser.setFiles({
      name: 'own.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(advisory)),
    });
    await expect(dialog.getByLabel(/^Feed/)).toHaveValue('own');
    await dialog.getByRole('button', { name: 'Import' }).click();
    const row = page.getByRole('row').filter({ hasText: 'own' });
    await expect(row).toContainText('Sent by hand');
  });

  await test.step('fetch one, and read why it failed', async () => {
    await page.getByRole('button', { name: 'Add feed' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Feed/).fill('elsewhere');
    await dialog.getByLabel(/^Address/).fill(other.url);
    await dialog.getByRole('button', { name: 'Save' }).click();
    const row = page.getByRole('row').filter({ hasText: other.url });
    await expect(row).toContainText('answered 401');
    await expect(row).toContainText('Every day');
    await page.getByRole('button', { name: 'More actions for elsewhere' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect(row).toHaveCount(0);
  });
  other.close();
});

test('a project that holds vulnerable images back', async ({ page, server }) => {
  await server.api('POST', '/api/v2.0/projects', { project_name: 'held', metadata: {} });
  importAdvisories(server);
  await logIn(page);
  await page.goto('/projects/held/settings');
  await page.getByRole('switch', { name: 'Scan what is pushed' }).click();
  await page.getByRole('switch', { name: 'Hold vulnerable images back' }).click();
  await page.getByLabel('From this severity on').selectOption('Critical');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('switch', { name: 'Scan what is pushed' })).toBeChecked();

  const { digest } = await push(server, 'held/app', '1.0', 'held');
  await page.goto('/projects/held/repositories/app');
  await expect(page.getByRole('img', { name: /of severity Critical/ })).toBeVisible();
  const pull = async () => {
    const login = Buffer.from(`${ADMIN.name}:${ADMIN.password}`).toString('base64');
    const found = await fetch(`${server.url}/v2/held/app/manifests/${digest}`, {
      headers: { authorization: `Basic ${login}` },
    });
    return found.status;
  };
  expect(await pull()).toBe(412);

  await page.goto('/projects/held/settings');
  await page.getByRole('radio', { name: 'A list of this project' }).check();
  await page
    .getByLabel(/^CVE ids/)
    .first()
    .fill('CVE-2026-1001 ');
  await page.getByLabel('The list holds until').fill('2099-12-31');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect.poll(pull).toBe(200);

  await expect(page.getByLabel('Scanner', { exact: true })).toContainText('Berth (default)');
});
