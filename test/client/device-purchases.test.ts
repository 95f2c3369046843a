import { createClient, type Pay } from '@spendcap/client';
import {
  type CordovaEvents,
  type CordovaStore,
  cordovaStore,
  type DeviceEvents,
  type DeviceStore,
  type DeviceTransaction,
  devicePurchases,
  type OpenIapPurchase,
  openIapStore,
} from '@spendcap/client/device-purchases';
import { describe, expect, test, vi } from 'vitest';
import { allowed, answer, fakeFetch, refused } from './fake-api.ts';

type Way = 'buys' | 'cancels' | 'waits' | 'breaks';
const TOKENS = { appAccountToken: 'uuid-1', obfuscatedAccountId: 'a', obfuscatedProfileId: 'p' };

/** A device whose transactions outlive the app: what is not finished is there at the next start. */
interface Device {
  way: Way;
  readonly sheets: unknown[];
  readonly unfinished: Map<string, DeviceTransaction>;
  /** A new start of the app. */
  start(): DeviceStore;
  /** A parent approves a purchase that waits. */
  approve(): void;
}

/** `react-native-iap` and `expo-iap`, as their types and native code have it. */
function openIapDevice(os: 'ios' | 'android'): Device {
  let updated = (_: OpenIapPurchase) => {};
  let failed = (_: { code?: string; productId?: string | null }) => {};
  const purchase = (state: string): OpenIapPurchase => ({
    productId: 'gems',
    purchaseState: state,
    purchaseToken: 'signed',
  });
  const buy = () => {
    device.unfinished.set('gems', { product: 'gems', token: 'signed' });
    updated(purchase('purchased'));
  };
  const iap = {
    async requestPurchase(options: object) {
      device.sheets.push(options);
      if (device.way === 'buys') buy();
      if (device.way === 'cancels') failed({ code: 'user-cancelled', productId: 'gems' });
      if (device.way === 'breaks') failed({ code: 'network-error' });
      // On iOS a purchase that waits is an error, on Android a purchase.
      if (device.way === 'waits' && os === 'ios') failed({ code: 'deferred-payment' });
      if (device.way === 'waits' && os === 'android') updated(purchase('pending'));
      return null;
    },
    finishTransaction: async ({ purchase }: { purchase: OpenIapPurchase }) =>
      device.unfinished.delete(purchase.productId),
    purchaseUpdatedListener(listener: typeof updated) {
      updated = listener;
      if (os === 'ios') for (const _ of device.unfinished) setTimeout(() => buy());
      return { remove: () => undefined };
    },
    purchaseErrorListener(listener: typeof failed) {
      failed = listener;
      return { remove: () => undefined };
    },
    getAvailablePurchases: async () => [...device.unfinished].map(() => purchase('purchased')),
  };
  const device: Device = {
    ...{ way: 'buys', sheets: [], unfinished: new Map() },
    start: () => openIapStore(iap, { os }),
    approve: buy,
  };
  return device;
}

