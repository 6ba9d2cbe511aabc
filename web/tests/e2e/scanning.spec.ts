/** An image is scanned, its report read, and a vulnerability let pass. */
import { readFileSync } from 'node:fs';
import { importAdvisories } from './advisories';
import { expect, logIn, test } from './fixtures';
import { push, pushIndex } from './image';

// It begins without advisories.
test.use({ serverOf: 'scanning' });

test('a scan, its report, and what is let pass', async ({ page, server }) => {
  test.setTimeout(120_000);
  await server.api('POST', '/api/v2.0/projects', { project_name: 'scans', metadata: {} });
  await push(server, 'scans/app', '1.0', 'one');
  await push(server, 'scans/app', '2.0', 'two');
  await logIn(page);
  await page.goto('/projects/scans/repositories/app');

  await test.step('without advisories it says that nothing found means nothing', async () => {
    await expect(page.getByText('Not scanned')).toHaveCount(2);
    await page.getByRole('row').filter({ hasText: '1.0' }).getByText('Not scanned').click();
    await expect(page.getByText('This image has not been scanned')).toBeVisible();
    await page.getByRole('button', { name: 'Scan', exact: true }).click();
    await expect(page.getByText('There are no advisories to hold it against')).toBeVisible();
  });

  await test.step('an import is seen without another scan', async () => {
    importAdvisories(server);
    await page.reload();
    const table = page.getByRole('table', { name: 'Vulnerabilities' });
    await expect(table.getByRole('row')).toHaveCount(6);
    await expect(table.getByRole('row').nth(1)).toContainText('Critical');
    await expect(table.getByRole('row').nth(1)).toContainText('Layer 1');
    await expect(table.getByText('Exploited')).toBeVisible();
  });

  await test.step('the address keeps the filters', async () => {
    const table = page.getByRole('table', { name: 'Vulnerabilities' });
    await page.getByLabel('Which vulnerabilities').selectOption('With a fixed version');
    await page.getByLabel('Find an id or a package').fill('openssl');
    await expect(table.getByRole('row')).toHaveCount(3);
    await page.reload();
    await expect(table.getByRole('row')).toHaveCount(3);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as CSV' }).click(),
    ]);
    const csv = readFileSync(await download.path(), 'utf8');
    expect(csv.trim().split('\r\n')).toHaveLength(3);
    expect(csv).toContain('CVE-2026-1001');
  });

  await test.step('what the makers say is shown beside it', async () => {
    await server.api('POST', '/api/v2.0/projects/scans/vex', {
      '@context': 'https://openvex.dev/ns/v0.2.0',
      '@id': 'https://example.org/vex/1',
      author: 'The makers',
      timestamp: '2026-05-01T00:00:00Z',
      statements: [
        {
          vulnerability: { name: 'CVE-2026-1001' },
          products: [{ '@id': 'pkg:deb/debian/openssl' }],
          status: 'under_investigation',
        },
      ],
    });
    await page.reload();
    await expect(page.getByText('Being looked into').first()).toBeVisible();
  });

  await test.step('one is let pass until a day', async () => {
    await page.getByRole('button', { name: 'Details of CVE-2026-1001' }).click();
    await expect(page.getByText('ADD base.tar /')).toBeVisible();
    await page.getByRole('button', { name: 'Let pass…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('radio', { name: 'The list of this project' }).check();
    await dialog.getByLabel('The list holds until').fill('2099-12-31');
    await dialog.getByRole('button', { name: 'Add' }).click();
    await expect(page.getByText('CVE-2026-1001 is let pass')).toBeVisible();
    const table = page.getByRole('table', { name: 'Vulnerabilities' });
    await expect(table.getByText('Let pass', { exact: true })).toHaveCount(1);
    const project = (await server.api('GET', '/api/v2.0/projects/scans')) as {
      cve_allowlist: { items: object[]; expires_at: number };
    };
    expect(project.cve_allowlist.items).toEqual([{ cve_id: 'CVE-2026-1001' }]);
    expect(project.cve_allowlist.expires_at).toBe(Date.UTC(2099, 11, 31, 23, 59, 59) / 1000);
  });

  await test.step('the log says what was read', async () => {
    await page.getByRole('button', { name: 'Scan log' }).click();
    await expect(page.getByRole('log')).toContainText('layer sha256:');
    await page.keyboard.press('Escape');
  });

  await test.step('several are scanned at once', async () => {
    await pushIndex(server, 'scans/app', 'multi', 'many');
    await page.goto('/projects/scans/repositories/app');
    await page.getByRole('checkbox', { name: 'Choose all on this page' }).check();
    await page.getByRole('button', { name: /^Scan/ }).click();
    const row = page.getByRole('row').filter({ hasText: '2.0' });
    await expect(row.getByRole('img', { name: /of severity Critical/ })).toBeVisible();
    await page.getByRole('button', { name: '2 platforms' }).click();
    const tree = page.getByRole('list', { name: 'Platforms' });
    await expect(tree.getByRole('img', { name: /of severity Critical/ })).toHaveCount(2);
    await page.getByRole('row').filter({ hasText: 'multi' }).getByText('See its platforms').click();
    const platforms = page.getByRole('table', { name: 'Vulnerabilities' });
    await expect(platforms.getByRole('img', { name: /of severity/ })).toHaveCount(2);
    await platforms.getByRole('link', { name: 'linux/arm64' }).click();
    await expect(page.getByRole('row').filter({ hasText: 'CVE-2026-1001' })).toBeVisible();
  });

  await test.step('the list of repositories counts those of the newest image', async () => {
    await page.goto('/projects/scans/repositories');
    const row = page.getByRole('row').filter({ hasText: 'app' });
    await row.getByRole('img', { name: /of severity Critical/ }).click();
    await expect(page.getByRole('row').filter({ hasText: 'CVE-2026-1001' })).toBeVisible();
  });

  await test.step('the overview finds it wherever it is', async () => {
    await page.getByRole('link', { name: 'Security overview' }).click();
    await expect(page.getByRole('heading', { name: 'Worst images' })).toBeVisible();
    await page.getByRole('link', { name: 'CVE-2026-1001' }).click();
    const rows = page.getByRole('table', { name: 'All vulnerabilities' }).getByRole('row');
    // Two images and the two of the index.
    await expect(rows).toHaveCount(5);
    await page.getByLabel('Severity', { exact: true }).selectOption('Low');
    await expect(page.getByText('Nothing matches')).toBeVisible();
    await page.getByLabel('Severity', { exact: true }).selectOption('Critical');
    await rows.nth(1).getByRole('link').click();
    await expect(page.getByRole('tab', { name: 'Vulnerabilities' })).toHaveAttribute(
      'aria-selected',
      'true',
    );
  });
});
