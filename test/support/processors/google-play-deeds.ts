import type { FakeGooglePlay, FakePlayOrder, FakePlayPurchase } from '@spendcap/sandbox';
import type { GuardedGooglePlay } from '@spendcap/server/payments/google-play';
import type { Deeds } from './deeds.ts';

export const OUTSIDE = [
  ...(['player_buys', 'buys_outside_the_app', 'payment_is_pending', 'pending_is_paid'] as const),
  ...(['pending_is_given_up', 'app_is_killed', 'google_renews', 'google_refunds'] as const),
  ...(['console_refunds', 'bank_takes_back'] as const),
] as const;
export const GUARDED = ['app_confirms', 'app_abandons'] as const;

/** What the app opened a sheet with. */
export interface Sheet {
  readonly product: string;
  /** Fen. */
  readonly price: number;
  readonly account: string | null;
}

const DEFAULT: Sheet = { product: 'gems', price: 3_000, account: null };
/** A price as pieces of one fen, so that any part of it can be given back. */
const FEN = { currency: 'CNY', micros: 10_000 };

/** The devices of all players: each sheet has the id of its purchase. */
export function devices(fake: FakeGooglePlay) {
  const sheets = new Map<string, Sheet>();
  const outside = new Set<string>();
  const bought = (id: string) => fake.purchases().filter((each) => each.obfuscatedProfileId === id);
  const lastOf = (id: string): FakePlayPurchase => {
    const last = bought(id).at(-1);
    if (last === undefined) throw new Error('Nothing was bought.');
    return last;
  };
  const sell = (id: string | null, { product: productId, price, account }: Sheet, more = {}) => {
    const purchase = {
      ...{ productId, quantity: price, price: FEN, ...more },
      ...(account === null ? {} : { obfuscatedAccountId: account }),
      ...(id === null ? {} : { obfuscatedProfileId: id }),
    };
    const { buy, subscribe } = fake.device;
    return productId === 'pass' ? subscribe(purchase) : buy(purchase);
  };
  const sheetOf = (id: string) => sheets.get(id) ?? DEFAULT;
  return {
    ...{ bought, lastOf, outside, sheets },
    opened: () =>
      [...sheets].map(([id, { account }]) => `sheet\nprofile ${id}\naccount ${account}`),
    buy: (id: string) => sell(id, sheetOf(id)),
    ask: (id: string) => sell(id, sheetOf(id), { isPending: true }),
    buyOutside(id: string) {
      const { purchaseToken } = sell(null, { ...sheetOf(id), product: 'gems' });
      outside.add(purchaseToken);
      return purchaseToken;
    },
    /** Renewals, and what was bought outside the app. */
    unheld: () =>
      fake.orders().filter(({ orderId, purchaseToken }) => {
        const purchase = fake.purchases().find((each) => each.purchaseToken === purchaseToken);
        return outside.has(purchaseToken) || purchase?.orderIds[0] !== orderId;
      }),
    orderOf: (id: string) => orderIn(fake, lastOf(id).orderIds.at(-1)),
  };
}

export type Devices = ReturnType<typeof devices>;

function orderIn(fake: FakeGooglePlay, orderId: string | undefined): FakePlayOrder {
  const order = fake.orders().find((each) => each.orderId === orderId);
  if (order === undefined) throw new Error('Nothing was charged.');
  return order;
}

/** What players, their parents, banks and Google do. A history buys each purchase at most once. */
export function outsideGooglePlay(
  fake: FakeGooglePlay,
  device: Devices,
): Deeds<(typeof OUTSIDE)[number]> {
  const isNew = (id: string) => device.sheets.has(id) && device.bought(id).length === 0;
  const refund = (id: string, revoke: boolean) =>
    fake.office.refund(device.orderOf(id).orderId, { revoke });
  return {
    player_buys: (id) => isNew(id) && device.buy(id),
    buys_outside_the_app: (id) => device.sheets.get(id)?.account && device.buyOutside(id),
    payment_is_pending: (id) => isNew(id) && device.ask(id),
    pending_is_paid: (id) => fake.device.complete(device.lastOf(id).purchaseToken),
    pending_is_given_up: (id) => fake.device.cancel(device.lastOf(id).purchaseToken),
    app_is_killed: (id) => device.bought(id).length > 0,
    google_renews: (id) => fake.office.renew(device.lastOf(id).purchaseToken),
    google_refunds: (id, pieces) =>
      pieces === undefined
        ? refund(id, true)
        : fake.office.refundPieces(device.orderOf(id).orderId, pieces),
    console_refunds: (id) => refund(id, false),
    bank_takes_back: (id) => fake.office.chargeback(device.orderOf(id).orderId),
  };
}

export function guardedGooglePlay(
  device: Devices,
  guard: GuardedGooglePlay,
): Deeds<(typeof GUARDED)[number]> {
  return {
    app_confirms(id) {
      const purchase = device.bought(id).at(-1);
      return purchase && guard.confirm(confirmationOf(purchase));
    },
    app_abandons: (id) => device.sheets.has(id) && guard.abandon(id),
  };
}

/** What the device reports of a purchase. */
export function confirmationOf({ kind, productId, purchaseToken }: FakePlayPurchase) {
  const type = kind === 'subscription' ? ('subs' as const) : ('inapp' as const);
  return { productId, purchaseToken, type };
}
