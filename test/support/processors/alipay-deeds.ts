import type { FakeAlipay } from '@spendcap/sandbox';
import type { GuardedAlipay } from '@spendcap/server/payments/alipay';
import type { AlipaySdk } from 'alipay-sdk';
import type { Deeds } from './deeds.ts';

export const OUTSIDE = [
  'payer_begins',
  'payer_pays',
  'payer_pays_late',
  'operator_refunds',
  'refund_succeeds',
  'refund_fails',
  'trades_finish',
] as const;

export const GUARDED = [
  'guard_closes',
  'guard_cancels',
  'guard_refunds',
  'guard_refunds_later',
] as const;

export interface Outside {
  readonly fake: FakeAlipay;
  /** The operator's own client, past the guard. */
  readonly sdk: AlipaySdk;
  /** What the buyer of a purchase opens, before there is a trade. */
  readonly pages: ReadonlyMap<string, string>;
  /** The purchases that were paid although their trade was closed or had expired. */
  readonly late: Set<string>;
}

/** The trade of a purchase, whose id is the number of its trade. */
export function tradeOf(fake: FakeAlipay, id: string) {
  return fake.trades().find(({ outTradeNo }) => outTradeNo === id);
}

const yuan = (fen: number): string => (fen / 100).toFixed(2);

/** What buyers, banks and operators do. */
export function outsideAlipay(world: Outside): Deeds<(typeof OUTSIDE)[number]> {
  const { fake, late, pages, sdk } = world;
  const page = (id: string) => {
    const text = tradeOf(fake, id)?.tradeNo ?? pages.get(id);
    return text === undefined ? undefined : fake.cashier(text);
  };
  const endRefund = (outcome: 'succeeded' | 'failed') => (id: string) => {
    const refunds = [...(tradeOf(fake, id)?.refunds.values() ?? [])];
    const refund = refunds.findLast(({ state }) => state === 'pending');
    if (refund === undefined) return false;
    fake.finishRefund(id, refund.outRequestNo, outcome);
    return true;
  };
  return {
    payer_begins: (id) => page(id)?.identify().subCode === null,
    payer_pays: (id) => page(id)?.pay().subCode === null,
    payer_pays_late(id) {
      const isPaid = page(id)?.pay({ late: true }).subCode === null;
      if (isPaid) late.add(id);
      return isPaid;
    },
    async operator_refunds(id, fen) {
      fake.refundsBegin('succeeded');
      const bizContent = {
        out_trade_no: id,
        out_request_no: `operator_${fake.calls.length}`,
        refund_amount: yuan(fen ?? tradeOf(fake, id)?.totalFen ?? 0),
      };
      return (await sdk.exec('alipay.trade.refund', { bizContent })).code === '10000';
    },
    refund_succeeds: endRefund('succeeded'),
    refund_fails: endRefund('failed'),
    trades_finish(id) {
      fake.finish(id);
      return true;
    },
  };
}

/** What a process does through its guard. */
export function guardedAlipay(
  fake: FakeAlipay,
  guard: GuardedAlipay<AlipaySdk>,
): Deeds<(typeof GUARDED)[number]> {
  const refund = (begin: 'succeeded' | 'pending') => (id: string, fen?: number) => {
    fake.refundsBegin(begin);
    const amount = fen ?? tradeOf(fake, id)?.totalFen;
    if (amount === undefined) return false;
    const request = { out_request_no: `${amount}`, refund_amount: yuan(amount) };
    return guard.exec('alipay.trade.refund', { bizContent: { out_trade_no: id, ...request } });
  };
  const end = (method: 'alipay.trade.close' | 'alipay.trade.cancel') => (id: string) =>
    guard.exec(method, { bizContent: { out_trade_no: id } });
  return {
    guard_closes: end('alipay.trade.close'),
    guard_cancels: end('alipay.trade.cancel'),
    guard_refunds: refund('succeeded'),
    guard_refunds_later: refund('pending'),
  };
}
