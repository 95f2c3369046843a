import { Environment, SignedDataVerifier } from '@apple/app-store-server-library';
import { parseMoney } from '@spendcap/core';
import { appleProcessor, guardApple } from '@spendcap/server/payments/apple';
import { decodeJwt } from 'jose';
import type { FakeAskToBuy } from '../../fake-app-store/state.ts';
import { type FakeAppStore, fakeAppStore } from '../../fake-app-store.ts';
import { known, outbox, type PaymentDeps } from '../payments/method.ts';
import { PRODUCTS, type Product } from '../products.ts';
import { clientOver } from './app-store-client.ts';
import { type Phone, type PhoneStore, purchaseOf } from './store.ts';

/** Apple's prices are in thousandths, those of the shop in hundredths. */
const THOUSANDTHS = 10;

/** Apple announces neither a closed sheet nor a parent's no: the hold ends after 25 hours. */
export function appStore({ limiter, now }: PaymentDeps): PhoneStore {
  const fake = fakeAppStore({ now, products: Object.fromEntries(PRODUCTS.map(soldBy)) });
  const { bundleId } = fake;
  const environment = Environment.SANDBOX;
  const verifier = new SignedDataVerifier([...fake.rootCertificates], false, environment, bundleId);
  const processor = appleProcessor({ verifier, api: clientOver(fake), bundleId, environment, now });
  const engine = { processor, limiter, now };
  const apple = guardApple(engine);
  return {
    name: processor.name,
    label: { en: 'App Store', zh: 'App Store' },
    cashier: null,
    engine,
    // Where the fake sends them.
    path: '/app-store',
    notify: outbox(fake.notices, fake.deliver),
    phone: phoneOf(fake),
    begin: (order) => apple.begin(purchaseOf(order)),
    async confirm({ token }, ageToken) {
      const { purchase } = await apple.confirm(token, { ageToken });
      // Nobody takes it back, so the app finishes whatever is counted.
      return { id: purchase?.id ?? null, isAccepted: purchase !== null };
    },
    async abandon() {},
    async refund({ processorRef }) {
      fake.refund(processorRef ?? '');
    },
  };
}

function soldBy({ id, price, currency }: Product) {
  const thousandths = parseMoney(price, currency) * THOUSANDTHS;
  const sold = { type: 'Consumable', price: thousandths, currency } as const;
  return [id, sold] as const;
}

function phoneOf(fake: FakeAppStore): Phone {
  /** A repeated request for the same product is the same one. */
  const requests = new Map<string, FakeAskToBuy>();
  return {
    buy({ player, product, tokens }) {
      fake.buy({ ...tokensOf(tokens), customer: player, productId: product.id });
    },
    ask({ player, product, tokens }) {
      const request = { ...tokensOf(tokens), customer: player, productId: product.id };
      requests.set(`${player}.${product.id}`, fake.askToBuy(request));
    },
    unfinished: (player) =>
      fake.unfinished(player).map((token) => {
        return { product: String(decodeJwt(token).productId), token };
      }),
    finish: (token) => fake.finish(String(decodeJwt(token).transactionId)),
    requests: (player) =>
      [...requests]
        .filter(([, { customer, state }]) => customer === player && state === 'waiting')
        .map(([id, { productId: product }]) => ({ id, product })),
    answer(id, isApproved) {
      const request = known(requests, id);
      if (isApproved) fake.approve(request);
      else fake.decline(request);
    },
  };
}

function tokensOf({ appAccountToken }: { readonly appAccountToken?: string }) {
  return appAccountToken === undefined ? {} : { appAccountToken };
}
