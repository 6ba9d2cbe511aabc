/** The SBOM of an image is made, read, and downloaded; a project has them made of what is pushed. */
import { readFileSync } from 'node:fs';
import { judge } from './axe';
import { expect, logIn, test } from './fixtures';
import { attach, push, pushIndex } from './image';

test('an SBOM is made, searched and downloaded', async ({ page, server }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await server.api('POST', '/api/v2.0/projects', { project_name: 'bills', metadata: {} });
  await push(server, 'bills/app', '1.0', 'bill');
  await pushIndex(server, 'bills/app', 'multi', 'bills');
  await logIn(page);
  await page.goto('/projects/bills/repositories/app/artifacts/1.0');
  const table = page.getByRole('table', { name: 'Packages of this image' });
  const rows = table.getByRole('row');

  await test.step('it is made', async () => {
    await page.getByRole('tab', { name: 'SBOM' }).click();
    await expect(page.getByText('This image has no SBOM')).toBeVisible();
    await page.getByRole('button', { name: 'Make the SBOM' }).click();
    await expect(rows).toHaveCount(6);
    await expect(page.getByRole('definition').filter({ hasText: 'debian 12' })).toBeVisible();
    await page.getByRole('button', { name: 'Log', exact: true }).click();
    await expect(page.getByRole('log')).toContainText('5 packages');
    await page.keyboard.press('Escape');
  });

  await test.step('its packages are found', async () => {
    const six = rows.filter({ hasText: 'six' });
    await expect(six).toContainText('1.16.0');
    await expect(six).toContainText('MIT');
    await expect(six).toContainText('Python');
    await page.getByLabel('Find a package, licence or file').fill('mit');
    await expect(rows).toHaveCount(2);
    await page.reload();
    await expect(rows).toHaveCount(2);
    await page.getByRole('button', { name: 'Details of six' }).click();
    await expect(six).toContainText('pkg:pypi/six@1.16.0');
    await judge(page, 'a package of an SBOM');
    await page.getByLabel('Find a package, licence or file').clear();
    await page.getByLabel('Kind', { exact: true }).selectOption('deb (4)');
    await expect(rows).toHaveCount(5);
    await table.getByRole('button', { name: 'Package' }).click();
    await table.getByRole('button', { name: 'Package' }).click();
    await expect(rows.nth(1)).toContainText('zlib1g');
  });

  await test.step('it is downloaded in both forms', async () => {
    for (const [form, ending, mark] of [
      ['SPDX', '.spdx.json', { spdxVersion: 'SPDX-2.3' }],
      ['CycloneDX', '.cdx.json', { bomFormat: 'CycloneDX' }],
    ] as const) {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: `Download ${form}` }).click(),
      ]);
      expect(download.suggestedFilename()).toBe(`bills-app-1.0${ending}`);
      expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toMatchObject(mark);
    }
  });

  await test.step('it can be read where it is itself', async () => {
    await page.getByRole('tab', { name: 'Attached' }).click();
    await page.getByRole('tabpanel').getByRole('link', { name: 'SBOM' }).click();
    await page.getByRole('tab', { name: 'SBOM' }).click();
    await expect(rows).toHaveCount(6);
    await expect(page.getByRole('button', { name: /^Make/ })).toHaveCount(0);
  });

  await test.step('an index has those of its platforms', async () => {
    await page.goto('/projects/bills/repositories/app/artifacts/multi?part=sbom');
    const platforms = page.getByRole('table', { name: 'SBOM' });
    await expect(platforms.getByText('None')).toHaveCount(2);
    await page.getByRole('button', { name: 'Make the SBOM' }).click();
    await expect(platforms.getByText('There is one')).toHaveCount(2);
    await expect(page.getByRole('button', { name: 'Make it again' })).toBeVisible();
    await platforms.getByRole('link', { name: 'linux/arm64' }).click();
    await expect(rows).toHaveCount(6);
  });
});

test('SBOMs of several images are made at once', async ({ page, server }) => {
  await server.api('POST', '/api/v2.0/projects', { project_name: 'several', metadata: {} });
  for (const tag of ['1.0', '2.0', '3.0']) await push(server, 'several/app', tag, `several ${tag}`);
  await logIn(page);
  await page.goto('/projects/several/repositories/app');
  for (const tag of ['1.0', '2.0']) await page.getByRole('checkbox', { name: tag }).check();
  await expect(page.getByText('2 chosen')).toBeVisible();
  await page.getByRole('button', { name: 'Make SBOMs' }).click();
  await expect(page.getByText('2 SBOMs were asked for')).toBeVisible();
  for (const tag of ['1.0', '2.0']) {
    const row = page.getByRole('row').filter({ hasText: tag });
    await row.getByRole('button', { name: '1 attached' }).click();
    await expect(row.getByRole('link', { name: 'SBOM' })).toBeVisible();
  }
  const other = page.getByRole('row').filter({ hasText: '3.0' });
  await expect(other.getByRole('button', { name: /attached/ })).toHaveCount(0);
  await page.evaluate(() => localStorage.setItem('berth.language', 'zh'));
  await page.reload();
  await page.getByRole('checkbox', { name: '3.0' }).check();
  await page.getByRole('button', { name: '生成 SBOM' }).click();
  await expect(other.getByRole('button', { name: /附件/ })).toBeVisible();
});

