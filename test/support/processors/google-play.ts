import { androidpublisher, auth } from '@googleapis/androidpublisher';
import { parseMoney } from '@spendcap/core';
import {
  type FakeGooglePlay,
  type FakePlayFault,
  type FakePlayNotice,
  type FakePlayOrder,
  fakeGooglePlay,
} from '@spendcap/sandbox';
import { processorWebhook } from '@spendcap/server/payments';
import {
  type GuardGooglePlayOptions,
  guardGooglePlay,
} from '@spendcap/server/payments/google-play';
import { faultIn, performer } from './deeds.ts';
import type { Books, CommonFault, Limiter, ProcessorEntry, Way } from './entry.ts';
import {
  confirmationOf,
  devices,
  GUARDED,
  guardedGooglePlay,
  OUTSIDE,
  outsideGooglePlay,
} from './google-play-deeds.ts';
import { networkTo } from './network.ts';
import { reconciler } from './reconciler.ts';

/** Google's own client over a `fetch`, without retries of its own. */
function playOver({ accessToken }: FakeGooglePlay, fetch: FakeGooglePlay['fetch']) {
  const client = new auth.OAuth2();
  client.setCredentials({ access_token: accessToken });
  const options = { auth: client, retry: false, fetchImplementation: fetch };
  return androidpublisher({ version: 'v3', ...options });
}

const ACCOUNT_KEY = 'account-key-of-the-tests';

export interface ServeOptions
  extends Partial<Omit<GuardGooglePlayOptions, 'play' | 'limiter' | 'now'>> {
  readonly fake: FakeGooglePlay;
  readonly limiter: Limiter;
  readonly now: () => number;
  /** How the process reaches the fake. Default `fake.fetch`. */
  readonly fetch?: FakeGooglePlay['fetch'];
}

/** Guard, webhook and engine of one server process. */
export function serveGooglePlay({ fake, fetch = fake.fetch, ...options }: ServeOptions) {
  const { keys } = fake.jwks();
  const guard = guardGooglePlay({
    ...{ play: playOver(fake, fetch), packageName: fake.packageName, accountKey: ACCOUNT_KEY },
    push: { ...fake.push, jwks: { keys } },
    ...options,
  });
  return { guard, engine: guard.engine, webhook: processorWebhook(guard.engine) };
}

const FAULTS = {
  reject: { kind: 'refuse', status: 404, reason: 'notFound' },
  cut_before: { kind: 'drop_before' },
  cut_after: { kind: 'drop' },
  rate_limit: { kind: 'rate_limit' },
  error: { kind: 'error' },
  slow: { kind: 'delay', milliseconds: 2 },
  forbidden: { kind: 'refuse', status: 403 },
  gone: { kind: 'refuse', status: 410, reason: 'purchaseTokenNoLongerValid' },
} satisfies Record<CommonFault, FakePlayFault> & Record<string, FakePlayFault>;

const BOUGHT = ['player_buys', 'player_buys', 'payment_is_pending'];
const PAID = ['pending_is_paid', 'pending_is_paid', 'pending_is_given_up'];
const CONFIRMED = ['app_confirms', 'app_confirms', 'app_abandons', 'app_is_killed'];
const REFUNDED = ['google_refunds', 'console_refunds', 'bank_takes_back'];

const WAYS: Readonly<Record<string, Way>> = {
  gems: { weight: 50, usually: [BOUGHT, PAID, CONFIRMED, REFUNDED], isLocal: true },
  pass: {
    ...{ weight: 50, usually: [BOUGHT, PAID, ['google_renews'], REFUNDED] },
    ...{ isLocal: true, renews: true },
  },
};

/** What Google has charged and given back, in fen. */
function booksOf({ total, partialRefunds, refund }: FakePlayOrder): Books {
  const parts = partialRefunds.map(({ micros }) => micros / 10_000);
  const rest = parts.reduce((left, part) => left - part, total.micros / 10_000);
  const refunds = refund === null ? parts : [...parts, rest];
  return { captured: total.micros / 10_000, refunds, isLate: true };
}

const ledgerIdOf = ({ orderId }: FakePlayOrder) => `google_play:${orderId}`;

const tokenIn = ({ content }: FakePlayNotice) =>
  Object.values(content).map((part) => (part as { purchaseToken?: string }).purchaseToken);

export const googlePlay = {
  name: 'google-play',
  currencies: { CNY: 1 },
  ways: WAYS,
  deeds: [...OUTSIDE, ...GUARDED],
  faults: Object.keys(FAULTS),
  // What was bought without a hold, or after it had ended: nothing can close a sheet.
  reports: ['purchase_ended', 'purchase_not_found'],
  open({ now }) {
    const fake = fakeGooglePlay({ now });
    const network = networkTo(fake.fetch);
    const device = devices(fake);
    const outside = outsideGooglePlay(fake, device);
    const orderIds = () => fake.orders().map(({ orderId }) => orderId);
    return {
      received: () => [...device.opened(), ...network.received()],
      serve({ beforeCall, ...shop }) {
        const fetch = network.from(beforeCall);
        const { engine, guard, webhook } = serveGooglePlay({ ...shop, fake, fetch, orderIds });
        return {
          ...{ processor: engine.processor, webhook },
          reconcile: reconciler({ ...engine, since: 0 }),
          async start({ spendcap, amount, currency, way: product = 'gems' }) {
            const { expiresInSeconds: _, ...purchase } = spendcap;
            const begun = await guard.begin({ ...purchase, amount, currency, product });
            const price = parseMoney(amount, currency);
            if (begun.allowed) {
              const { obfuscatedAccountId: account } = begun;
              device.sheets.set(purchase.id, { product, price, account });
            }
            return begun;
          },
          deed: performer(outside, guardedGooglePlay(device, guard)),
          device: {
            buy: async (id) => void device.buy(id),
            confirm: (id, evidence) =>
              guard.confirm({ ...confirmationOf(device.lastOf(id)), evidence }),
            ask: async (id) => void device.ask(id),
            approve: async (id) => void outside.pending_is_paid(id),
            async renew(id) {
              if (device.lastOf(id).kind === 'subscription') outside.google_renews(id);
            },
          },
        };
      },
      async pay(id) {
        if (!outside.player_buys(id)) throw new Error('It has been bought.');
      },
      async refund(id, { amount }) {
        outside.google_refunds(id, parseMoney(amount, 'CNY'));
      },
      settle: fake.office.voidDue,
      notifications: (id) =>
        fake.notices
          .filter(
            (notice) =>
              id === undefined ||
              device
                .bought(id)
                .some(({ purchaseToken }) => tokenIn(notice).includes(purchaseToken)),
          )
          .map((notice) => fake.notification(notice)),
      charges: () => 0,
      fail: (fault) => fake.fail(faultIn<FakePlayFault>(FAULTS, fault)),
      heal: fake.heal,
      books(id) {
        const [purchase] = device.bought(id);
        const order = fake.orders().find(({ orderId }) => orderId === purchase?.orderIds[0]);
        if (order === undefined) return { captured: 0, refunds: [], isLate: true };
        const isAccepted = purchase?.isAcknowledged ?? false;
        return { ...booksOf(order), isAccepted, recordedAs: ledgerIdOf(order) };
      },
      unheld: () => new Map(device.unheld().map((each) => [ledgerIdOf(each), booksOf(each)])),
    };
  },
} satisfies ProcessorEntry;
