/** Without a mouse: getting to the content, searching, moving through tabs, lists in the address. */
import { expect, logIn, test } from './fixtures';
import { push } from './image';

test('the keyboard is enough', async ({ page, server }) => {
  await push(server, 'library/keys', '1', 'keys');
  await logIn(page);

  await page.reload();
  await expect(page.getByRole('heading', { name: 'Projects', level: 1 })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();

  await page.keyboard.press('/');
  const box = page.getByRole('dialog').getByRole('searchbox');
  await expect(box).toBeFocused();
  await page.keyboard.type('keys');
  await expect(page.getByRole('link', { name: 'library/keys' })).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'keys', level: 1 })).toBeVisible();

  await page.goto('/projects/library');
  await page.getByRole('tab', { name: 'Summary' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/projects\/library\/repositories$/);
});

test('a list keeps its state in the address', async ({ page }) => {
  await logIn(page);
  await page.getByRole('searchbox', { name: 'Find a project' }).fill('libr');
  await expect(page).toHaveURL(/name=libr/);
  await page.getByRole('button', { name: 'Project', exact: true }).click();
  await expect(page).toHaveURL(/sort=name/);
  await page.reload();
  await expect(page.getByRole('searchbox', { name: 'Find a project' })).toHaveValue('libr');
  await expect(page.getByRole('row', { name: /library/ })).toBeVisible();
});
