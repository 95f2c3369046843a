import type { Locator, Page, Route } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { axeFindings, executable, focusedIn, openSite } from './site.ts';

const STORES = [
  ['App Store', 'app_store'],
  ['Google Play', 'google_play'],
] as const;

interface VisitOptions {
  readonly lang?: string;
  readonly width?: number;
  /** Answers the questions of the page whether a product may be bought. */
  readonly decisions?: (route: Route) => Promise<void>;
}

/** The tests share one ledger: a player is one test's alone, or an adult without limits. */
describe.skipIf(executable === null)('the phone view', () => {
  const site = openSite();
  let page: Page;

  async function visit(
    store: string,
    player: string,
    { lang = 'en', width = 375, decisions }: VisitOptions = {},
  ): Promise<void> {
    page = await site.newPage({ viewport: { width, height: 800 } });
    if (decisions !== undefined) await page.route('**/spendcap/v1/decisions{,/batch}', decisions);
    await page.goto(`${site.url}phone?lang=${lang}&player=${player}&store=${store}`);
    await page.locator('#history > *').waitFor();
    await page.locator('[part="loading"]').waitFor({ state: 'detached' });
  }
  const button = (name: string | RegExp): Locator => page.getByRole('button', { name });
  const sheet = (): Locator => page.locator('#sheet[open]');
  const dialog = (): Locator => page.locator('spendcap-checkout').getByRole('dialog');
  const status = (text: string | RegExp): Locator => page.getByRole('status').getByText(text);
  const left = (text: string): Promise<void> =>
    page.locator(`[aria-valuetext*="${text} left of CN¥100.00"]`).waitFor();
  const latest = (): Promise<string | null> => page.locator('#history li').first().textContent();

  /** Buys up to the sheet, and acts in it. */
  async function buy(product: string, act: string | RegExp): Promise<void> {
    await button(new RegExp(`^Buy ${product}`)).click();
    await dialog().getByRole('button', { name: /^Pay/ }).click();
    await sheet().getByRole('button', { name: act }).click();
  }
  async function closeDialog(): Promise<void> {
    await dialog().getByRole('button', { name: 'OK' }).click();
  }
  /** Where the player looks: inside of the window. */
  async function isInView(text: string): Promise<boolean> {
    const box = await status(text).boundingBox();
    return box !== null && box.y >= 0 && box.y + box.height <= 800;
  }

  test.each(STORES)('%s: a price in dollars is refused, and no sheet opens', async (_, store) => {
    await visit(store, 'unknown');
    await button('Why not? Gems in dollars').click();
    await dialog().getByText('You can only pay in Chinese Yuan here.').waitFor();
    expect(await sheet().count()).toBe(0);
    await closeDialog();
  });

  test('a 12-year-old on an iPhone: caps before the sheet, a parent, a refund, elsewhere', async () => {
    await visit('app_store', 'player-12');
    await left('CN¥100.00');
    const calls: string[] = [];
    page.on('request', (request) => calls.push(new URL(request.url()).pathname));

    await buy('480 gems', 'Confirm CN¥48.00');
    await dialog().getByRole('heading', { name: 'You bought 480 gems for CN¥48.00.' }).waitFor();
    await closeDialog();
    await left('CN¥52.00');
    expect(await latest()).toContain('App Store · Paid');

    // Over the cap no sheet opens: neither the app's server nor the store is called.
    calls.length = 0;
    await button('Why not? Glass greenhouse').click();
    await dialog()
      .getByRole('alert')
      .getByText(/up to CN¥50.00 in one go/)
      .waitFor();
    await closeDialog();
    expect(calls.filter((path) => /app|phone/.test(path))).toEqual([]);
    expect(await sheet().count()).toBe(0);

    await buy('300 gems', 'Ask a parent');
    await dialog().getByText('Your parent or guardian has to say yes first.').waitFor();
    await closeDialog();
    // The hold counts while the parent thinks.
    await left('CN¥22.00');
    await button('Approve 300 gems').click();
    expect(await isInView('A parent approved 300 gems. It is paid.')).toBe(true);
    expect(await focusedIn(page)).toBe('A parent’s phone');
    expect(await latest()).toContain('App Store · Paid');

    await button('Get a refund for 480 gems').click();
    await status('You got CN¥48.00 back for 480 gems.').waitFor();
    await left('CN¥70.00');

    await button(/^Elsewhere: buy 60 gems/).click();
    await status('60 gems was bought outside the game. CN¥6.00 counts.').waitFor();
    await left('CN¥64.00');
    expect(await latest()).toContain('App Store · Paid without a hold · it counts');
  });

  test.each(STORES)('%s: a refusal by the app’s server opens no sheet', async (_, store) => {
    // A page that believes everything to be allowed, as one whose allowance is outdated.
    const openDecisions = async (route: Route): Promise<void> => {
      const response = await route.fetch();
      const text = (await response.text()).replaceAll('"allowed":false', '"allowed":true');
      await route.fulfill({ response, body: text });
    };
    await visit(store, 'child-7', { decisions: openDecisions });
    await button(/^Buy 60 gems/).click();
    await dialog().getByRole('button', { name: /^Pay/ }).click();
    await dialog().getByRole('alert').getByText('Players of your age cannot buy').waitFor();
    expect(await sheet().count()).toBe(0);
    await closeDialog();
    expect(await page.locator('#history li').count()).toBe(0);
  });

  test.each(STORES)('what a parent declines on %s', async (name, store) => {
    await visit(store, 'adult-30');
    await buy('60 gems', 'Ask a parent');
    await closeDialog();
    await button('Decline 60 gems').click();
    const isApple = store === 'app_store';
    await status(isApple ? 'Apple announces that to nobody' : 'can be spent again').waitFor();
    expect(await latest()).toContain(`${name} · ${isApple ? 'Held' : 'Not paid · given back'}`);
    await button('Let four days pass').click();
    await status('Four days have passed.').waitFor();
    expect(await latest()).toContain(`${name} · Not paid · given back`);
  });

  test.each(STORES)('a sheet of %s is left by its button and by Escape', async (name, store) => {
    await visit(store, 'adult-30');
    await button(/^Buy 300 gems/).click();
    await dialog().getByRole('button', { name: /^Pay/ }).click();
    await sheet().waitFor();
    expect(await focusedIn(page)).toBe(name);
    await page.keyboard.press('Escape');
    await dialog().getByText('No money was taken').first().waitFor();
    await dialog().getByRole('button', { name: 'Not now' }).click();
    await buy('300 gems', 'Cancel');
    await dialog().getByText('No money was taken').first().waitFor();
    const state = store === 'app_store' ? 'Held · not paid yet' : 'Not paid · given back';
    await expect.poll(latest).toContain(`${name} · ${state}`);
  });

  test.each(STORES)(
    '%s: an app that is killed after the sheet confirms at its start',
    async (name, store) => {
      await visit(store, 'adult-30');
      await page.route('**/app/confirm', (route) => route.abort());
      await buy('Moon bridge', /^Confirm/);
      await dialog().getByText('We do not know yet if money was taken.').waitFor();
      await page.unroute('**/app/confirm');
      await page.reload();
      await expect.poll(latest).toContain(`Moon bridge${name} · Paid`);
    },
  );

  test('Google Play gives back what was bought without a hold', async () => {
    await visit('google_play', 'adult-30');
    await button(/^Elsewhere: buy 60 gems/).click();
    await status('60 gems was bought outside the game.').waitFor();
    expect(await latest()).toContain('Google Play · Paid without a hold · it counts');
    await button('Let four days pass').click();
    await status('Four days have passed.').waitFor();
    expect(await latest()).toContain('↩ Refunded');
  });

  test('an adult buys by keyboard alone, in Chinese', async () => {
    await visit('app_store', 'adult-30', { lang: 'zh', width: 1280 });
    for (let presses = 0; !(await focusedIn(page)).startsWith('购买典藏花园'); presses += 1) {
      expect(presses).toBeLessThan(40);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await expect.poll(() => focusedIn(page)).toBe('要买典藏花园吗？');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => focusedIn(page)).toBe('App Store');
    await page.keyboard.press('Tab');
    expect(await focusedIn(page)).toBe('确认付款 ¥648.00');
    await page.keyboard.press('Enter');
    await expect.poll(() => focusedIn(page)).toBe('你买了典藏花园，花了 ¥648.00。');
    await page.keyboard.press('Escape');
    expect(await focusedIn(page)).toMatch(/^购买典藏花园/);
  });

  test.each([
    ['en', 360, 'light'],
    ['zh', 1280, 'dark'],
  ] as const)('axe-core finds nothing in %s at %i pixels, %s', async (lang, width, colorScheme) => {
    await visit('app_store', 'adult-30', { lang, width });
    await page.emulateMedia({ colorScheme });
    expect(await axeFindings(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    const shelf = page.locator('spendcap-shelf');
    await shelf.getByRole('button', { name: lang === 'en' ? /^Buy 60/ : /^购买60/ }).click();
    await dialog().locator('[part~="main"]').click();
    await sheet().waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await sheet()
      .getByRole('button', { name: lang === 'en' ? 'Ask a parent' : '请家长同意' })
      .click();
    await dialog().locator('[part~="done"]').waitFor();
    await dialog().locator('[part~="main"]').click();
    await page.locator('.request').waitFor();
    expect(await axeFindings(page)).toEqual([]);
  });
});
