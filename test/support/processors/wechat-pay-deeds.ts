import type { FakeWechatPay } from '@spendcap/sandbox';
import type { GuardedWechatPay } from '@spendcap/server/payments/wechat-pay';
import type { Deeds } from './deeds.ts';

export const OUTSIDE = [
  'payer_begins',
  'payer_pays',
  'payer_pays_with_coupon',
  'payer_leaves',
  'operator_refunds',
  'refund_succeeds',
  'refund_fails',
  'refund_is_abnormal',
  'keys_rotate',
] as const;

export const GUARDED = ['guard_closes', 'guard_refunds', 'guard_looks_at_refund'] as const;

const orderOf = (fake: FakeWechatPay, id: string) =>
  fake.orders().find(({ out_trade_no }) => out_trade_no === id);

const lastRefund = (fake: FakeWechatPay, id: string) =>
  fake.refunds().findLast(({ out_trade_no }) => out_trade_no === id)?.out_refund_no;

/** What players, banks and operators do. */
export function outsideWechat(fake: FakeWechatPay): Deeds<(typeof OUTSIDE)[number]> {
  const { cashier } = fake;
  const end = (status: 'SUCCESS' | 'CLOSED' | 'ABNORMAL') => (id: string) => {
    const refund = lastRefund(fake, id);
    return refund && cashier.finishRefund(refund, status);
  };
  return {
    payer_begins: (id) => cashier.begin(id),
    payer_pays: (id) => cashier.pay(id),
    payer_pays_with_coupon: (id) => cashier.pay(id, 50),
    payer_leaves(id) {
      const isPaying = orderOf(fake, id)?.paying;
      cashier.cancel(id);
      return isPaying;
    },
    operator_refunds(id, amount) {
      const total = orderOf(fake, id)?.total ?? 0;
      return cashier.refund(id, { amount: amount ?? total });
    },
    refund_succeeds: end('SUCCESS'),
    refund_fails: end('CLOSED'),
    refund_is_abnormal: end('ABNORMAL'),
    keys_rotate() {
      fake.rotate();
      return true;
    },
  };
}

/** What a process does through its guard. */
export function guardedWechat(
  fake: FakeWechatPay,
  guard: GuardedWechatPay,
): Deeds<(typeof GUARDED)[number]> {
  return {
    guard_closes: (id) => orderOf(fake, id) && guard.close(id),
    guard_refunds(id, refund) {
      const total = orderOf(fake, id)?.total;
      if (total === undefined) return false;
      return guard.refunds.create({
        out_trade_no: id,
        out_refund_no: `${id}_${refund ?? 'all'}`,
        amount: { refund: refund ?? total, total },
      });
    },
    guard_looks_at_refund(id) {
      const refund = lastRefund(fake, id);
      return refund && guard.refunds.get(refund);
    },
  };
}
