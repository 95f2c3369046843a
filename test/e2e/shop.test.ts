import { setTimeout } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { executable, focusedIn, openSite } from './site.ts';

/** The sum of the layout shifts so far, as browsers report them. */
const SHIFT = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    resolve(list.getEntries().reduce((sum, { value }) => sum + value, 0));
  }).observe({ type: 'layout-shift', buffered: true });
  setTimeout(resolve, 500, 0);
})`;

/** The tests share one ledger. A minor is one test's alone, so that their order does not matter. */
describe.skipIf(executable === null)('the shop page', () => {
  const site = openSite();
  const { faults } = site;
  let page: Page;

  async function visit(player: string, language = 'en', width = 1000): Promise<void> {
    page = await site.newPage({ viewport: { width, height: 800 } });
    page.on('requestfailed', (request) => faults.push(request.url()));
    await page.goto(`${site.url}?player=${player}&lang=${language}`);
    await page.locator('#history > *').waitFor();
    await page.locator('[part="loading"]').waitFor({ state: 'detached' });
  }
  const product = (name: string): Locator =>
    page.locator('[part="product"]').filter({ hasText: name });
  const dialog = (): Locator => page.getByRole('dialog');
  const inDialog = (name: string | RegExp): Locator => dialog().getByRole('button', { name });
  const focused = (): Promise<string> => focusedIn(page);
  const meter = (name: string): Locator => page.getByRole('meter', { name });
  const allowance = (): Locator => page.locator('#allowance');
  const sales = (): Promise<number> => page.locator('#history li').count();

  async function pay(name: string): Promise<void> {
    await product(name).getByRole('button', { name: /^Buy/ }).click();
    await inDialog(/^Pay/).click();
  }
  /** Answers the requests of a route when it is released; until then they are pending. */
  async function hold(url: string): Promise<() => void> {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route(url, async (route) => {
      if (route.request().method() === 'GET') return route.continue();
      await released;
      // The page may have given up the request.
      await route.continue().catch(() => undefined);
    });
    return release;
  }
  const DECISIONS = '**/spendcap/v1/decisions';
  const PURCHASES = '**/shop/players/*/purchases';

  test('a 12-year-old buys, sees the limits, is refused, and gives a thing back', async () => {
    await visit('player-12');
    const value = (name: string) => meter(name).getAttribute('aria-valuetext');
    expect(await value('Today')).toBe('CN¥0.00 spent, CN¥100.00 left of CN¥100.00');
    expect(await value('This month')).toBe('CN¥0.00 spent, CN¥200.00 left of CN¥200.00');
    // What is too expensive, or not for this age, is shown before it is tried.
    await product('Glass greenhouse').getByText('Costs more than you can spend now').waitFor();
    await product('Tip for a streamer').getByText('Not for your age').waitFor();

    await pay('480 gems');
    await dialog().getByRole('heading', { name: 'You bought 480 gems for CN¥48.00.' }).waitFor();
    expect(await focused()).toBe('You bought 480 gems for CN¥48.00.');
    await inDialog('OK').click();
    expect(await focused()).toBe('Buy 480 gems for CN¥48.00');
    await page.locator('[aria-valuetext="CN¥48.00 spent, CN¥52.00 left of CN¥100.00"]').waitFor();

    await product('Glass greenhouse')
      .getByRole('button', { name: /^Why not/ })
      .click();
    const alert = dialog().getByRole('alert');
    await alert.getByText(/You can spend up to CN¥50.00 in one go/).waitFor();
    await alert.getByText('No money was taken.').waitFor();
    await alert.getByText('The rule, for grown-ups').click();
    await alert.getByText('A purchase of CN¥50.00 or less is possible.').waitFor();
    expect(await focused()).toContain('The rule');
    await page.keyboard.press('Escape');
    expect(await dialog().count()).toBe(0);
    expect(await focused()).toBe('Why not? Glass greenhouse');
    expect(await sales()).toBe(1);

    await page.getByRole('button', { name: 'Get a refund for 480 gems' }).click();
    await page.getByText('↩ Refunded').waitFor();
    expect(await page.locator('#status').textContent()).toContain('You got CN¥48.00 back');
    await page.locator('[aria-valuetext="CN¥0.00 spent, CN¥100.00 left of CN¥100.00"]').waitFor();
  });

  test('a 17-year-old reads Chinese, at 360 pixels', async () => {
    await visit('player-17', 'zh', 360);
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    expect(await meter('今天').getAttribute('aria-valuetext')).toBe(
      '已花 ¥0.00，还剩 ¥200.00，共 ¥200.00',
    );
    await product('种子盲盒')
      .getByRole('button', { name: /^为什么/ })
      .click();
    await dialog().getByRole('alert').getByText('你这个年龄还不能买这一类东西').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.keyboard.press('Escape');

    for (const target of await page.locator('button:visible, label:visible').all()) {
      const box = await target.boundingBox();
      expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(24);
    }
    await page.getByRole('radio', { name: 'English' }).check();
    await page.getByRole('heading', { name: 'The seed shop' }).waitFor();
    await meter('Today').waitFor();
    await product('Blind box of seeds').waitFor();
  });

  test.each([
    ['child-7', 'Players of your age cannot buy things here.', 'Not for your age'],
    ['unknown', 'We do not know your age yet.', 'Confirm your age first'],
    ['player-9', 'A parent or guardian has to say yes', 'A grown-up has to say yes first'],
    ['teen', 'Up to CN¥50.00', 'Confirm your age first'],
  ])('%s reads why not, and what to do now', async (player, text, badge) => {
    await visit(player);
    await allowance().getByText(text).first().waitFor();
    await product('Glass greenhouse').getByText(badge).waitFor();
    await product('Glass greenhouse')
      .getByRole('button', { name: /^Why not/ })
      .click();
    const advice = player === 'player-9' ? 'Ask them first' : 'Ask a parent or guardian';
    await dialog().getByRole('alert').getByText(advice).first().waitFor();
    await inDialog('OK').click();
    expect(await sales()).toBe(0);
  });

  test.each([
    ['player-17', 'en', 1000, 'Gems in dollars', 'You can only pay in Chinese Yuan here'],
    ['adult-30', 'zh', 360, '美元宝石', '这里只能用人民币付款'],
  ])('%s reads in %s, at %i pixels, why a price in dollars cannot be paid', async (...given) => {
    const [player, language, width, name, text] = given;
    await visit(player, language, width);
    const why = product(name).getByRole('button', { name: /^(Why not|为什么)/ });
    await why.click();
    await dialog().getByRole('alert').getByText(text).waitFor();
    const isWide = `document.documentElement.scrollWidth > ${width}`;
    expect(await page.evaluate(isWide)).toBe(false);
    await page.keyboard.press('Escape');
    expect(await focused()).toContain(name);
    expect(await sales()).toBe(0);
  });

  test('nobody signed in reads that, and cannot pay', async () => {
    await visit('nobody');
    await allowance().getByText('Sign in to buy things here.').waitFor();
    await product('60 gems').getByRole('button', { name: /^Buy/ }).click();
    await dialog().getByText('Sign in to buy things here.').waitFor();
    expect(await inDialog(/^Pay/).count()).toBe(0);
    await inDialog('Close').click();
  });

  test('a lost answer leaves it open whether money was taken, and looking again says', async () => {
    await visit('adult-30');
    const before = await sales();
    await page.route(PURCHASES, async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      await route.fetch();
      return route.abort();
    });
    await pay('Moon bridge');
    const text = 'We do not know yet if money was taken. Do not pay again.';
    await dialog().getByRole('alert').getByText(text).waitFor();
    expect(await inDialog(/^Pay/).count()).toBe(0);
    await inDialog('Look again').click();
    await dialog()
      .getByRole('heading', { name: /^You bought Moon bridge/ })
      .waitFor();
    await inDialog('OK').click();
    expect(await sales()).toBe(before + 1);
    expect(faults.splice(0)).toEqual([expect.stringMatching(/\/purchases$/)]);
  });

  test('what may have been paid is bought again under the same id, and paid once', async () => {
    await visit('adult-30', 'en');
    const before = await sales();
    const ids: string[] = [];
    await page.route(PURCHASES, async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      ids.push((route.request().postDataJSON() as { id: string }).id);
      if (ids.length > 1) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await pay('Moon bridge');
    await dialog().getByText('We do not know yet if money was taken').waitFor();
    await inDialog('Close').click();
    await pay('Moon bridge');
    await dialog()
      .getByRole('heading', { name: /^You bought Moon bridge/ })
      .waitFor();
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
    await inDialog('OK').click();
    expect(await sales()).toBe(before + 1);
    // It is known now, so that another one is another purchase.
    await pay('Moon bridge');
    await inDialog('OK').click();
    await expect.poll(sales).toBe(before + 2);
    expect(faults.splice(0)).toEqual([expect.stringMatching(/\/purchases$/)]);
  });

  test('a payment that the shop rejects took nothing, and can be tried again', async () => {
    await visit('adult-30');
    const before = await sales();
    let failed = 0;
    await page.route(PURCHASES, async (route) => {
      if (route.request().method() !== 'POST' || failed++ > 0) return route.continue();
      return route.fulfill({ status: 422, body: '{}' });
    });
    await pay('Moon bridge');
    await dialog().getByRole('alert').getByText('No money was taken').waitFor();
    await inDialog('Try again').click();
    await dialog()
      .getByRole('heading', { name: /^You bought Moon bridge/ })
      .waitFor();
    await expect.poll(sales).toBe(before + 1);
  });

  test.each(['Escape', 'Not now'])('%s ends a check, and nothing is paid', async (way) => {
    await visit('adult-30');
    const before = await sales();
    const release = await hold(DECISIONS);
    const orders: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/purchases') && request.method() === 'POST') orders.push('order');
    });
    const sent = page.waitForRequest(DECISIONS);
    await pay('Moon bridge');
    await sent;
    if (way === 'Escape') await page.keyboard.press(way);
    else await inDialog(way).click();
    release();
    await page.getByText('Moon bridge: You did not buy this. No money was taken.').waitFor();
    expect(await dialog().count()).toBe(0);
    expect([await sales(), orders]).toEqual([before, []]);
    expect(faults.splice(0)).toEqual([expect.stringMatching(/decisions$/)]);
  });

  test.each([
    [1000, 'Buy 300 gems'],
    [360, 'Buy 60 gems'],
  ])('a double click asks, and pays nothing, at %i pixels: %s', async (width, name) => {
    await visit('adult-30', 'en', width);
    const orders: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/purchases') && request.method() === 'POST') orders.push('order');
    });
    const buy = page.getByRole('button', { name });
    await buy.click();
    const pay = await inDialog(/^Pay/).boundingBox();
    await page.keyboard.press('Escape');
    const box = await buy.boundingBox();
    if (pay === null || box === null) expect.unreachable();
    // Both buttons are under the pointer, one after the other.
    const x = Math.max(pay.x, box.x) + 4;
    expect(x).toBeLessThan(Math.min(pay.x + pay.width, box.x + box.width));
    const y = pay.y + pay.height / 2;
    await page.evaluate(`scrollBy(0, ${box.y + box.height / 2 - y})`);
    await page.mouse.dblclick(x, y);
    await inDialog(/^Pay/).waitFor();
    await setTimeout(600);
    expect(await inDialog(/^Pay/).count()).toBe(1);
    expect(orders).toEqual([]);
    await inDialog(/^Pay/).click();
    await inDialog('OK').click();
    expect(orders).toEqual(['order']);
  });

  test.each([-5, 5])(
    'a device whose clock is %i days wrong shows the days of the server',
    async (days) => {
      page = await site.newPage({ timezoneId: 'Asia/Shanghai' });
      const read = page.waitForResponse('**/spendcap/v1/allowance');
      await page.clock.setSystemTime(Date.now() + days * 86_400_000);
      await page.goto(`${site.url}?player=player-17&lang=en`);
      const { limits } = (await (await read).json()) as { limits: { resetsAt: string | null }[] };
      const end = Date.parse(limits.find(({ resetsAt }) => resetsAt)?.resetsAt ?? '');
      const options = { dateStyle: 'full', timeZone: 'Asia/Shanghai' } as const;
      const [weekday, day] = new Intl.DateTimeFormat('en', options).format(end).split(', ');
      await allowance().getByText(`Starts again on ${weekday}, ${day}`).first().waitFor();
      await page.locator('[part="note"]').first().waitFor();
      // Nothing is outdated, and nothing is read over and over.
      let reads = 0;
      page.on('request', (request) => (reads += Number(request.url().endsWith('/allowance'))));
      await setTimeout(1_000);
      expect(await allowance().getByText('may be out of date').count()).toBe(0);
      expect(reads).toBe(0);
    },
  );

  test('a payment can be left, and its outcome is said where a phone has scrolled to', async () => {
    await visit('adult-30', 'en', 360);
    const release = await hold(PURCHASES);
    await pay('Tip for a streamer');
    await dialog().getByText('Your payment is being made. You can close this window.').waitFor();
    await inDialog('Close').click();
    expect(await dialog().count()).toBe(0);
    release();
    const message = page.getByText('Tip for a streamer: You bought this, and it is paid.');
    await message.waitFor();
    const box = await message.boundingBox();
    expect(await page.evaluate('scrollY')).toBeGreaterThan(200);
    expect(box?.y).toBeGreaterThanOrEqual(0);
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThan(800);
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await message.count()).toBe(0);
  });

  test('a product opened again while it is paid is the same purchase, with one outcome', async () => {
    await visit('adult-30');
    const before = await sales();
    await page.evaluate(`document.querySelector('#checkout').addEventListener(
      'spendcap-outcome', ({ detail }) => (window.outcomes ??= []).push(detail.outcome.status))`);
    const release = await hold(PURCHASES);
    await pay('Moon bridge');
    const paying = dialog().getByText('Your payment is being made. You can close this window.');
    await paying.waitFor();
    await inDialog('Close').click();
    await product('Moon bridge').getByRole('button').click();
    await paying.waitFor();
    expect(await focused()).toBe('Buy Moon bridge?');
    expect(await inDialog(/^Pay/).count()).toBe(0);
    // Another product is another purchase.
    await inDialog('Close').click();
    await product('60 gems').getByRole('button').click();
    await inDialog(/^Pay/).waitFor();
    await inDialog('Not now').click();
    await product('Moon bridge').getByRole('button').click();
    release();
    await dialog()
      .getByRole('heading', { name: /^You bought Moon bridge/ })
      .waitFor();
    await inDialog('OK').click();
    await expect.poll(sales).toBe(before + 1);
    expect(await page.evaluate('window.outcomes')).toEqual(['paid']);
    // It has ended, so that another one is another purchase.
    await product('Moon bridge').getByRole('button').click();
    await inDialog(/^Pay/).waitFor();
  });

  test('a server that cannot be reached is named, before and while buying', async () => {
    await visit('adult-30');
    await allowance().getByText('No limit applies to you.').waitFor();
    await page.route('**/spendcap/v1/**', (route) => route.abort());
    await pay('60 gems');
    await dialog().getByText('We cannot reach the shop. No money was taken.').waitFor();
    await inDialog('Not now').click();
    // Nothing of another player remains when an allowance cannot be read.
    await page.getByRole('radio', { name: 'Player, 17' }).check();
    await allowance().getByText('We cannot show what you can spend right now.').waitFor();
    expect(await page.getByText('No limit applies to you.').count()).toBe(0);
    await page.unroute('**/spendcap/v1/**');
    await allowance().getByRole('button', { name: 'Try again' }).click();
    await meter('Today').waitFor();
    faults.splice(0);
  });

  test('an adult buys by keyboard alone, in Chinese, and a double press pays once', async () => {
    await visit('adult-30', 'zh');
    const before = await sales();
    const orders: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/purchases')) {
        orders.push(request.url());
      }
    });
    for (let presses = 0; !(await focused()).startsWith('购买典藏花园'); presses += 1) {
      expect(presses).toBeLessThan(40);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('要买典藏花园吗？');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('支付 ¥648.00');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('你买了典藏花园，花了 ¥648.00。');
    await page.keyboard.press('Escape');
    await expect.poll(sales).toBe(before + 1);
    expect(orders).toHaveLength(1);
    expect(await focused()).toMatch(/^购买典藏花园/);
  });

  test.each([
    ['', 375],
    ['', 1280],
    ['phone', 375],
    ['phone', 1280],
  ])('nothing moves while /%s opens slowly, at %i pixels', async (path, width) => {
    page = await site.newPage({ viewport: { width, height: 800 } });
    // The allowance is the last to arrive, and the largest.
    await page.route('**/spendcap/v1/**', async (route) => {
      await setTimeout(300);
      await route.continue();
    });
    await page.goto(`${site.url}${path}?player=player-17&lang=en`);
    await meter('Today').waitFor();
    await product('Tip for a streamer').getByText('Not for your age').waitFor();
    expect(await page.evaluate(SHIFT)).toBeLessThan(0.01);
  });
});
