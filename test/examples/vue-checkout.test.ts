import { once } from 'node:events';
import { join } from 'node:path';
import { build, preview } from 'vite';
import { expect, test } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { findBrowser, launch } from '../e2e/browser.ts';
import { openShop } from '../sandbox/open-shop.ts';

const root = join(ROOT, 'examples', 'vue-checkout');
const executable = findBrowser();

test.skipIf(executable === null)(
  'vue-checkout, as Vite builds it, buys and refuses in the sandbox’s shop',
  { timeout: 120_000 },
  async () => {
    const [shop, browser] = await Promise.all([openShop(), launch(executable ?? '')]);
    const outDir = join(ROOT, 'node_modules', '.cache', 'vue-checkout');
    const resolve = { conditions: ['@spendcap/source', 'module', 'browser', 'production'] };
    const configFile = join(root, 'vite.config.js');
    const shared = { root, configFile, resolve, logLevel: 'error' } as const;
    await build({ ...shared, build: { outDir, emptyOutDir: true } });
    const target = new URL(shop.url).origin;
    const server = await preview({
      ...shared,
      build: { outDir },
      preview: { port: 0, proxy: { '/shop': target, '/spendcap': target } },
    });
    try {
      const page = await browser.newPage();
      await page.goto(server.resolvedUrls?.local[0] ?? '');
      await page.getByRole('meter', { name: 'Today' }).waitFor();
      await page.getByRole('button', { name: 'Buy 60 gems for CN¥6.00' }).click();
      await page.getByRole('button', { name: 'Pay CN¥6.00' }).click();
      await page.getByRole('button', { name: 'OK' }).click();
      expect(await page.locator('#bought').textContent()).toBe('60 gems');
      await page.getByRole('button', { name: 'Why not? Glass greenhouse' }).click();
      await page.getByRole('alert').getByText('up to CN¥50.00 in one go').waitFor();
      await page.getByRole('button', { name: 'OK' }).click();
      // A page that has set no `pay` sells nothing, and says so.
      await page.evaluate(`document.querySelector('spendcap-checkout').pay = null`);
      const [error] = await Promise.all([
        page.waitForEvent('pageerror'),
        page.getByRole('button', { name: 'Buy 60 gems for CN¥6.00' }).click(),
        page.getByRole('button', { name: 'Pay CN¥6.00' }).click(),
      ]);
      expect(error.message).toContain('<spendcap-checkout> needs `pay`');
      await page.getByRole('dialog').getByText('No money was taken').waitFor();
    } finally {
      await Promise.all([server.close(), browser.close()]);
      shop.process.kill('SIGTERM');
      await once(shop.process, 'exit');
    }
  },
);
