/** What a project lets be pulled: limits, and a rule of its own. */
import { importAdvisories } from './advisories';
import { judge } from './axe';
import { expect, logIn, test } from './fixtures';
import { push } from './image';
import { ADMIN } from './server';

// It begins without advisories.
test.use({ serverOf: 'pulls' });

test('limits and a rule decide what can be pulled', async ({ page, server }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await server.api('POST', '/api/v2.0/projects', {
    project_name: 'picky',
    metadata: { auto_scan: 'true' },
  });
  importAdvisories(server);
  const { digest } = await push(server, 'picky/app', '1.0', 'picky');
  const pull = async () => {
    const login = Buffer.from(`${ADMIN.name}:${ADMIN.password}`).toString('base64');
    const found = await fetch(`${server.url}/v2/picky/app/manifests/${digest}`, {
      headers: { authorization: `Basic ${login}` },
    });
    return found.ok ? '' : await found.text();
  };
  const metadata = async () => {
    const found = (await server.api('GET', '/api/v2.0/projects/picky')) as {
      metadata: Record<string, string>;
    };
    return found.metadata;
  };
  await logIn(page);
  await page.goto('/projects/picky/repositories/app');
  await expect(page.getByRole('img', { name: /of severity Critical/ })).toBeVisible();
  await page.goto('/projects/picky/settings');
  const limits = page.getByRole('group', { name: 'Most vulnerabilities of an image' });
  const rule = page.getByLabel('Rule for pulls');
  const save = page.getByRole('button', { name: 'Save' });

  await test.step('limits', async () => {
    await limits.getByLabel('Critical').fill('0');
    await limits.getByLabel('All together').fill('50');
    await save.click();
    await expect.poll(pull).toContain('critical=0');
    expect((await metadata()).vulnerability_limits).toBe('critical=0,total=50');
    await page.reload();
    await expect(limits.getByLabel('Critical')).toHaveValue('0');
    await limits.getByLabel('Critical').clear();
    await save.click();
    await expect.poll(pull).toBe('');
    expect((await metadata()).vulnerability_limits).toBe('total=50');
  });

  await test.step('what is no rule is refused where it stands', async () => {
    await rule.fill('critical ==');
    await save.click();
    await expect(rule).toHaveAccessibleDescription(/line 1, column 12: a value is missing/);
    await expect(rule).toBeFocused();
    await page.getByRole('button', { name: 'Names that can be used' }).click();
    await expect(page.getByText('Whole days since the last scan')).toBeVisible();
    await judge(page, 'a rule that was refused');
  });

  await test.step('and in the language of the page', async () => {
    await page.evaluate(() => localStorage.setItem('berth.language', 'zh'));
    await page.reload();
    const field = page.getByLabel('拉取规则');
    const keep = page.getByRole('button', { name: '保存' });
    for (const [written, why] of [
      ['critical ==', /第 1 行第 12 列：末尾 之前缺少一个值/],
      ['critical == 0 &&\n hihg == 0', /第 2 行第 2 列：没有“hihg”，可用的有 critical, /],
      ['critical', /规则的结果是 int，应为 bool/],
    ] as const) {
      await field.fill(written);
      await keep.click();
      await expect(field).toHaveAccessibleDescription(why);
    }
    await page.evaluate(() => localStorage.setItem('berth.language', 'en'));
    await page.reload();
  });

  await test.step('examples are taken, and put together', async () => {
    await rule.clear();
    await page.getByRole('button', { name: "age_days < 30 || 'lts' in tags" }).click();
    await page.getByRole('button', { name: 'exploited == 0' }).click();
    await expect(rule).toHaveValue("(age_days < 30 || 'lts' in tags) && exploited == 0");
    await save.click();
    await expect.poll(pull).toContain('does not meet the rule');
    await page.reload();
    await expect(rule).toHaveValue("(age_days < 30 || 'lts' in tags) && exploited == 0");
    await rule.clear();
    await save.click();
    await expect.poll(pull).toBe('');
  });
});
