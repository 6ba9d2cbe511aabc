/** Logging in, what visitors see, and a session that ends in the middle of something. */
import { expect, logIn, test } from './fixtures';
import { ADMIN } from './server';

test('a wrong password is explained', async ({ page }) => {
  await page.goto('/login');
  await page.getByLabel('User name or e-mail').fill(ADMIN.name);
  await page.getByLabel(/^Password/).fill('wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('alert')).toContainText('Check the name and the password');
});

test('a page that needs a login leads there and back', async ({ page }) => {
  await page.goto('/admin/users');
  await page.getByLabel('User name or e-mail').fill(ADMIN.name);
  await page.getByLabel(/^Password/).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { name: 'Users', level: 1 })).toBeVisible();
});

test('a login leads nowhere else', async ({ page }) => {
  await page.goto('/login?from=//example.com/');
  await page.getByLabel('User name or e-mail').fill(ADMIN.name);
  await page.getByLabel(/^Password/).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { name: 'Projects', level: 1 })).toBeVisible();
});

test('visitors see public projects and are offered nothing else', async ({ page }) => {
  await page.goto('/login');
  await page.getByRole('link', { name: 'Browse public projects' }).click();
  await page.getByRole('link', { name: 'library' }).click();
  await expect(page.getByRole('heading', { name: 'library', level: 1 })).toBeVisible();
  await expect(page.getByRole('tab', { name: 'Members' })).toBeHidden();
  await expect(page.getByRole('link', { name: 'Users' })).toBeHidden();
});

test('a session that ends keeps the page and what was typed', async ({ page, context }) => {
  await logIn(page);
  await page.getByRole('button', { name: 'New project' }).first().click();
  const form = page.getByRole('dialog', { name: 'New project' });
  await form.getByLabel(/^Project/).fill('kept');
  await context.clearCookies();
  await form.getByRole('button', { name: 'New project' }).click();
  const login = page.getByRole('dialog', { name: 'Your session is over' });
  await login.getByLabel(/^Password/).fill(ADMIN.password);
  await login.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByRole('heading', { name: 'kept', level: 1 })).toBeVisible();
});

test('what a role may not do is not offered', async ({ page, server }) => {
  await server.api('POST', '/api/v2.0/users', {
    username: 'guest1',
    email: 'guest1@example.com',
    realname: 'Guest',
    password: 'Choose-1-yourself',
  });
  await server.api('POST', '/api/v2.0/projects', { project_name: 'roles', metadata: {} });
  await server.api('POST', '/api/v2.0/projects/roles/members', {
    role_id: 3,
    member_user: { username: 'guest1' },
  });
  await logIn(page, { name: 'guest1', password: 'Choose-1-yourself' });
  await page.getByRole('link', { name: 'roles' }).click();
  await expect(page.getByRole('tab', { name: 'Members' })).toBeVisible();
  await expect(page.getByRole('tab', { name: 'Settings' })).toBeHidden();
  await page.getByRole('tab', { name: 'Members' }).click();
  await expect(page.getByRole('row', { name: /guest1/ })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add member' })).toBeHidden();
  await page.goto('/admin/users');
  await expect(page.getByRole('heading', { name: 'Projects', level: 1 })).toBeVisible();
});
