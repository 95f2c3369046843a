import { randomBytes } from 'node:crypto';
import { androidpublisher, auth } from '@googleapis/androidpublisher';
import { parseMoney } from '@spendcap/core';
import { guardGooglePlay } from '@spendcap/server/payments/google-play';
import { type FakeGooglePlay, fakeGooglePlay } from '../../fake-google-play.ts';
import { outbox, type PaymentDeps } from '../payments/method.ts';
import { PRODUCTS, type Product } from '../products.ts';
import { type Phone, type PhoneStore, purchaseOf, type Sheet } from './store.ts';

/** Google's prices are in millionths, those of the shop in hundredths. */
const MILLIONTHS = 10_000;

/** What was not held is not acknowledged: Google gives it back after three days. */
export function googlePlay({ limiter, now }: PaymentDeps): PhoneStore {
  const fake = fakeGooglePlay({ now, products: Object.fromEntries(PRODUCTS.map(soldBy)) });
  const account = new auth.OAuth2();
  account.setCredentials({ access_token: fake.accessToken });
  const play = androidpublisher({
    ...{ version: 'v3', auth: account, fetchImplementation: fake.fetch },
  });
  const google = guardGooglePlay({
    ...{ play, packageName: fake.packageName, limiter, now },
    accountKey: randomBytes(32),
    push: { ...fake.push, jwks: { keys: fake.jwks().keys } },
    consumes: () => true,
  });
  return {
    name: google.engine.processor.name,
    label: { en: 'Google Play', zh: 'Google Play' },
    cashier: null,
    engine: google.engine,
    path: new URL(fake.push.audience).pathname,
    notify: outbox(fake.notices, fake.deliver),
    phone: phoneOf(fake),
    async begin(order) {
      const held = await google.begin(purchaseOf(order));
      if (!held.allowed) return held;
      const { obfuscatedAccountId, ...reservation } = held;
      return { ...reservation, obfuscatedAccountId: obfuscatedAccountId ?? '' };
    },
    async confirm({ product: productId, token: purchaseToken }, ageToken) {
      const confirmed = await google.confirm({ productId, purchaseToken, ageToken });
      return { id: confirmed.purchase?.id ?? null, isAccepted: confirmed.wasHeld };
    },
    async abandon(id) {
      await google.abandon(id);
    },
    async refund({ processorRef }) {
      fake.office.refund(processorRef ?? '', { revoke: true });
    },
  };
}

function soldBy({ id, price, currency }: Product) {
  const micros = parseMoney(price, currency) * MILLIONTHS;
  return [id, { currency, micros }] as const;
}

function phoneOf(fake: FakeGooglePlay): Phone {
  /** Whose phone it is, by purchase token. */
  const owners = new Map<string, string>();
  const buy = ({ player, product, tokens }: Sheet, isPending: boolean) => {
    const { obfuscatedAccountId, obfuscatedProfileId } = tokens;
    const { purchaseToken } = fake.device.buy({
      ...{ productId: product.id, isPending },
      ...(obfuscatedAccountId === undefined ? {} : { obfuscatedAccountId }),
      ...(obfuscatedProfileId === undefined ? {} : { obfuscatedProfileId }),
    });
    owners.set(purchaseToken, player);
  };
  const ofPlayer = (player: string) =>
    fake.purchases().filter(({ purchaseToken }) => owners.get(purchaseToken) === player);
  return {
    buy: (sheet) => buy(sheet, false),
    ask: (sheet) => buy(sheet, true),
    unfinished: (player) =>
      ofPlayer(player)
        .filter(({ state, isConsumed }) => state === 'PURCHASED' && !isConsumed)
        .map(({ productId: product, purchaseToken: token }) => ({ product, token })),
    // The server has consumed it already.
    finish() {},
    requests: (player) =>
      ofPlayer(player)
        .filter(({ state }) => state === 'PENDING')
        .map(({ productId: product, purchaseToken: id }) => ({ id, product })),
    answer(id, isApproved) {
      if (isApproved) fake.device.complete(id);
      else fake.device.cancel(id);
    },
  };
}
