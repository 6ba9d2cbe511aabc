/** A picture of every page in both languages, both themes and both widths. */
import { join } from 'node:path';
import { expect, logIn, test } from '../e2e/fixtures';
import { pages, seed } from '../e2e/seed';

const folder = process.env.BERTH_TEST_SCREENSHOTS ?? 'test-results/screenshots';
/** Only pages whose names match, for a quick look. */
const wanted = new RegExp(process.env.BERTH_TEST_PAGES ?? '');
const WIDTHS = { wide: 1280, phone: 390 } as const;

test('every page', async ({ page, server }) => {
  const { digest } = await seed(server);
  const shoot = async (name: string) => {
    // What is still on its way is not what the page looks like.
    await page.waitForLoadState('networkidle');
    await expect(page.getByRole('status', { name: /Loading|加载中/ })).toHaveCount(0);
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  };
  for (const language of ['en', 'zh'] as const) {
    for (const theme of ['light', 'dark'] as const) {
      for (const [size, width] of Object.entries(WIDTHS)) {
        await page.setViewportSize({ width, height: 800 });
        await page.goto('/login');
        await page.evaluate(
          ([chosen, scheme]) => {
            localStorage.setItem('berth.language', chosen);
            localStorage.setItem('mantine-color-scheme-value', scheme);
          },
          [language, theme] as const,
        );
        const mark = `${language}-${theme}-${size}`;
        await page.context().clearCookies();
        await page.goto('/login');
        await shoot(`${mark}/login`);
        await page.evaluate(() => localStorage.setItem('berth.language', 'en'));
        await logIn(page);
        await page.evaluate((chosen) => localStorage.setItem('berth.language', chosen), language);
        for (const { name, path } of pages(digest).filter((one) => wanted.test(one.name))) {
          await page.goto(path);
          await shoot(`${mark}/${name}`);
        }
      }
    }
  }
});
