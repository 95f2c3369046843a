import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { executable, openSite } from './site.ts';

const limit = {
  ...{ id: 'x', period: 'day', categories: null, resetsAt: '2026-11-29T16:00:00.000Z' },
  ...{ cap: '50.00', used: '38.00', remaining: '12.00' },
};
const allowance = {
  at: '2026-11-29T02:00:00.000Z',
  currency: 'CNY',
  policy: { id: 'x', version: '1', timeZone: 'Asia/Shanghai' },
  limits: [limit],
  blocked: [],
};
const over = { code: 'day_cap_exceeded', limit };
const gems = { id: 'gems', name: '480 gems', amount: '48.00', currency: 'CNY' };

/** The elements with a server, a shop and a catalogue that keep to no contract. */
describe.skipIf(executable === null)('the elements', () => {
  const site = openSite();
  const { faults } = site;
  let page: Page;
  /** The answers of the server. */
  let server: { allowance: unknown; decision: unknown };

  beforeEach(async () => {
    server = { allowance, decision: { allowed: true, allowance } };
    page = await site.newPage({ viewport: { width: 360, height: 740 } });
    await page.route('**/fake/**', async (route) => {
      const url = route.request().url();
      // No shelf is judged, so that each decision is that of the allowance.
      if (url.endsWith('/batch')) return route.fulfill({ json: {} });
      await route.fulfill({ json: /decisions/.test(url) ? server.decision : server.allowance });
    });
    // The smallest page of the origin.
    await page.goto(`${site.url}cashier/none`);
    await page.evaluate(`(async () => {
      const { createClient } = await import('/client/index.js');
      const { defineElements } = await import('/client/elements/index.js');
      const { messages } = await import('/client/languages/en.js');
      defineElements({ languages: [messages] });
      document.body.innerHTML =
        '<spendcap-checkout><spendcap-allowance></spendcap-allowance>' +
        '<spendcap-shelf></spendcap-shelf></spendcap-checkout><spendcap-refusal></spendcap-refusal>';
      window.client = createClient({ url: location.origin + '/fake', ageToken: 't' });
      window.outcomes = [];
      const [checkout, allowance, shelf, refusal] = document.body.querySelectorAll('*');
      Object.assign(window, { checkout, allowance, shelf, refusal });
      for (const element of [checkout, allowance, shelf]) element.client = client;
      checkout.addEventListener('spendcap-outcome', ({ detail: { outcome } }) =>
        outcomes.push(outcome.status));
      await client.refresh();
    })()`);
    await page.getByText('CN¥12.00 left of CN¥50.00').waitFor();
  });

  const textOf = (element: string): Promise<string> =>
    page.evaluate(`(async () => {
      await ${element}.updateComplete;
      return ${element}.shadowRoot.textContent.replace(/\\s+/g, ' ').trim();
    })()`);
  const dialog = () => page.getByRole('dialog');
  const press = (name: string | RegExp) => dialog().getByRole('button', { name }).click();

  const amounts = (value: unknown) => ({ ...limit, cap: value, used: value, remaining: value });
  const UNREADABLE = 'We cannot show what you can spend right now. Try again in a moment.';
  test.each([
    ['an amount that is a number', { limits: [amounts(50)] }, UNREADABLE],
    ['an amount of 1e21', { limits: [amounts('1e21')] }, UNREADABLE],
    ['an amount that is markup', { limits: [amounts('<img src=x onerror=alert(1)>')] }, UNREADABLE],
    ['no amounts', { limits: [{ ...limit, remaining: '16.00' }, {}] }, UNREADABLE],
    ['no currency', { currency: null }, UNREADABLE],
    ['no policy', { policy: null }, 'CN¥12.00 left of CN¥50.00 Starts again on'],
    ['no end', { limits: [{ ...limit, resetsAt: undefined }] }, 'CN¥12.00 left of CN¥50.00'],
    ['an end that is no date', { limits: [{ ...limit, resetsAt: 'soon' }] }, 'CN¥12.00 left of'],
    ['a period that is markup', { limits: [{ ...limit, period: '<b>' }] }, 'Limit CN¥12.00 left'],
    ['an empty reason', { blocked: [{}] }, 'You cannot buy this now.'],
    [
      'more than a float holds',
      { limits: [{ ...amounts(`1${'0'.repeat(21)}`), used: '0' }] },
      'CN¥1,000,000,000,000,000,000,000 left of CN¥1,000,000,000,000,000,000,000',
    ],
  ])('an allowance with %s is a plain sentence', async (_, change, text) => {
    server.allowance = { ...allowance, ...change };
    await page.evaluate('client.refresh()');
    expect(await textOf('allowance')).toContain(text);
    expect(await textOf('allowance')).not.toMatch(/undefined|null|NaN|Invalid/);
  });

  const CANNOT = 'You cannot buy this now. Ask a parent or guardian if you have questions.';
  const AGE = 'We do not know your age yet. Ask a parent or guardian to help you confirm it';
  const NOT_FOR = 'Players of your age cannot buy things here.';
  test.each<[string, unknown, string]>([
    ['no reasons', [], CANNOT],
    ['a code that is a number', [{ code: 5 }], CANNOT],
    ['no limit', [{ code: 'day_cap_exceeded', limit: null }], CANNOT],
    ['amounts that are numbers', [{ ...over, limit: amounts(5) }], CANNOT],
    ['no row', [{ code: 'forbidden_for_age', row: null }], NOT_FOR],
    ['an empty row', [{ code: 'forbidden_for_age', row: {} }], NOT_FOR],
    ['no translations', [{ code: 'forbidden_for_age', row: { citationIn: null } }], NOT_FOR],
    ['an age that is null', [{ code: 'age_not_precise', provableAge: null }], AGE],
    ['an age that is markup', [{ code: 'age_not_precise', provableAge: '<b>9</b>' }], AGE],
  ])('a refusal with %s says what to do, and that nothing was paid', async (_, reasons, text) => {
    await page.evaluate(`refusal.refusal = ${JSON.stringify({ reasons, allowance })}`);
    expect(await textOf('refusal')).toContain(text);
    expect(await textOf('refusal')).toContain('No money was taken.');
    expect(await textOf('refusal')).not.toMatch(/undefined|null|NaN|<b>/);
  });

  test.each([
    ['48', 'amount'],
    ['"-5.00"', 'amount'],
    ['NaN', 'amount'],
    ['"1e21"', 'amount'],
    ['undefined', 'amount'],
    ['"48.00", currency: 5', 'currency'],
  ])(
    'a product whose price is %s is refused by name, and no other with it',
    async (price, name) => {
      const product = `{ ...${JSON.stringify(gems)}, id: 'bad', amount: ${price} }`;
      const seeds = { ...gems, id: 'seeds', name: 'Seeds', amount: '1.00' };
      await page.evaluate(`shelf.products = [${product}, ${JSON.stringify(seeds)}]`);
      expect(await textOf('shelf')).toBe('Seeds CN¥1.00 Buy');
      const fault = `Product bad: invalid \`${name}\``;
      expect(faults.splice(0)).toEqual([fault]);
      await expect(page.evaluate(`checkout.open(${product})`)).rejects.toThrow(fault);
      expect(await dialog().count()).toBe(0);
    },
  );

  test('a player who is signed out while the dialog is open reads that, and pays nothing', async () => {
    await page.evaluate(`checkout.open(${JSON.stringify(gems)})`);
    await dialog().getByRole('button', { name: /^Pay/ }).waitFor();
    await page.evaluate('checkout.client = null');
    await press(/^Pay/);
    await dialog().getByText('Sign in to buy things here.').waitFor();
    await press('Close');
    expect(await page.evaluate('outcomes')).toEqual([]);
  });

  test('a price on a button is not broken in the middle, on a phone', async () => {
    await page.evaluate(`checkout.open({ ...${JSON.stringify(gems)}, amount: '1118.00' })`);
    await dialog().getByRole('button', { name: 'Pay CN¥1,118.00' }).waitFor();
    const lines = await page.evaluate(`(() => {
      const range = document.createRange();
      range.selectNodeContents(checkout.shadowRoot.querySelector('[part~="main"]'));
      return new Set([...range.getClientRects()].map(({ top }) => top)).size;
    })()`);
    expect(lines).toBe(1);
    const box = await dialog().boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(360);
  });

  test('closed and opened again in one go, the dialog shows what was opened', async () => {
    const seeds = { ...gems, id: 'seeds', name: 'Seeds', amount: '1.00' };
    await page.evaluate(`checkout.open(${JSON.stringify(gems)})`);
    await dialog().getByRole('heading', { name: 'Buy 480 gems?' }).waitFor();
    await page.evaluate(`checkout.close(); checkout.open(${JSON.stringify(seeds)})`);
    await dialog().getByRole('heading', { name: 'Buy Seeds?' }).waitFor();
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 50))');
    await dialog().getByRole('button', { name: 'Pay CN¥1.00' }).waitFor();
  });

  test('what may have been paid is not called refused when it has used up the limit', async () => {
    await page.evaluate(`shelf.products = [{ ...${JSON.stringify(gems)}, amount: '10.00' }];
      checkout.pay = async () => { throw new Error('no answer'); }`);
    await page.getByRole('button', { name: 'Buy 480 gems' }).click();
    // The hold of the purchase itself.
    server.allowance = { ...allowance, limits: [{ ...limit, remaining: '2.00' }] };
    await press(/^Pay/);
    const text = 'We do not know yet if money was taken. Do not pay again.';
    await dialog().getByText(text).waitFor();
    await press('Close');
    await page.getByRole('button', { name: 'Why not? 480 gems' }).click();
    await dialog().getByText(text).waitFor();
    expect(await dialog().getByText('No money was taken').count()).toBe(0);
    expect(await page.evaluate('outcomes')).toEqual(['unknown']);
  });

  test('a payment that waits is shown again while the shop looks for it, and reported once', async () => {
    await page.evaluate(`shelf.products = [{ ...${JSON.stringify(gems)}, amount: '10.00' }];
      checkout.client = { ...client, checkout: async () => ({
        status: 'pending', id: 'order-1', result: null,
        settled: () => new Promise((resolve) => (window.settle = resolve)),
      }), getSnapshot: () => ({ ...client.getSnapshot(),
        purchases: { 'order-1': { status: 'pending' } } }) }`);
    const buy = page.getByRole('button', { name: 'Buy 480 gems' });
    await buy.click();
    await press(/^Pay/);
    await press('OK');
    await buy.click();
    await dialog().getByRole('heading', { name: 'Not finished yet' }).waitFor();
    await page.evaluate(`settle({ status: 'paid', id: 'order-1', result: null })`);
    await dialog().getByRole('heading', { name: 'You bought 480 gems for CN¥10.00.' }).waitFor();
    await press('OK');
    await buy.click();
    await dialog().getByRole('heading', { name: 'Buy 480 gems?' }).waitFor();
    expect(await page.evaluate('outcomes')).toEqual(['pending', 'paid']);
  });
});