/** `cordova-plugin-purchase` 13.16 and later with StoreKit 2. */
function cordovaDevice(): Device {
  const listeners: Record<string, ((value: never) => void)[]> = {};
  const emit = (event: string, value: object) => {
    for (const listener of listeners[event] ?? []) listener(value as never);
  };
  const verify = () => {
    const transaction = { type: 'apple-sk2', id: 'gems', jwsRepresentation: 'signed' };
    const finish = () => device.unfinished.delete('gems');
    const done = ({ ok }: { ok: boolean }) => emit(ok ? 'verified' : 'unverified', { finish });
    (store.validator as (...given: unknown[]) => void)({ id: 'app.bundle', transaction }, done);
  };
  const buy = () => {
    device.unfinished.set('gems', { product: 'gems', token: 'signed' });
    emit('approved', { verify });
  };
  const order = async (data: object) => {
    const name = (store.applicationUsername as () => string)();
    device.sheets.push({ name, obfuscator: store.obfuscator, data });
    if (device.way === 'cancels') return { code: 6_777_006, isError: true };
    if (device.way === 'breaks') return { code: 6_777_010, isError: true };
    if (device.way === 'waits') emit('pending', { products: [{ id: 'gems' }] });
    if (device.way === 'buys') buy();
    return undefined;
  };
  const when = new Proxy({} as CordovaEvents, {
    get: (_, event: string) => (listener: (value: never) => void) => {
      listeners[event] = [listener];
      return when;
    },
  });
  const store: CordovaStore = {
    get: (id) => (id === 'gems' ? { getOffer: () => ({ order }) } : undefined),
    when: () => when,
    off: () => undefined,
  };
  const device: Device = {
    ...{ way: 'buys', sheets: [], unfinished: new Map() },
    start() {
      // The plugin approves what is unfinished once it is initialized.
      for (const _ of device.unfinished) setTimeout(buy);
      return cordovaStore(store);
    },
    approve: buy,
  };
  return device;
}

describe.each<[string, () => Device]>([
  ['OpenIAP on iOS', () => openIapDevice('ios')],
  ['OpenIAP on Android', () => openIapDevice('android')],
  ['cordova-plugin-purchase', cordovaDevice],
])('%s', (_, make) => {
  function world(way: Way = 'buys') {
    const device = make();
    device.way = way;
    const { fetch } = fakeFetch(answer(allowed));
    const client = createClient({ url: 'https://pay.example', ageToken: 't', fetch });
    const begin = vi.fn(async (): Promise<unknown> => TOKENS);
    const confirm = vi.fn((_: DeviceTransaction): ReturnType<Pay> => new Response('{}'));
    const start = () => devicePurchases({ store: device.start(), begin, confirm });
    const buy = (shop: ReturnType<typeof start>) =>
      client.checkout({ amount: '6.00', currency: 'CNY', id: 'p' }, shop.pay('gems'));
    return { device, begin, confirm, start, buy };
  }

  test('holds, opens the sheet with the tokens, confirms, and only then finishes', async () => {
    const { device, begin, confirm, start, buy } = world();
    confirm.mockImplementation(() => {
      expect(device.unfinished.size).toBe(1);
      return new Response('{}');
    });
    expect(await buy(start())).toMatchObject({ status: 'paid', id: 'p' });
    expect(begin.mock.calls).toEqual([[expect.objectContaining({ id: 'p' }), 'gems']]);
    expect(JSON.stringify(device.sheets)).toContain('uuid-1');
    expect(confirm.mock.calls).toEqual([[{ product: 'gems', token: 'signed' }]]);
    await vi.waitFor(() => expect(device.unfinished.size).toBe(0));
  });

  test('a refusal opens no sheet', async () => {
    const { device, begin, start, buy } = world();
    begin.mockResolvedValue(refused);
    expect(await buy(start())).toMatchObject({ status: 'refused' });
    expect(device.sheets).toEqual([]);
  });

  test.each<[string, () => unknown]>([
    ['an error', () => ({ code: 'store_unavailable', retryable: true })],
    ['a response with an error', answer({ code: 'store_unavailable' }, 503)],
    ['a response that is no JSON', () => new Response('<html>', { status: 502 })],
    ['a hold without a token', () => ({ allowed: true, appAccountToken: null })],
    ['nothing', () => undefined],
    ['an exception', () => Promise.reject(new TypeError('offline'))],
  ])('%s of `begin` opens no sheet, and nothing was paid', async (_, begun) => {
    const { device, begin, start, buy } = world();
    begin.mockImplementationOnce(async () => begun());
    const shop = start();
    expect(await buy(shop)).toMatchObject({ status: 'failed' });
    expect(device.sheets).toEqual([]);
    expect(await buy(shop)).toMatchObject({ status: 'paid' });
  });

  test('`begin` may return the response of the back end', async () => {
    const { device, begin, start, buy } = world();
    begin.mockImplementationOnce(async () => Response.json(refused, { status: 403 }));
    const shop = start();
    expect(await buy(shop)).toMatchObject({ status: 'refused', reasons: refused.reasons });
    begin.mockImplementationOnce(async () => Response.json(TOKENS, { status: 201 }));
    expect(await buy(shop)).toMatchObject({ status: 'paid' });
    expect(JSON.stringify(device.sheets)).toContain('uuid-1');
  });

  test('two taps on one product open one sheet', async () => {
    const { device, start } = world();
    const pay = start().pay('gems');
    const purchase = { amount: '6.00', currency: 'CNY' };
    const second = { payment: 'failed' };
    const outcomes = await Promise.all(['a', 'b'].map((id) => pay({ ...purchase, id })));
    expect(outcomes).toEqual([expect.any(Response), second]);
    expect(device.sheets).toHaveLength(1);
  });

  test.each<[Way, string]>([
    ['cancels', 'failed'],
    ['breaks', 'unknown'],
  ])('a sheet that %s is %s', async (way, status) => {
    const { confirm, start, buy } = world(way);
    expect(await buy(start())).toMatchObject({ status });
    expect(confirm).not.toHaveBeenCalled();
  });

  test('a parent who approves later: pending, then confirmed and finished', async () => {
    const { device, confirm, start, buy } = world('waits');
    expect(await buy(start())).toMatchObject({ status: 'pending' });
    device.approve();
    await vi.waitFor(() => expect(device.unfinished.size).toBe(0));
    expect(confirm).toHaveBeenCalledTimes(1);
  });

  test('an app that is killed before the confirmation confirms at its next start', async () => {
    const { device, confirm, start, buy } = world();
    confirm.mockImplementationOnce(() => Promise.reject(new TypeError('killed')));
    expect(await buy(start())).toMatchObject({ status: 'unknown' });
    expect(device.unfinished.size).toBe(1);
    start();
    await vi.waitFor(() => expect(device.unfinished.size).toBe(0));
    expect(confirm).toHaveBeenCalledTimes(2);
  });

  test('a `confirm` that returns nothing has counted nothing', async () => {
    const { device, confirm, start, buy } = world();
    confirm.mockResolvedValueOnce(undefined as never);
    expect(await buy(start())).toMatchObject({ status: 'unknown' });
    expect(device.unfinished.size).toBe(1);
  });

  const STATUSES = [401, 403, 404, 409, 422, 429, 500];
  test.each(STATUSES)('a back end that answers %i keeps it unfinished', async (status) => {
    const { device, confirm, start, buy } = world();
    confirm.mockImplementation(() => new Response('{}', { status }));
    // The store has charged, so that nobody may say that no money was taken.
    expect((await buy(start())).status).toBe('unknown');
    expect(device.unfinished.size).toBe(1);
  });
});

