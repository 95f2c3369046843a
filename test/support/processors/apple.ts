import { parseMoney } from '@spendcap/core';
import {
  type FakeAppStore,
  type FakeAppStoreFault,
  type FakeAppTransaction,
  fakeAppStore,
} from '@spendcap/sandbox';
import { processorWebhook } from '@spendcap/server/payments';
import { appleProcessor, type GuardedApple, guardApple } from '@spendcap/server/payments/apple';
import { clientOver, onlineVerifierOf } from '../app-store-client.ts';
import { type Deeds, faultIn, performer } from './deeds.ts';
import type { CommonFault, ProcessorEntry, Shop, Way } from './entry.ts';
import { networkTo } from './network.ts';
import { reconciler } from './reconciler.ts';

const HOUR_MS = 3_600_000;
/** Apple's last retry comes 157 hours after the first delivery. */
const DELIVERED_MS = 157 * HOUR_MS;
const WHOLE = 100_000;

const FAULTS = {
  reject: { kind: 'refuse', errorCode: 4_000_006 },
  cut_before: { kind: 'drop_before' },
  cut_after: { kind: 'drop' },
  rate_limit: { kind: 'rate_limit' },
  error: { kind: 'error' },
  slow: { kind: 'delay', milliseconds: 2 },
  unauthorized: { kind: 'unauthorized' },
  html: { kind: 'html' },
} satisfies Record<CommonFault, FakeAppStoreFault> & Record<string, FakeAppStoreFault>;

const BOUGHT = ['player_buys', 'player_buys', 'parent_is_needed'];
const ANSWERED = ['parent_approves', 'parent_approves', 'parent_declines'];
const CONFIRMED = ['app_confirms', 'app_confirms', 'app_is_killed'];
const REFUNDED = ['apple_refunds', 'apple_declines'];
const REVERSED = ['apple_reverses'];
const USUALLY = [BOUGHT, ANSWERED, CONFIRMED, REFUNDED, REVERSED];

const WAYS: Readonly<Record<string, Way>> = {
  gems: { weight: 50, usually: USUALLY, isLocal: true },
  month: {
    ...{ weight: 50, usually: [BOUGHT, ANSWERED, ['apple_renews'], REFUNDED] },
    ...{ isLocal: true, renews: true },
  },
};

const OUTSIDE = [
  ...(['player_buys', 'parent_is_needed', 'parent_approves', 'parent_declines'] as const),
  ...([
    'app_is_killed',
    'apple_renews',
    'apple_refunds',
    'apple_reverses',
    'apple_declines',
  ] as const),
];
const GUARDED = ['app_confirms'] as const;

/** What the app opened a sheet with. */
interface Sheet {
  readonly product: string;
  /** Thousandths. */
  readonly price: number;
}

/** The devices of all players: each sheet has the token of its purchase. */
function devices(fake: FakeAppStore) {
  const sheets = new Map<string, Sheet>();
  const bought = (id: string) =>
    fake
      .transactions()
      .filter((each) => each.appAccountToken === id && each.transactionReason === 'PURCHASE');
  const sheet = (id: string) => {
    const { product: productId, price } = sheets.get(id) ?? { product: 'gems', price: 30_000 };
    return { productId, price, customer: id, appAccountToken: id };
  };
  const lastOf = (id: string): FakeAppTransaction => {
    const last = bought(id).at(-1);
    if (last === undefined) throw new Error('Nothing was bought.');
    return last;
  };
  const waiting = new Map<string, ReturnType<FakeAppStore['askToBuy']>>();
  return {
    ...{ bought, lastOf, sheets },
    opened: () => [...sheets.keys()].map((id) => `sheet\nappAccountToken ${id}`),
    buy: (id: string) => fake.buy(sheet(id)),
    ask: (id: string) => waiting.set(id, fake.askToBuy(sheet(id))),
    answer(id: string, end: 'approve' | 'decline') {
      const request = waiting.get(id);
      if (request === undefined) throw new Error('Nobody is waiting.');
      return fake[end](request);
    },
    refund(id: string, amount?: number) {
      const { transactionId, price, revocationPercentage = 0 } = lastOf(id);
      const share = amount === undefined ? WHOLE : Math.ceil((amount * 10 * WHOLE) / price);
      return fake.refund(transactionId, Math.min(WHOLE, revocationPercentage + share));
    },
  };
}

type Devices = ReturnType<typeof devices>;

/** What players, their parents and Apple do. A history buys each purchase at most once. */
function outsideApple(fake: FakeAppStore, device: Devices): Deeds<(typeof OUTSIDE)[number]> {
  const isNew = (id: string) => device.sheets.has(id) && device.bought(id).length === 0;
  return {
    player_buys: (id) => isNew(id) && device.buy(id),
    parent_is_needed: (id) => isNew(id) && device.ask(id),
    parent_approves: (id) => isNew(id) && device.answer(id, 'approve'),
    parent_declines: (id) => isNew(id) && device.answer(id, 'decline') === undefined,
    app_is_killed: (id) => device.bought(id).length > 0,
    apple_renews: (id) => fake.renew(device.lastOf(id).originalTransactionId),
    apple_refunds: (id, amount) => device.refund(id, amount),
    apple_reverses: (id) => fake.reverseRefund(device.lastOf(id).transactionId),
    apple_declines: (id) =>
      fake.announce('REFUND_DECLINED', { transactionId: device.lastOf(id).transactionId }),
  };
}

