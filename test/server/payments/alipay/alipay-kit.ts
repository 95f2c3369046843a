import { cnGame, type Purchase, type PurchaseState } from '@spendcap/core';
import type { FakeAlipayCashier } from '@spendcap/sandbox';
import { createLimiter } from '@spendcap/server';
import type { PurchaseContext } from '@spendcap/server/payments';
import { anyStore } from '../../../support/any-store.ts';
import { openAlipay, serveAlipay } from '../../../support/processors/alipay.ts';
import { aged, allowed } from '../buyer.ts';

export { allowed, codeOf } from '../buyer.ts';

/** 10:00 in Shanghai, so that a test does not run over midnight. */
const START = Date.parse('2026-03-10T02:00:00Z');

export const APP_PAY = 'alipay.trade.app.pay';
export const BUYER = { buyer_id: '2088000000000009' };
export const GEMS = { total_amount: '30.00', subject: '60 gems' };

export interface WorldOptions {
  readonly allow?: readonly string[];
  /** How far the shop's clock is ahead of Alipay's. */
  readonly minutesAhead?: number;
}

/** A shop of its own: clock, ledger, fake Alipay, its own SDK, guard and notification endpoint. */
export async function createWorld({ allow = [], minutesAhead = 0 }: WorldOptions = {}) {
  const clock = { at: START };
  const now = () => clock.at + minutesAhead * 60_000;
  const { fake, config } = await openAlipay(() => clock.at);
  const limiter = createLimiter({ policy: cnGame(), store: anyStore(), now });
  const problems: string[] = [];
  const onProblem = ({ code }: { readonly code: string }) => problems.push(code);
  const server = serveAlipay({ fake, config, limiter, now, allow, onProblem });
  const { guard } = server;
  const buyer = (id: string): PurchaseContext => ({ id, evidence: aged(12, now()) });
  return {
    clock,
    fake,
    limiter,
    config,
    ...server,
    problems,
    buyer,
    advance(minutes: number) {
      clock.at += minutes * 60_000;
    },
    deliverAll: () => fake.deliver([...fake.notices], server.webhook),
    /** Signs an order of 30.00 and opens the buyer's page. */
    async sign(id = 'order_1', biz: object = {}): Promise<FakeAlipayCashier & { text: string }> {
      const bizContent = { ...GEMS, ...biz };
      const answer = await guard.sdkExec(APP_PAY, { bizContent }, { spendcap: buyer(id) });
      const text = allowed(answer).orderString;
      return { ...fake.cashier(text), text };
    },
    /** Makes a trade of 30.00. */
    create: (id = 'order_1', biz: object = {}) =>
      guard.exec(
        'alipay.trade.create',
        { bizContent: { ...GEMS, ...BUYER, ...biz } },
        { spendcap: buyer(id) },
      ),
    /** The buyer pays a trade that exists. */
    payTrade: (outTradeNo = 'order_1', late = false) => {
      const trade = fake.trades().find((each) => each.outTradeNo === outTradeNo);
      return fake.cashier(trade?.tradeNo ?? '').pay({ late });
    },
    async purchase(id = 'order_1'): Promise<Purchase> {
      const purchase = await limiter.get(id);
      if (purchase === null) throw new Error('The ledger has no such purchase.');
      return purchase;
    },
    async state(id = 'order_1'): Promise<PurchaseState | null> {
      return (await limiter.get(id))?.state ?? null;
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;

/** `biz_content` of an order string. */
export function bizIn(text: string): Record<string, string> {
  return JSON.parse(new URLSearchParams(text).get('biz_content') ?? '{}');
}
