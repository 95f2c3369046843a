import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { LAYOUT_FAULTS } from './layout.ts';
import { LOOKS } from './looks.ts';
import { axeFindings, executable, openSite } from './site.ts';

const folder = join(ROOT, 'packages', 'client', 'src', 'languages');
const languages = globSync('*.ts', { cwd: folder }).map((file) => basename(file, '.ts'));
const DIALOGS = [
  ...['confirm', 'signed-out', 'checking', 'paying', 'paid', 'refused', 'pending'],
  ...['for-guardian', 'failed', 'unavailable', 'unknown'],
];
/** What a dialog has once it is in its state; every other one has an outcome. */
const REACHED: Readonly<Record<string, string>> = {
  confirm: '[part~="confirm"]',
  'signed-out': '[part~="signed_out"]',
  checking: '[aria-disabled="true"]',
  paying: '[part~="bill"] + p:not(:empty)',
};

describe.skipIf(executable === null)('the gallery', { timeout: 120_000 }, () => {
  const site = openSite();

  async function visit(lang: string, width: number, colorScheme: 'light' | 'dark' = 'light') {
    const page = await site.newPage({ viewport: { width, height: 900 }, colorScheme });
    page.on('console', (message) => message.type() === 'error' && site.faults.push(message.text()));
    await page.goto(`${site.url}gallery?lang=${lang}`);
    await page.getByRole('meter').first().waitFor();
    // It is English in place of a language that it does not know.
    expect(await page.locator('[aria-current]').textContent()).toBe(lang);
    await page.locator('[part~="why"]').first().waitFor();
    return page;
  }
  const layoutFaults = (page: Page) => page.evaluate(LAYOUT_FAULTS);
  const openDialog = async (page: Page, state: string) => {
    await page.locator(`[data-state="${state}"]`).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator(REACHED[state] ?? '[part~="done"]').waitFor({ state: 'attached' });
    return dialog;
  };
  const SIZES = [...languages.map((lang) => [lang, 320] as const), ['en', 1280], ['ar', 1280]];
  // What overlaps, overflows or is cut is named.
  test.each(SIZES as readonly (readonly [string, number])[])(
    'fits in %s at %i pixels, with every dialog',
    async (lang, width) => {
      const page = await visit(lang, width);
      expect(await layoutFaults(page)).toEqual([]);
      for (const state of DIALOGS) {
        const dialog = await openDialog(page, state);
        expect([state, await layoutFaults(page)]).toEqual([state, []]);
        expect(await dialog.getAttribute('lang')).toBe(lang);
        // Every dialog can be left, while a purchase is under way too.
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached' });
      }
    },
  );

  test.each([
    ['en', 'light'],
    ['ar', 'dark'],
  ] as const)('axe-core finds nothing in %s, %s', async (lang, scheme) => {
    const page = await visit(lang, 1000, scheme);
    expect(await axeFindings(page)).toEqual([]);
    for (const state of ['confirm', 'paying', 'refused', 'unknown']) {
      await openDialog(page, state);
      expect([state, await axeFindings(page)]).toEqual([state, []]);
      await page.keyboard.press('Escape');
    }
  });

  // Colours, sizes and texts as data: pictures would differ by the fonts of a machine.
  test.each([
    ['en', 'light'],
    ['ar', 'dark'],
  ] as const)('looks as recorded in %s, %s', async (lang, scheme) => {
    const page = await visit(lang, 1000, scheme);
    const looks: string[] = [await page.evaluate(LOOKS)];
    for (const state of DIALOGS) {
      await openDialog(page, state);
      looks.push(`checkout: ${state}`, await page.evaluate(LOOKS));
      await page.keyboard.press('Escape');
    }
    await expect(`${looks.join('\n')}\n`).toMatchFileSnapshot(`looks/${lang}-${scheme}.txt`);
  });

  // The same page twice: what a box cuts off is visible only without the cut.
  test.each(['de', 'th'])('shows the same in %s if nothing may be cut off', async (lang) => {
    const page = await visit(lang, 375);
    const before = await page.screenshot({ fullPage: true, animations: 'disabled' });
    await page.evaluate(`
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(':not([part=meter], img) { overflow: visible !important }');
      for (const { shadowRoot } of document.querySelectorAll('#gallery *')) {
        if (shadowRoot) shadowRoot.adoptedStyleSheets = [...shadowRoot.adoptedStyleSheets, sheet];
      }`);
    const after = await page.screenshot({ fullPage: true, animations: 'disabled' });
    expect(before.equals(after)).toBe(true);
  });

  test('reads from right to left, values in their order', async () => {
    const page = await visit('ar', 600);
    const item = page.locator('[data-item="allowance: ready"]');
    const [head, left] = await Promise.all(
      ['b', '[part="left"]'].map((part) => item.locator(part).first().boundingBox()),
    );
    expect(head?.x).toBeGreaterThan(left?.x ?? Infinity);
    const bar = await item.locator('[part="bar"]').first().boundingBox();
    const meter = await item.getByRole('meter').first().boundingBox();
    const end = (box: typeof bar) => (box?.x ?? 0) + (box?.width ?? 0);
    expect(Math.abs(end(bar) - end(meter))).toBeLessThan(2);
  });

  test.each([
    ['en', 'Notice on Preventing Minors'],
    ['fr', 'Notice on Preventing Minors'],
    ['zh-CN', '国家新闻出版署'],
    ['zh-TW', '国家新闻出版署'],
  ])('a reader of %s finds the rule in a language that they read', async (lang, text) => {
    const page = await visit(lang, 600);
    const dialog = await openDialog(page, 'refused');
    await dialog.locator('summary').click();
    await dialog.locator('bdi', { hasText: text }).first().waitFor();
  });

  test('a product’s name is text', async () => {
    const page = await visit('en', 600);
    await page.getByText('<b onclick="alert(1)">Seed & soil</b>').first().waitFor();
    expect(await page.locator('spendcap-shelf b').count()).toBe(0);
  });
});
