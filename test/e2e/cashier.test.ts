import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { executable, openSite } from './site.ts';

const METHODS = ['Stripe Checkout', 'WeChat Pay', 'Alipay'] as const;

describe.skipIf(executable === null)('the payment pages', () => {
  const site = openSite();
  let page: Page;

  beforeEach(async () => {
    page = await site.newPage({ viewport: { width: 360, height: 800 } });
    await visit('adult-30');
  });

  async function visit(player: string, language = 'en'): Promise<void> {
    await page.goto(`${site.url}?player=${player}&lang=${language}`);
    await page.locator('#history > *').waitFor();
  }
  /** Chooses how to pay, and buys up to the payment page. */
  async function goToCashier(method: string): Promise<void> {
    await page.getByRole('radio', { name: method }).check();
    await page.getByRole('button', { name: /^Buy 60 gems/ }).click();
    await page.getByRole('button', { name: /^Pay CN¥6.00/ }).click();
    await page.getByRole('heading', { name: method, level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
  }
  const act = (name: string) => page.getByRole('button', { name }).click();
  const backToShop = async () => {
    await page.getByRole('link', { name: 'Back to the shop' }).click();
    await page.locator('#history > *').waitFor();
  };
  const latestSale = (): Promise<string | null> =>
    page.locator('#history li').first().textContent();
  const widest = (): Promise<unknown> => page.evaluate('document.documentElement.scrollWidth');

  describe.each(METHODS)('%s', (method) => {
    test('is paid, shown, and refunded', async () => {
      await goToCashier(method);
      expect(await widest()).toBeLessThanOrEqual(360);
      await act('Pay CN¥6.00');
      await page.getByText('Paid. The shop has been notified.').waitFor();
      await backToShop();
      expect(await latestSale()).toContain(`${method} · Paid`);
      await page.getByRole('button', { name: 'Get a refund for 60 gems' }).first().click();
      await page.getByText('You got CN¥6.00 back for 60 gems.').waitFor();
      expect(await latestSale()).toContain('↩ Refunded');
    });

    test('is cancelled', async () => {
      await goToCashier(method);
      await act('Cancel');
      const isImmediate = method === 'Stripe Checkout';
      const end = isImmediate ? 'The hold was released' : 'The hold stays until nobody can pay';
      await page.getByText(end).waitFor();
      await backToShop();
      const state = isImmediate ? 'Not paid · given back' : 'Held · not paid yet';
      expect(await latestSale()).toContain(`${method} · ${state}`);
    });

    test('is left open, gone back to, and released once time has passed', async () => {
      await goToCashier(method);
      await page.getByRole('link', { name: 'Leave it open' }).click();
      await page.locator('#history > *').waitFor();
      expect(await latestSale()).toContain(`${method} · Held · not paid yet`);
      expect(await page.getByRole('radio', { name: method }).isChecked()).toBe(true);
      expect(await widest()).toBeLessThanOrEqual(360);
      await page.getByRole('link', { name: 'Go to the payment of 60 gems' }).first().click();
      await page.getByRole('link', { name: 'Leave it open' }).click();
      await act('Let 45 minutes pass');
      await page
        .getByRole('status')
        .getByText(/The clock of this sandbox is \d+ minutes/)
        .waitFor();
      expect(await latestSale()).toContain(`${method} · Not paid · given back`);
    });

    test('is paid late', async () => {
      await goToCashier(method);
      await act('Pay late, in 45 minutes');
      const isLate = method === 'Alipay';
      await page.getByText(isLate ? /^Paid late/ : /^Paid\. The shop/).waitFor();
      await backToShop();
      expect(await latestSale()).toContain(
        isLate ? 'Paid late, after the hold' : `${method} · Paid`,
      );
    });
  });

  test('how to pay is chosen by keyboard, named by its group, and remembered', async () => {
    const group = page.getByRole('group', { name: 'How do you want to pay?' });
    await group.getByRole('radio', { name: 'Saved card (Stripe)' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await group.getByRole('radio', { name: 'WeChat Pay' }).isChecked()).toBe(true);
    await visit('adult-30', 'zh');
    expect(await page.getByRole('radio', { name: '微信支付' }).isChecked()).toBe(true);
  });

  test('a payment that another tab has made appears without a click', async () => {
    await goToCashier('WeChat Pay');
    const cashier = page.url();
    await visit('adult-30');
    const other = await page.context().newPage();
    await other.goto(cashier);
    await other.getByRole('button', { name: 'Pay CN¥6.00' }).click();
    await page.getByRole('status').getByText('60 gems is paid.').waitFor();
    expect(await latestSale()).toContain('WeChat Pay · Paid');
    await other.reload();
    await other.getByText('Paid. The shop has been notified.').waitFor();
  });

  test('a payment page without an answer can be retried, and takes the money once', async () => {
    await goToCashier('Alipay');
    let lost = 0;
    await page.route('**/shop/cashier/*/pay', async (route) => {
      if (lost++ > 0) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await act('Pay CN¥6.00');
    await page.getByRole('status').getByText('We got no answer.').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Paid. The shop has been notified.').waitFor();
    expect(lost).toBe(2);
  });

  test('an address without a payment leads back to the shop', async () => {
    await page.goto(`${site.url}cashier/none?lang=zh-CN`);
    await page.getByRole('heading', { name: '没有这笔付款' }).waitFor();
    await page.getByRole('link', { name: '回到商店' }).click();
    await page.getByRole('heading', { name: '种子商店' }).waitFor();
  });
});
