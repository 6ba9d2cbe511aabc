/** What people do on their first day, from the first login to a garbage collection. */
import { importAdvisories } from './advisories';
import { expect, logIn, test } from './fixtures';
import { pushAsPeopleDo } from './image';

test('from the first login to a collection', async ({ page, server }) => {
  test.setTimeout(180_000);
  await logIn(page);

  await test.step('make a project', async () => {
    await page.getByRole('button', { name: 'New project' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Project/).fill('Bad Name');
    await dialog.getByRole('button', { name: 'New project' }).click();
    await expect(dialog.getByLabel(/^Project/)).toHaveAttribute('aria-invalid', 'true');
    await dialog.getByLabel(/^Project/).fill('journey');
    await dialog.getByRole('button', { name: 'New project' }).click();
    await expect(page.getByRole('heading', { name: 'journey', level: 1 })).toBeVisible();
  });

  await test.step('add a member', async () => {
    await server.api('POST', '/api/v2.0/users', {
      username: 'jane',
      email: 'jane@example.com',
      realname: 'Jane',
      password: 'Choose-1-yourself',
    });
    await page.getByRole('tab', { name: 'Members' }).click();
    await page.getByRole('button', { name: 'Add member' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Name/).fill('jane');
    await dialog.getByRole('radio', { name: 'Maintainer' }).check();
    await dialog.getByRole('button', { name: 'Add member' }).click();
    await expect(page.getByRole('row', { name: /jane/ })).toBeVisible();
  });

  await test.step('a push appears without a reload', async () => {
    await page.getByRole('tab', { name: 'Repositories' }).click();
    await expect(page.getByText('This project is empty')).toBeVisible();
    pushAsPeopleDo(server, 'journey/team/app', '1.0', 'first');
    await page.getByRole('link', { name: 'team/app' }).click();
    await expect(page.getByRole('heading', { name: 'team/app', level: 1 })).toBeVisible();
    pushAsPeopleDo(server, 'journey/team/app', '2.0', 'second');
    await expect(page.getByRole('link', { name: '2.0', exact: true })).toBeVisible();
  });

  await test.step('look into an artifact', async () => {
    const row = page.getByRole('row').filter({ hasText: '2.0' });
    await row.getByRole('link', { name: /^sha256:/ }).click();
    await expect(page.getByRole('table', { name: 'Layers' }).getByRole('row')).toHaveCount(3);
    await page.getByRole('tab', { name: 'Build history' }).click();
    await expect(page.getByText('COPY second /app')).toBeVisible();
    const command = `docker pull ${server.host}/journey/team/app:2.0`;
    await expect(page.getByText(command)).toBeVisible();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy command' }).click();
    await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(command);
  });

  await test.step('scan it and read the report', async () => {
    importAdvisories(server);
    await page.getByRole('tab', { name: 'Vulnerabilities' }).click();
    await page.getByRole('button', { name: 'Scan', exact: true }).click();
    const found = page.getByRole('row').filter({ hasText: 'CVE-2026-1001' });
    await expect(found).toContainText('1.2-1');
    await found.getByRole('button', { name: 'Details of CVE-2026-1001' }).click();
    await expect(page.getByRole('link', { name: /CVE-2026-1001$/ })).toBeVisible();
  });

  await test.step('copy it into another project', async () => {
    await page.getByRole('button', { name: 'Copy to…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: /^Project/ }).click();
    await page.getByRole('option', { name: 'library' }).click();
    await dialog.getByLabel(/^Repository/).fill('copied');
    await dialog.getByRole('button', { name: 'Copy to…' }).click();
    await expect(page.getByRole('heading', { name: 'copied', level: 1 })).toBeVisible();
    await expect(page.getByRole('link', { name: /^sha256:/ })).toBeVisible();
    await page.goBack();
  });

  await test.step('delete a tag and restore it', async () => {
    await page.getByRole('link', { name: '2.0', exact: true }).click();
    await page.getByRole('button', { name: 'Delete tag' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect(page.getByText('This tag does not exist now', { exact: false })).toBeVisible();
    await page.getByRole('button', { name: /^Restore sha256/ }).click();
    await expect(page.getByRole('row').filter({ hasText: 'Current' })).toBeVisible();
  });

  await test.step('delete artifacts and take it back', async () => {
    await page.getByRole('link', { name: 'team/app' }).click();
    await page.getByRole('checkbox', { name: 'Choose 1.0' }).check();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect(page.getByRole('link', { name: '1.0', exact: true })).toBeHidden();
    const told = page.getByRole('alert').filter({ hasText: '1.0 was deleted' });
    await told.getByRole('button', { name: 'Undo' }).click();
    await expect(page.getByRole('link', { name: '1.0', exact: true })).toBeVisible();
  });

  await test.step('collect garbage', async () => {
    await page.getByRole('link', { name: 'Clean-up' }).click();
    await page.getByRole('button', { name: 'Run now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
    const runs = page.getByRole('table', { name: 'Runs' });
    await expect(runs.getByText('Succeeded').first()).toBeVisible();
    await expect(page.getByRole('list', { name: 'Freed' }).getByRole('listitem')).toHaveCount(1);
    await page.getByRole('button', { name: /^Log / }).first().click();
    await expect(page.getByRole('log')).not.toBeEmpty();
    await page.keyboard.press('Escape');
  });

  await test.step('change the language', async () => {
    await page.getByRole('button', { name: 'Language' }).click();
    await page.getByRole('menuitem', { name: '中文' }).click();
    await expect(page.getByRole('heading', { name: '清理', level: 1 })).toBeVisible();
    await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN');
    await page.reload();
    await expect(page.getByRole('heading', { name: '清理', level: 1 })).toBeVisible();
  });
});
