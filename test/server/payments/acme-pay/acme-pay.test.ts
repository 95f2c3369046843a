import { processorSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { acmeProcessor, guardAcme } from './acme-pay.ts';
import { acmePay } from './fake.ts';

describe('acme_pay', () => {
  const secret = 'acme-secret';
  processorSuite({
    test: test.concurrent,
    open({ limiter, now }) {
      const fake = acmePay(secret);
      const options = { acme: fake.client, secret };
      const guard = guardAcme({ ...options, limiter, now });
      return {
        processor: acmeProcessor(options),
        start: ({ amount, ...spendcap }) => guard.createOrder(amount, { spendcap }),
        pay: async (id) => fake.pay(id),
        refund: async (id, { amount }) => fake.refund(id, Number(amount) * 100),
        notifications: fake.notifications,
        charges: fake.created,
        failNext: fake.failNext,
      };
    },
  });
});
