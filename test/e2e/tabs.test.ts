import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { executable, openSite } from './site.ts';
import { openTabs, type Tab } from './tabs.ts';

/** The shop reloads itself when it comes from the page cache; here its elements have to do. */
const NO_RELOAD = `
  window.restored = false;
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    window.restored = true;
    event.stopImmediatePropagation();
  }, true);`;
const VALUE = `document.querySelector('spendcap-allowance')?.shadowRoot
  .querySelector('[role=meter]')?.getAttribute('aria-valuetext')`;

describe.skipIf(executable === null)('two tabs of one player', () => {
  const site = openSite();
  let tabs: Awaited<ReturnType<typeof openTabs>>;
  beforeAll(async () => {
    tabs = await openTabs(executable ?? '');
  });
  afterAll(() => tabs?.close());

  const left = (tab: Tab, amount: string) =>
    expect.poll(() => tab.evaluate(VALUE), { timeout: 15_000 }).toBe(`${amount} left of CN¥100.00`);
  const buy = (tab: Tab, product: string) => {
    const order = { id: `in-a-tab-${product}`, product, method: 'card' };
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const sent = JSON.stringify({ ...init, body: JSON.stringify(order) });
    return tab.evaluate(
      `fetch('/shop/players/player-12/purchases', ${sent}).then((r) => r.status)`,
    );
  };

  test('each shows what the other has spent: in front again, and out of the page cache', async () => {
    const url = `${site.url}?player=player-12&lang=en`;
    const first = await tabs.open(url, NO_RELOAD);
    await left(first, 'CN¥0.00 spent, CN¥100.00');
    const second = await tabs.open(url, NO_RELOAD);
    await second.bringToFront();
    await left(second, 'CN¥0.00 spent, CN¥100.00');
    expect(await first.evaluate('document.visibilityState')).toBe('hidden');
    expect(await buy(second, 'gems-300')).toBe(201);
    await first.bringToFront();
    await left(first, 'CN¥30.00 spent, CN¥70.00');

    await first.goTo(`${site.url}gallery`);
    await expect.poll(() => first.evaluate('location.pathname')).toBe('/gallery');
    expect(await buy(second, 'gems-60')).toBe(201);
    await first.evaluate('history.back()');
    await expect.poll(() => first.evaluate('location.pathname')).toBe('/');
    await left(first, 'CN¥36.00 spent, CN¥64.00');
    expect(await first.evaluate('restored')).toBe(true);
  });
});