function guardedApple(
  fake: FakeAppStore,
  device: Devices,
  guard: GuardedApple,
): Deeds<(typeof GUARDED)[number]> {
  return {
    app_confirms(id) {
      const transaction = device.bought(id).at(-1);
      return transaction && guard.confirm(fake.signedTransaction(transaction.transactionId));
    },
  };
}

/** Guard, webhook and reconciler of one server process. */
function serveApple(fake: FakeAppStore, { limiter, now, onProblem }: Shop) {
  const { bundleId, environment } = fake;
  const processor = appleProcessor({
    ...{
      verifier: onlineVerifierOf(fake),
      api: clientOver(fake),
      bundleId,
      environment,
      now,
      // The fake answers immediately, but the machine may be busy.
      timeoutMs: 30_000,
    },
  });
  const deps = { processor, limiter, now, ...(onProblem === undefined ? {} : { onProblem }) };
  return {
    ...{ processor, guard: guardApple(deps), webhook: processorWebhook(deps) },
    reconcile: reconciler({ ...deps, since: 0 }),
  };
}

const ledgerIdOf = ({ transactionId }: FakeAppTransaction) => `app_store:${transactionId}`;

export const apple = {
  name: 'apple',
  idOf: (index) => `0193a1b2-7c3d-7e4f-8a5b-${String(index).padStart(12, '0')}`,
  currencies: { CNY: 1 },
  ways: WAYS,
  deeds: [...OUTSIDE, ...GUARDED],
  faults: Object.keys(FAULTS),
  // Of a hold that had ended, which nothing can close before the player pays.
  reports: ['purchase_ended'],
  open({ now }) {
    const fake = fakeAppStore({
      ...{ now, environment: 'Production' },
      products: {
        gems: { type: 'Consumable', price: 30_000, currency: 'CNY' },
        month: { type: 'Auto-Renewable Subscription', price: 30_000, currency: 'CNY' },
      },
    });
    const network = networkTo(fake.fetch);
    const device = devices(fake);
    const outside = outsideApple(fake, device);
    return {
      received: () => [...device.opened(), ...network.received()],
      serve({ beforeCall, ...shop }) {
        const reached = { ...fake, fetch: network.from(beforeCall) };
        const { guard, processor, webhook, reconcile } = serveApple(reached, shop);
        return {
          ...{ processor, webhook, reconcile },
          async start({ spendcap, amount, currency, way: product = 'gems' }) {
            const { expiresInSeconds: _, ...purchase } = spendcap;
            const begun = await guard.begin({ ...purchase, amount, currency, product });
            const price = parseMoney(amount, currency) * 10;
            if (begun.allowed) device.sheets.set(purchase.id, { product, price });
            return begun;
          },
          deed: performer(outside, guardedApple(fake, device, guard)),
          device: {
            buy: async (id) => void device.buy(id),
            confirm: (id, evidence) =>
              guard.confirm(fake.signedTransaction(device.lastOf(id).transactionId), { evidence }),
            ask: async (id) => void device.ask(id),
            approve: async (id) => void device.answer(id, 'approve'),
            renew: async (id) => {
              const { type, originalTransactionId } = device.lastOf(id);
              if (type === 'Auto-Renewable Subscription') fake.renew(originalTransactionId);
            },
          },
        };
      },
      async pay(id) {
        if (!outside.player_buys(id)) throw new Error('It has been bought.');
      },
      async refund(id, { amount }) {
        device.refund(id, parseMoney(amount, 'CNY'));
      },
      settle: () => undefined,
      notifications: (id) =>
        fake.notices
          .filter(({ payload }) => payload.signedDate > now() - DELIVERED_MS)
          .filter(({ transactionId }) => id === undefined || isOf(fake, transactionId, id))
          .map((notice) => fake.notification(notice)),
      charges: () => 0,
      fail: (fault) => fake.fail(faultIn<FakeAppStoreFault>(FAULTS, fault)),
      heal: fake.heal,
      books(id) {
        const [transaction] = device.bought(id);
        if (transaction === undefined) return { captured: 0, refunds: [], isLate: true };
        const { price, revocationPercentage = 0 } = transaction;
        const refunded = Math.round((price / 10) * (revocationPercentage / WHOLE));
        const recordedAs = ledgerIdOf(transaction);
        return { captured: price / 10, refunds: [refunded], isLate: true, recordedAs };
      },
      // At the price of the product.
      unheld: () =>
        new Map(
          fake
            .transactions()
            .filter(({ transactionReason }) => transactionReason === 'RENEWAL')
            .map((renewal) => [ledgerIdOf(renewal), { captured: renewal.price / 10, refunds: [] }]),
        ),
    };
  },
} satisfies ProcessorEntry;

function isOf(fake: FakeAppStore, transactionId: string | null, id: string): boolean {
  const found = fake.transactions().find((each) => each.transactionId === transactionId);
  return found?.appAccountToken === id;
}
