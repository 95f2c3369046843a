// Purchases on Google Play with spending caps: held, bought, pending, made elsewhere, refunded.
import { androidpublisher, auth } from '@googleapis/androidpublisher';
import { ageIssuer, fakeGooglePlay } from '@spendcap/sandbox';
import { ageTokens, cnGame, createLimiter } from '@spendcap/server';
import { processorWebhook, reconcile } from '@spendcap/server/payments';
import { guardGooglePlay } from '@spendcap/server/payments/google-play';
import { memoryStore } from '@spendcap/server/stores/memory';

const DAY = 86_400_000;
const clock = { at: Date.now() };
const now = () => clock.at;
const price = { currency: 'CNY', micros: 30_000_000 };
const fake = fakeGooglePlay({ now, products: { gem60: price } });
// With your own app: auth = new auth.GoogleAuth({ keyFile, scopes }), and no fetchImplementation.
const account = new auth.OAuth2();
account.setCredentials({ access_token: fake.accessToken });
const fetchImplementation = fake.fetch;
const play = androidpublisher({ version: 'v3', auth: account, fetchImplementation });

const age = { issuer: 'https://age.example', audience: 'https://game.example' };
const ageAuthority = await ageIssuer({ ...age, now }); // In production: the URL of its key set.
const limiter = createLimiter({
  policy: cnGame(),
  store: memoryStore(), // In production: Postgres or Redis.
  ageTokens: ageTokens({ issuers: [{ ...age, jwks: ageAuthority.jwks }], now }),
  now,
});
const google = guardGooglePlay({
  ...{ play, packageName: fake.packageName, limiter, now },
  accountKey: 'a-secret-of-the-game', // In production: of 16 random bytes or more.
  push: { ...fake.push, jwks: { keys: fake.jwks().keys } }, // In production without `jwks`.
});
const webhook = processorWebhook(google.engine); // The address of the push subscription.

/** The app calls its server, then opens the sheet. */
async function buy(id: string, more: { readonly isPending?: boolean } = {}) {
  const ageToken = await ageAuthority.issue({ subject: 'player-12', age: 12 });
  const held = await google.begin({
    id,
    amount: '30.00',
    currency: 'CNY',
    product: 'gem60',
    ageToken,
  });
  if (!held.allowed) return console.log(id, ...held.reasons.map(({ code }) => code));
  const { obfuscatedProfileId, obfuscatedAccountId } = held;
  const ids = { obfuscatedProfileId, obfuscatedAccountId: obfuscatedAccountId ?? '' };
  const { purchaseToken } = fake.device.buy({ productId: 'gem60', ...ids, ...more });
  const { result, wasHeld } = await google.confirm({ productId: 'gem60', purchaseToken, ageToken });
  console.log(id, result, wasHeld ? 'deliver' : 'do not deliver');
  return { purchaseToken, ...ids };
}

const first = await buy('order-1');
const second = await buy('order-2', { isPending: true });
await buy('order-3'); // The third of the day: 90 yuan are within its cap of 100.
await buy('order-4');

fake.device.complete(second?.purchaseToken ?? ''); // A parent approves.
// Bought with another app: no hold, but her account.
const obfuscatedAccountId = first?.obfuscatedAccountId ?? '';
const elsewhere = fake.device.buy({ productId: 'gem60', obfuscatedAccountId });
await fake.deliver(fake.notices, webhook);

async function show(...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { state, committed, refunded } = (await limiter.get(id)) ?? {};
    console.log(id.replace(/GPA.*/, '...'), state, committed, 'refunded', refunded);
  }
}
const outside = `google_play:${elsewhere.orderIds[0]}`;
await show('order-2', outside);

fake.office.refund(fake.orders()[0]?.orderId ?? '', { revoke: true });
clock.at += 3 * DAY; // Nobody acknowledged what was not held: Google gives it back.
fake.office.voidDue();
await reconcile({ ...google.engine, since: clock.at - 7 * DAY });
await show('order-1', outside);
console.log(`kept by Google Play: ${fake.netCharged('CNY') / 1_000_000} CNY`);
await limiter.close();
