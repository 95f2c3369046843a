import { parseMoney } from '@spendcap/core';
import { processorSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { acmeStoreProcessor, guardAcmeStore } from './acme-store.ts';
import { acmeStore } from './fake.ts';

describe('acme_store', () => {
  const secret = 'acme-secret';
  processorSuite({
    test: test.concurrent,
    open({ limiter, now }) {
      const store = acmeStore(secret, now);
      const processor = acmeStoreProcessor({ secret, list: store.list });
      const guard = guardAcmeStore(secret, { processor, limiter, now });
      const last = new Map<string, string>();
      const prices = new Map<string, number>();
      const sheet = (token: string) => ({ token, cents: prices.get(token) ?? 0 });
      return {
        processor,
        start(purchase) {
          prices.set(purchase.id, parseMoney(purchase.amount, 'CNY'));
          return guard.begin({ ...purchase, currency: 'CNY' });
        },
        async pay(token) {
          last.set(token, store.buy(sheet(token)));
        },
        refund: async (id, { amount }) =>
          store.refund(last.get(id) ?? '', parseMoney(amount, 'CNY')),
        notifications: store.notifications,
        charges: () => 0,
        failNext: () => undefined,
        startsLocally: true,
        device: {
          confirm: (id, evidence) => guard.confirm(store.receipt(last.get(id) ?? ''), { evidence }),
          async ask(token) {
            last.set(token, store.askToBuy(sheet(token)));
          },
          approve: async (id) => store.answer(last.get(id) ?? '', 'bought'),
          renew: async (id) => void store.renew(last.get(id) ?? ''),
        },
      };
    },
  });
});