test('what somebody attached is shown with a warning', async ({ page, server }) => {
  await server.api('POST', '/api/v2.0/projects', { project_name: 'foreignbills', metadata: {} });
  const own = (content: object) => ({
    type: 'application/vnd.goharbor.harbor.sbom.v1',
    mediaType: 'application/spdx+json',
    content: JSON.stringify(content),
  });
  const good = await push(server, 'foreignbills/app', 'good', 'good');
  const document = {
    spdxVersion: 'SPDX-2.3',
    creationInfo: { created: '2026-01-02T03:04:05Z', creators: ['Tool: elsewhere-7'] },
    packages: [{ SPDXID: 'SPDXRef-1', name: 'theirs', licenseConcluded: 'BSD-3-Clause' }],
  };
  await attach(server, 'foreignbills/app', good, own(document));
  const odd = await push(server, 'foreignbills/app', 'odd', 'odd');
  await attach(server, 'foreignbills/app', odd, own({ hello: 'there' }));
  await logIn(page);
  await page.goto('/projects/foreignbills/repositories/app/artifacts/good?part=sbom');
  await expect(page.getByText('This SBOM was not made here')).toBeVisible();
  const row = page.getByRole('row').filter({ hasText: 'theirs' });
  await expect(row).toContainText('BSD-3-Clause');
  await expect(page.getByText('elsewhere-7')).toBeVisible();
  await page.goto('/projects/foreignbills/repositories/app/artifacts/odd?part=sbom');
  await expect(page.getByText('This SBOM is in a form that cannot be shown')).toBeVisible();
  // One of its own takes its place.
  await page.getByRole('button', { name: 'Make it again' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'zlib1g' })).toBeVisible();
  await expect(page.getByText('This SBOM was not made here')).toHaveCount(0);
});

test('what is pushed gets an SBOM by itself', async ({ page, server }) => {
  await server.api('POST', '/api/v2.0/projects', { project_name: 'autobills', metadata: {} });
  await logIn(page);
  await page.goto('/projects/autobills/settings');
  await page.getByRole('switch', { name: 'Make an SBOM of what is pushed' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('switch', { name: 'Make an SBOM of what is pushed' })).toBeChecked();
  await push(server, 'autobills/app', '1.0', 'by itself');
  await page.goto('/projects/autobills/repositories/app/artifacts/1.0?part=sbom');
  await expect(page.getByRole('table', { name: 'Packages of this image' })).toBeVisible();
});

test('a making that hangs is shown, and stopped', async ({ page, server }) => {
  await server.api('POST', '/api/v2.0/projects', { project_name: 'slowbills', metadata: {} });
  const { digest } = await push(server, 'slowbills/app', '1.0', 'slow');
  await logIn(page);
  // What the server would say of a long one: real ones here end at once.
  const overview = {
    report_id: 'r',
    scan_status: 'Running',
    start_time: '2026-01-01T00:00:00Z',
    duration: 0,
    scanner: { name: 'Berth', vendor: 'Berth', version: '0' },
  };
  let status = 'Running';
  await page.route(
    (url) => url.pathname.startsWith('/api/') && url.pathname.endsWith('/artifacts/1.0'),
    async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      await route.fulfill({
        response,
        json: { ...body, sbom_overview: { ...overview, scan_status: status } },
      });
    },
  );
  const stops: unknown[] = [];
  await page.route(
    (url) => url.pathname.endsWith(`/artifacts/${encodeURIComponent(digest)}/scan/stop`),
    async (route) => {
      stops.push(route.request().postDataJSON());
      status = 'Stopped';
      await route.fulfill({ status: 202 });
    },
  );
  await page.goto('/projects/slowbills/repositories/app/artifacts/1.0?part=sbom');
  await expect(page.getByText('The SBOM is being made')).toBeVisible();
  await page.getByRole('button', { name: 'Stop making it' }).click();
  await expect(page.getByText('The making of the SBOM was stopped')).toBeVisible();
  expect(stops).toEqual([{ scan_type: 'sbom' }]);
  status = 'Error';
  await page.reload();
  await expect(page.getByText('The SBOM could not be made')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Make the SBOM' })).toBeVisible();
});
