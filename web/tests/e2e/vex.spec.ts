/** What makers say of vulnerabilities: documents are added, looked at and deleted in the portal. */
import { importAdvisories } from './advisories';
import { judge } from './axe';
import { expect, logIn, test } from './fixtures';
import { push } from './image';

// It begins without advisories.
test.use({ serverOf: 'vex' });

const document = (id: string, status: string) => ({
  '@context': 'https://openvex.dev/ns/v0.2.0',
  '@id': `https://example.org/vex/${id}`,
  author: 'The makers',
  timestamp: '2026-05-01T00:00:00Z',
  statements: [
    {
      vulnerability: { name: 'CVE-2026-1001' },
      products: [{ '@id': 'pkg:deb/debian/openssl' }],
      status,
      justification: 'vulnerable_code_not_in_execute_path',
    },
    { vulnerability: { name: 'CVE-2026-1002' }, status: 'fixed' },
  ],
});

test('documents are added, looked at and deleted', async ({ page, server }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await server.api('POST', '/api/v2.0/projects', {
    project_name: 'said',
    metadata: { auto_scan: 'true' },
  });
  importAdvisories(server);
  const { digest } = await push(server, 'said/app', '1.0', 'said');
  await logIn(page);
  await page.goto('/projects/said');
  await page.getByRole('tab', { name: 'VEX' }).click();
  const rows = page.getByRole('table', { name: 'VEX documents' }).getByRole('row');
  const dialog = page.getByRole('dialog');
  const text = dialog.getByLabel(/^OpenVEX document/);

  await test.step('an empty list says what it is for', async () => {
    await expect(page.getByText('No VEX documents yet')).toBeVisible();
    await expect(page.getByText(/no longer keeps an image from being pulled/)).toBeVisible();
    await judge(page, 'no documents');
  });

  await test.step('what is no document is told before it is sent', async () => {
    await page.getByRole('button', { name: 'Add document' }).click();
    for (const [typed, why] of [
      ['{', 'This is no JSON.'],
      ['{"@context": "https://spdx.org"}', /This is no OpenVEX document/],
      [
        '{"@context": "https://openvex.dev/ns"}',
        'It has no @id, by which documents are told apart.',
      ],
    ] as const) {
      await text.fill(typed);
      await dialog.getByRole('button', { name: 'Add', exact: true }).click();
      await expect(text).toHaveAccessibleDescription(why);
    }
    await judge(page, 'a document that was refused');
  });

  await test.step('one is pasted', async () => {
    await text.fill(JSON.stringify(document('pasted', 'affected')));
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(rows.nth(1)).toContainText('https://example.org/vex/pasted');
    await expect(rows.nth(1)).toContainText('1 cannot be used');
  });

  await test.step('one is uploaded', async () => {
    await page.getByRole('button', { name: 'Add document' }).click();
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      dialog.getByRole('button', { name: 'File' }).click(),
    ]);
    const uploaded = { ...document('uploaded', 'not_affected'), timestamp: '2026-06-01T00:00:00Z' };
    await chooser.setFiles({
      name: 'app.vex.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(uploaded)),
    });
    await expect(text).toHaveValue(/uploaded/);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(rows).toHaveCount(3);
  });

  await test.step('one is looked at, by an address to share', async () => {
    await page
      .getByRole('button', { name: 'https://example.org/vex/uploaded', exact: true })
      .click();
    await expect(page).toHaveURL(/document=/);
    await page.reload();
    const statements = dialog.getByRole('table', { name: 'Statements' }).getByRole('row');
    await expect(statements).toHaveCount(3);
    await expect(statements.nth(1)).toContainText('The vulnerable code is never run');
    await expect(statements.nth(1)).toContainText('pkg:deb/debian/openssl');
    await judge(page, 'a document');
    await dialog.getByLabel('Find a vulnerability or a product').fill('1002');
    await expect(statements).toHaveCount(2);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect(page).not.toHaveURL(/document/);
  });

  await test.step('the report says it', async () => {
    await page.goto(`/projects/said/repositories/app/artifacts/${digest}?part=vulnerabilities`);
    const found = page.getByRole('row').filter({ hasText: 'CVE-2026-1001' }).first();
    await expect(found).toContainText('Not affected');
  });

  await test.step('one is deleted', async () => {
    await page.goto('/projects/said/vex');
    await page.getByRole('button', { name: 'Delete https://example.org/vex/uploaded' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await expect(rows).toHaveCount(2);
  });
});

test('who may not write sees no buttons, and reads Chinese', async ({ page, server }) => {
  const jane = { name: 'jane', password: 'Choose-1-yourself' };
  await server.api('POST', '/api/v2.0/projects', { project_name: 'told', metadata: {} });
  await server.api('POST', '/api/v2.0/users', {
    username: jane.name,
    email: 'jane@example.com',
    realname: 'Jane',
    password: jane.password,
  });
  await server.api('POST', '/api/v2.0/projects/told/members', {
    role_id: 2,
    member_user: { username: jane.name },
  });
  await logIn(page, jane);
  await page.goto('/projects/told/vex');
  await expect(page.getByText('An administrator of the project can add them.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add document' })).toHaveCount(0);
  await server.api('POST', '/api/v2.0/projects/told/vex', document('one', 'not_affected'));
  await page.evaluate(() => localStorage.setItem('berth.language', 'zh'));
  await page.reload();
  const rows = page.getByRole('table', { name: 'VEX 文档' }).getByRole('row');
  await expect(rows).toHaveCount(2);
  await expect(page.getByRole('button', { name: /删除/ })).toHaveCount(0);
  await page.getByRole('button', { name: 'https://example.org/vex/one' }).click();
  const statements = page.getByRole('dialog').getByRole('table', { name: '声明' });
  await expect(statements).toContainText('不受影响');
  await expect(statements).toContainText('有漏洞的代码不会被执行');
});
