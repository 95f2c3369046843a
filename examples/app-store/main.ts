// Purchases on the App Store with spending caps: held, bought, pending, made elsewhere, refunded.
import {
  AppStoreServerAPIClient,
  Environment,
  SignedDataVerifier,
} from '@apple/app-store-server-library';
import { ageIssuer, fakeAppStore } from '@spendcap/sandbox';
import { ageTokens, cnGame, createLimiter } from '@spendcap/server';
import { processorWebhook } from '@spendcap/server/payments';
import { appleProcessor, guardApple } from '@spendcap/server/payments/apple';
import { memoryStore } from '@spendcap/server/stores/memory';

const gem60 = { type: 'Consumable', price: 30_000, currency: 'CNY' } as const;
const fake = fakeAppStore({ products: { gem60 } });
// With your own app: its key and bundle id, Apple's root certificates, and online checks.
const { bundleId, rootCertificates } = fake;
const { signingKey, keyId, issuerId } = fake.key;
const environment = Environment.SANDBOX;
const verifier = new SignedDataVerifier([...rootCertificates], false, environment, bundleId);
const api = new AppStoreServerAPIClient(signingKey, keyId, issuerId, bundleId, environment);
type Call = [
  path: string,
  query: string,
  method: string,
  body: string,
  headers: Record<string, string>,
];
// With your own app: without this, which leads to the fake instead of the network.
Object.assign(api, {
  makeFetchRequest: (...[path, query, method, body, headers]: Call) =>
    fake.fetch(`https://api.storekit-sandbox.apple.com${path}?${query}`, { method, body, headers }),
});

const age = { issuer: 'https://age.example', audience: 'https://game.example' };
const ageAuthority = await ageIssuer(age); // In production: the URL of its key set.
const limiter = createLimiter({
  policy: cnGame(),
  store: memoryStore(), // In production: Postgres or Redis.
  ageTokens: ageTokens({ issuers: [{ ...age, jwks: ageAuthority.jwks }] }),
});
const processor = appleProcessor({ verifier, api, bundleId, environment });
const deps = { processor, limiter };
const apple = guardApple(deps);
const webhook = processorWebhook(deps); // The address of App Store Server Notifications.

const ageToken = await ageAuthority.issue({ subject: 'player-12', age: 12 });
const ids = new Map<string, string>();

/** The app calls its server, and gets what it opens the sheet with. */
async function begin(name: string) {
  const id = crypto.randomUUID(); // The App Store takes no other id.
  const purchase = { id, amount: '30.00', currency: 'CNY', product: 'gem60', ageToken };
  const held = await apple.begin(purchase);
  console.log(name, ...(held.allowed ? ['held'] : held.reasons.map(({ code }) => code)));
  if (!held.allowed) return null; // No sheet.
  ids.set(name, id);
  return { productId: 'gem60', appAccountToken: held.appAccountToken };
}

/** After the sheet, and at every launch for what is unfinished. */
async function confirm(name: string, transactionId: string): Promise<void> {
  const signed = fake.signedTransaction(transactionId);
  const { result, wasHeld } = await apple.confirm(signed, { ageToken });
  fake.finish(transactionId);
  console.log(name, result, wasHeld ? 'deliver' : 'was not held');
}

async function show(name: string): Promise<void> {
  const { state, committed, refunded } = (await limiter.get(ids.get(name) ?? '')) ?? {};
  console.log(name, state, committed, 'refunded', refunded);
}

const first = await begin('first');
const bought = first && fake.buy(first);
if (bought) await confirm('first', bought.transactionId);

const second = await begin('second');
const request = second && fake.askToBuy(second); // Held while a parent thinks.
if (request) await confirm('second', fake.approve(request).transactionId);

// By an app that skips `begin`: 90 yuan are within the day's cap of 100, 120 are not.
await confirm('elsewhere', fake.buy({ productId: 'gem60' }).transactionId);
await begin('third');

if (bought) fake.refund(bought.transactionId); // Apple decides, and announces it.
await fake.deliver(fake.notices, webhook);
await show('first');
await begin('fourth');
console.log(`kept by Apple: ${fake.netCharged('CNY') / 1_000} CNY`);
await limiter.close();
