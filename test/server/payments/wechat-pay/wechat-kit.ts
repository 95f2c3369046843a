import { cnGame, type Purchase, type Store } from '@spendcap/core';
import { fakeWechatPay } from '@spendcap/sandbox';
import { createLimiter } from '@spendcap/server';
import { expect } from 'vitest';
import { anyStore } from '../../../support/any-store.ts';
import { serveWechatPay } from '../../../support/processors/wechat-pay.ts';
import { aged } from '../buyer.ts';

export { aged, allowed } from '../buyer.ts';

/** 10:00 in Shanghai, so that a test does not run over midnight. */
export const START = Date.parse('2026-03-10T02:00:00Z');
const MINUTE = 60_000;

export interface WorldOptions {
  readonly mode?: 'certificate' | 'public_key';
  readonly store?: Store;
  readonly allow?: readonly string[];
}

/** A shop of its own: clock, ledger, fake WeChat Pay, guard, webhook and reconciler. */
export function createWorld({ mode = 'certificate', store, allow = [] }: WorldOptions = {}) {
  const clock = { at: START };
  const now = () => clock.at;
  const fake = fakeWechatPay({ now, mode });
  const limiter = createLimiter({ policy: cnGame(), store: store ?? anyStore(), now });
  const problems: string[] = [];
  const server = serveWechatPay({
    ...{ fake, limiter, now, allow },
    onProblem: ({ code }) => problems.push(code),
  });
  return {
    clock,
    fake,
    limiter,
    problems,
    ...server,
    advance(minutes: number) {
      clock.at += minutes * MINUTE;
    },
    /** An order of 30 yuan by a player of twelve. */
    buy: (id = 'order_1', more: Partial<Parameters<typeof server.guard.jsapi>[0]> = {}) =>
      server.guard.jsapi(
        { description: '60 gems', amount: { total: 3_000 }, payer: { openid: 'o_1' }, ...more },
        { spendcap: { id, evidence: aged(12, now()) } },
      ),
    deliverAll: () => fake.deliver([...fake.notices], server.webhook),
    /** `METHOD /path` of every request, without the query. */
    calls: () => fake.requests.map(({ method, target }) => `${method} ${target.split('?')[0]}`),
    async purchase(id = 'order_1'): Promise<Purchase> {
      return (await limiter.get(id)) ?? expect.fail(`The ledger has no ${id}.`);
    },
    async used(): Promise<string | undefined> {
      const { limits } = await limiter.allowance({ evidence: aged(12, now()) });
      return limits.find(({ period }) => period === 'month')?.used;
    },
  };
}
