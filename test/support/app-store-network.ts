/**
 * For `node --import`: the App Store Server API is a fake in this process, and its keys are the
 * variables that are not set.
 */
import { fakeAppStore } from '@spendcap/sandbox';
import { http } from 'msw';
import { setupServer } from 'msw/node';

const fake = fakeAppStore();
process.env.APP_STORE_ISSUER_ID ??= fake.key.issuerId;
process.env.APP_STORE_KEY_ID ??= fake.key.keyId;
process.env.APP_STORE_PRIVATE_KEY ??= fake.key.signingKey;
process.env.APP_STORE_BUNDLE_ID ??= fake.bundleId;

const API = 'https://api.storekit-sandbox.apple.com/*';
const network = setupServer(http.all(API, ({ request }) => fake.handle(request)));
network.listen({ onUnhandledFrame: 'error' });
