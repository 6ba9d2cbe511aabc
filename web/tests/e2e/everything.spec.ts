/** Everything is scanned, by hand and by a schedule, and what was found is taken away as a file. */
import { readFileSync } from 'node:fs';
import { importAdvisories } from './advisories';
import { expect, logIn, test } from './fixtures';
import { push } from './image';

// It counts every image of its server.
test.use({ serverOf: 'everything' });

test('everything is scanned, and exported', async ({ page, server }) => {
  test.setTimeout(120_000);
  await server.api('POST', '/api/v2.0/projects', { project_name: 'all', metadata: {} });
  await push(server, 'all/app', '1.0', 'one');
  await push(server, 'all/tool', '2.0', 'two');
  importAdvisories(server);
  await logIn(page);

  await test.step('now', async () => {
    await page.goto('/admin/security');
    await expect(page.getByText('Everything was never scanned at once.')).toBeVisible();
    await expect(page.getByText('Counted each day')).toBeVisible();
    await page.getByRole('button', { name: 'Scan everything now' }).click();
    const question = page.getByRole('dialog');
    await question.getByRole('button', { name: 'Scan everything now' }).click();
    await expect(page.getByText('2 of 2 images')).toBeVisible();
    await expect(page.getByText('The last time')).toBeVisible();
    await expect(page.getByText('Succeeded')).toBeVisible();
  });

  await test.step('what was found is searched for with the keyboard', async () => {
    const dialog = page.getByRole('dialog');
    await page.keyboard.press('/');
    await page.keyboard.type('cve-2026-1001');
    const hits = dialog.getByRole('region', { name: 'Images with this vulnerability' });
    await expect(hits.getByRole('link')).toHaveCount(2);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('table', { name: 'Vulnerabilities' })).toContainText(
      'CVE-2026-1001',
    );
    await page.keyboard.press('/');
    await page.keyboard.type('2.');
    const tags = dialog.getByRole('region', { name: 'Tags and digests' });
    await expect(tags.getByRole('link')).toHaveText(['all/tool:2.0']);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'Found for “2.”' })).toBeVisible();
    await expect(page.getByRole('table', { name: 'Tags and digests' })).toContainText('2.0');
    await page.goto('/admin/security');
  });

  await test.step('by a schedule', async () => {
    await page.getByRole('button', { name: 'Change schedule' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Runs').selectOption('Weekly');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Every week (UTC)')).toBeVisible();
    await page.getByLabel('Shown').selectOption('High');
    await expect(page.getByRole('list', { name: 'High' })).toBeVisible();
  });

  await test.step('as a file, once', async () => {
    await page.goto('/projects/all/exports');
    await expect(page.getByText('No exports yet')).toBeVisible();
    await page.getByRole('button', { name: 'New export' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Repositories').fill('app*');
    await dialog.getByLabel('Vulnerabilities').fill('CVE-2026-1001');
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /^Download/ }).click(),
    ]);
    const lines = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\r\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.slice(1).every((line) => line.includes('CVE-2026-1001'))).toBe(true);
    await expect(page.getByText('Fetched or expired')).toBeVisible();
  });
});