describe('sheets that overlap', () => {
  const purchase = { amount: '6.00', currency: 'CNY' };

  /** A bridge whose events the test makes. */
  function bridge() {
    let events: DeviceEvents | undefined;
    const begin = vi.fn(async (): Promise<unknown> => TOKENS);
    const sheets: string[] = [];
    const store: DeviceStore = {
      watch(given) {
        events = given;
        return () => {
          events = undefined;
        };
      },
      async buy(product) {
        sheets.push(product);
      },
    };
    const confirm = async ({ token }: DeviceTransaction) => ({ payment: 'paid' as const, token });
    const shop = devicePurchases({ store, begin, confirm });
    const isOpen = (count: number) => vi.waitFor(() => expect(sheets).toHaveLength(count));
    return { begin, shop, sheets, isOpen, events: () => events as DeviceEvents };
  }

  function later() {
    let resolve = (_: unknown) => {};
    const answer = new Promise<unknown>((set) => {
      resolve = set;
    });
    return { answer, resolve };
  }

  test('a transaction of an earlier start ends no purchase that waits for its hold', async () => {
    const { begin, events, isOpen, sheets, shop } = bridge();
    const { answer, resolve } = later();
    begin.mockReturnValueOnce(answer);
    const pay = shop.pay('gems');
    const first = pay({ ...purchase, id: 'a' });
    expect(await events().confirm({ product: 'gems', token: 'earlier' })).toBe(true);
    events().ended('gems', 'unknown');
    // The store could not say which of two sheets was paid.
    expect(await pay({ ...purchase, id: 'b' })).toEqual({ payment: 'failed' });
    resolve(TOKENS);
    await isOpen(1);
    await events().confirm({ product: 'gems', token: 'signed' });
    expect(await first).toEqual({ payment: 'paid', token: 'signed' });
    expect(sheets).toEqual(['gems']);
  });

  test('a transaction with the token of another sheet is confirmed, and ends none', async () => {
    const { events, isOpen, shop } = bridge();
    const first = shop.pay('gems')({ ...purchase, id: 'a' });
    await isOpen(1);
    expect(await events().confirm({ product: 'gems', token: 'earlier' }, 'uuid-0')).toBe(true);
    events().ended('gems', 'pending', 'uuid-0');
    await events().confirm({ product: 'gems', token: 'signed' }, 'UUID-1');
    expect(await first).toEqual({ payment: 'paid', token: 'signed' });
  });

  test('an error that names no product is of the sheet that was opened last and is open', async () => {
    const { events, isOpen, shop } = bridge();
    const first = shop.pay('gems')({ ...purchase, id: 'a' });
    const second = shop.pay('pass')({ ...purchase, id: 'b' });
    await isOpen(2);
    for (const how of ['unknown', 'failed', 'failed'] as const) events().ended(null, how);
    const payments = (await Promise.all([first, second])) as readonly object[];
    expect(payments).toEqual([{ payment: 'failed' }, { payment: 'unknown' }]);
  });

  test('the end of it leaves nobody waiting, and opens no sheet', async () => {
    const { begin, events, isOpen, sheets, shop } = bridge();
    const open = shop.pay('gems')({ ...purchase, id: 'a' });
    await isOpen(1);
    const { answer, resolve } = later();
    begin.mockReturnValueOnce(answer);
    const waiting = shop.pay('pass')({ ...purchase, id: 'b' });
    shop.stop();
    expect(events()).toBeUndefined();
    resolve(TOKENS);
    expect(await open).toEqual({ payment: 'unknown' });
    expect(await waiting).toMatchObject({ payment: 'failed' });
    expect(await shop.pay('gems')({ ...purchase, id: 'c' })).toEqual({ payment: 'failed' });
    expect([sheets, begin.mock.calls.length]).toEqual([['gems'], 2]);
  });
});

test.each([
  ['ios', 'appAccountToken'],
  ['android', 'obfuscatedProfileIdAndroid'],
])('OpenIAP on %s says which sheet a purchase is of', async (os, name) => {
  const removable = () => ({ remove: () => undefined });
  const iap = {
    ...{ requestPurchase: vi.fn(), finishTransaction: vi.fn() },
    purchaseUpdatedListener: vi.fn((_: (purchase: OpenIapPurchase) => void) => removable()),
    ...{ purchaseErrorListener: removable, getAvailablePurchases: async () => [] },
  };
  const events = { confirm: vi.fn(async () => false), ended: vi.fn() };
  openIapStore(iap, { os }).watch(events);
  const listener = iap.purchaseUpdatedListener.mock.calls[0]?.[0];
  const bought = { productId: 'gems', purchaseToken: 'signed', [name]: 'token-1' };
  for (const purchaseState of ['purchased', 'pending']) listener?.({ ...bought, purchaseState });
  expect(events.confirm.mock.calls).toEqual([[{ product: 'gems', token: 'signed' }, 'token-1']]);
  expect(events.ended.mock.calls).toEqual([['gems', 'pending', 'token-1']]);
});
