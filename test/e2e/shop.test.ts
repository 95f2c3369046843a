import { once } from 'node:events';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type OpenShop, openShop } from '../sandbox/open-shop.ts';
import { findBrowser, launch } from './browser.ts';

const executable = findBrowser();

/** The tests share one ledger. A minor is one test's alone, so that their order is of no matter. */
describe.skipIf(executable === null)('the shop page', () => {
  let shop: OpenShop;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    [shop, browser] = await Promise.all([openShop(), launch(executable ?? '')]);
  });
  afterEach(async () => {
    await page.close();
    expect(faults.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    if (shop === undefined) return;
    const exited = once(shop.process, 'exit');
    shop.process.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  async function visit(player: string, language = 'en', width = 1000): Promise<void> {
    page = await browser.newPage({ viewport: { width, height: 800 } });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('requestfailed', (request) => faults.push(request.url()));
    await page.goto(`${shop.url}?player=${player}&lang=${language}`);
    await page.locator('#history > *').waitFor();
  }
  const buyButton = (name: RegExp): Locator => page.getByRole('button', { name });
  const dialog = (): Locator => page.getByRole('dialog');
  const focused = (): Promise<string> =>
    page.evaluate(
      'document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent',
    );
  const meter = (name: string): Promise<string | null> =>
    page.getByRole('meter', { name }).getAttribute('aria-valuetext');

  async function pay(name: RegExp): Promise<void> {
    await buyButton(name).click();
    await dialog().getByRole('button', { name: /^Pay/ }).click();
  }

  test('a 12-year-old buys, is told the limits, is refused, and gives a thing back', async () => {
    await visit('player-12');
    expect(await meter('Today')).toBe('CN¥0.00 spent, CN¥100.00 left of CN¥100.00');
    expect(await meter('This month')).toBe('CN¥0.00 spent, CN¥200.00 left of CN¥200.00');

    await pay(/^Buy 480 gems/);
    await page.getByText('You bought 480 gems for CN¥48.00.').waitFor();
    expect(await page.getByRole('status').textContent()).toBe('You bought 480 gems for CN¥48.00.');
    expect(await focused()).toBe('Buy 480 gems for CN¥48.00');
    expect(await meter('Today')).toBe('CN¥48.00 spent, CN¥52.00 left of CN¥100.00');

    await pay(/^Buy Glass greenhouse/);
    const alert = dialog().getByRole('alert');
    await alert.getByText(/You can spend up to CN¥50.00 in one go/).waitFor();
    // The day has more left, so it is not named.
    expect(await alert.textContent()).not.toContain('52.00');
    expect(await focused()).toBe('You can’t buy this right now');
    await page.keyboard.press('Escape');
    expect(await dialog().count()).toBe(0);
    expect(await focused()).toBe('Buy Glass greenhouse for CN¥60.00');
    expect(await page.locator('#history li').count()).toBe(1);

    await page.getByRole('button', { name: 'Get a refund for 480 gems' }).click();
    await page.getByText('↩ Refunded').waitFor();
    expect(await page.getByRole('status').textContent()).toContain('You got CN¥48.00 back');
    expect(await meter('Today')).toBe('CN¥0.00 spent, CN¥100.00 left of CN¥100.00');
  });

  test('a 17-year-old reads Chinese, at 360 pixels', async () => {
    await visit('player-17', 'zh', 360);
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    expect(await meter('今天')).toBe('已花 ¥0.00, 还剩 ¥200.00，共 ¥200.00');
    await page.getByRole('button', { name: /种子盲盒/ }).click();
    await dialog().getByRole('button', { name: /支付/ }).click();
    await dialog().getByRole('alert').getByText('你这个年龄还不能买这一类东西').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.keyboard.press('Escape');

    for (const target of await page.locator('button:visible, label:visible').all()) {
      const box = await target.boundingBox();
      expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(24);
    }
    await page.getByRole('radio', { name: 'English' }).check();
    await page.getByRole('heading', { name: 'The seed shop' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
  });

  test('a child of 7 reads that nothing is sold to them, and is refused', async () => {
    await visit('child-7');
    expect(await page.getByText('Players of your age cannot buy things here.').count()).toBe(1);
    expect(await page.getByRole('meter').count()).toBe(0);
    await pay(/^Buy 60 gems/);
    await dialog().getByRole('alert').getByText('Players of your age cannot').waitFor();
    await dialog().getByRole('button', { name: 'OK' }).click();
    expect(await page.getByText('Nothing yet.').count()).toBe(1);
  });

  test('an answer that is lost is asked for again under the same id, and paid once', async () => {
    await visit('adult-30');
    const before = await page.locator('#history li').count();
    let lost = 0;
    await page.route('**/shop/players/*/purchases', async (route) => {
      if (route.request().method() !== 'POST' || lost++ > 0) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await pay(/^Buy Moon bridge/);
    await dialog().getByRole('button', { name: 'Try again' }).click();
    await page.getByText('You bought Moon bridge for CN¥118.00.').waitFor();
    expect(await page.locator('#history li').count()).toBe(before + 1);
    expect(faults.splice(0)).toEqual([expect.stringMatching(/\/purchases$/)]);
  });

  /** Answers the requests of a route when it is released; until then they are pending. */
  async function hold(url: string): Promise<() => void> {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route(url, async (route) => {
      await released;
      // The page may have given up the request.
      await route.continue().catch(() => undefined);
    });
    return release;
  }
  const DECISIONS = '**/spendcap/v1/decisions';
  const PURCHASES = '**/shop/players/*/purchases';
  const status = (): Promise<string | null> => page.getByRole('status').textContent();
  const sales = (): Promise<number> => page.locator('#history li').count();

  test('a check that gets no answer ends after 10 s, and says that no money was taken', async () => {
    page = await browser.newPage();
    await page.clock.install();
    await page.goto(`${shop.url}?player=adult-30&lang=en`);
    await page.locator('#history > *').waitFor();
    const release = await hold(DECISIONS);
    await pay(/^Buy Moon bridge/);
    await page.clock.runFor(9_000);
    expect(await dialog().getAttribute('aria-busy')).toBe('true');
    await page.clock.runFor(1_500);
    await dialog().getByText('No money was taken.').waitFor();
    await dialog().getByRole('button', { name: 'Not now' }).click();
    expect(await dialog().count()).toBe(0);
    release();
  });

  test.each(['Escape', 'Not now'])('a check can be left by %s, unpaid', async (way) => {
    await visit('adult-30');
    const before = await sales();
    const release = await hold(DECISIONS);
    const orders: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') orders.push(new URL(request.url()).pathname);
    });
    const sent = page.waitForRequest(DECISIONS);
    await pay(/^Buy Moon bridge/);
    await sent;
    if (way === 'Escape') await page.keyboard.press(way);
    else await dialog().getByRole('button', { name: way }).click();
    release();
    await page.getByText('You did not buy Moon bridge. No money was taken.').waitFor();
    expect(await dialog().count()).toBe(0);
    expect(await sales()).toBe(before);
    expect(orders).toEqual(['/spendcap/v1/decisions']);
    expect(faults.splice(0)).toEqual([expect.stringMatching(/decisions$/)]);
  });

  test('a payment can be left, and its outcome is said on the page', async () => {
    await visit('adult-30');
    const release = await hold(PURCHASES);
    await pay(/^Buy 60 gems/);
    await dialog().getByText('The payment is on its way.').waitFor();
    await dialog().getByRole('button', { name: 'Close' }).click();
    expect(await dialog().count()).toBe(0);
    release();
    await page.getByText('You bought 60 gems for CN¥6.00.').waitFor();
  });

  test('a payment that was left and got no answer is named as unknown', async () => {
    await visit('adult-30');
    await page.route(PURCHASES, async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      await dialog().waitFor({ state: 'hidden' });
      return route.abort();
    });
    await pay(/^Buy 60 gems/);
    await dialog().getByRole('button', { name: 'Close' }).click();
    await page.getByText(/^We do not know yet whether the payment for 60 gems worked/).waitFor();
    expect(await dialog().count()).toBe(0);
    expect(faults.splice(0)).toEqual([expect.stringMatching(/purchases$/)]);
  });

  test.each([500, 422])('after a %i of the shop a retry pays once', async (code) => {
    await visit('adult-30');
    const before = await sales();
    let failed = 0;
    await page.route(PURCHASES, async (route) => {
      if (route.request().method() !== 'POST' || failed++ > 0) return route.continue();
      await route.fetch();
      return route.fulfill({ status: code, body: '{}' });
    });
    await pay(/^Buy Moon bridge/);
    await dialog().getByText('We do not know yet whether the payment worked.').waitFor();
    await dialog().getByRole('button', { name: 'Try again' }).click();
    await page.getByText('You bought Moon bridge for CN¥118.00.').waitFor();
    expect(await sales()).toBe(before + 1);
  });

  test('nothing of another player remains when an allowance cannot be read', async () => {
    await visit('adult-30');
    expect(await page.getByText('No limit applies to you.').count()).toBe(1);
    await page.route('**/spendcap/v1/allowance', (route) => route.abort());
    await page.getByRole('radio', { name: 'Player, 17' }).check();
    const panel = page.locator('#allowance');
    await panel.getByText('We cannot show this right now.').waitFor();
    expect(await page.getByText('No limit applies to you.').count()).toBe(0);
    expect(await status()).toBe('Now playing: Player, 17');
    await page.unroute('**/spendcap/v1/allowance');
    await panel.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('meter', { name: 'Today' }).waitFor();
    expect(faults.splice(0)).toEqual([expect.stringMatching(/allowance$/)]);
  });

  test('what was bought is said where a phone has scrolled to', async () => {
    await visit('adult-30', 'en', 360);
    await pay(/^Buy Tip for a streamer/);
    await page.getByText('You bought Tip for a streamer for CN¥20.00.').waitFor();
    const box = await page.getByRole('status').boundingBox();
    expect(await page.evaluate('scrollY')).toBeGreaterThan(200);
    expect(box?.y).toBeGreaterThanOrEqual(0);
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThan(800);
    const isCut =
      '[...document.querySelectorAll("button")].some((b) => b.scrollWidth > b.clientWidth)';
    expect(await page.evaluate(isCut)).toBe(false);
  });

  test('an adult buys by keyboard alone, and a double press pays once', async () => {
    await visit('adult-30');
    const before = await page.locator('#history li').count();
    expect(await page.getByText('No limit applies to you.').count()).toBe(1);
    const orders: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/purchases')) {
        orders.push(request.url());
      }
    });
    await buyButton(/^Buy Collector’s garden/).focus();
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('Buy Collector’s garden?');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Pay CN¥648.00');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.getByText('You bought Collector’s garden for CN¥648.00.').waitFor();
    expect(await page.locator('#history li').count()).toBe(before + 1);
    expect(orders).toHaveLength(1);
  });
});
