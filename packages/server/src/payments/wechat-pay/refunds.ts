import { checkFields, invalidRequest, type OptionNames } from '@spendcap/core';
import { callError } from '../outcome.ts';
import { applyOrLater } from '../start.ts';
import type { JsonObject, WechatPayCall } from './client.ts';
import { hasCode, isWechatPayError } from './errors.ts';
import { checkFen } from './money.ts';
import type { OrderDeps } from './orders.ts';
import { outTradeNoOf } from './reference.ts';
import { refundSnapshot } from './snapshots.ts';
import type { GuardedWechatPayRefunds, WechatPayRefund } from './types.ts';

const REFUND: OptionNames<WechatPayRefund> = {
  out_trade_no: true,
  out_refund_no: true,
  amount: true,
  reason: true,
  funds_account: true,
};

const OUT_REFUND_NO = /^[0-9A-Za-z_\-|*@]{1,64}$/;
const NONE = ['RESOURCENOTEXISTS', 'ORDERNOTEXIST', 'MCHNOTEXISTS'];
const REFUNDS = '/v3/refund/domestic/refunds';

export function guardRefunds(deps: OrderDeps): GuardedWechatPayRefunds {
  return {
    async create(given) {
      checkFields(given, REFUND, 'refund');
      checkFields(given.amount, { refund: true, total: true }, 'refund.amount');
      outTradeNoOf(given.out_trade_no);
      checkNumber(given.out_refund_no);
      checkFen('amount.refund', given.amount.refund);
      checkFen('amount.total', given.amount.total);
      const amount = { ...given.amount, currency: 'CNY' };
      const body = { ...given, amount, notify_url: deps.notifyUrl };
      return settled(deps, { method: 'POST', path: REFUNDS, body });
    },
    async get(outRefundNo) {
      checkNumber(outRefundNo);
      const path = `${REFUNDS}/${encodeURIComponent(outRefundNo)}`;
      return settled(deps, { method: 'GET', path });
    },
  };
}

function checkNumber(outRefundNo: unknown): void {
  if (typeof outRefundNo === 'string' && OUT_REFUND_NO.test(outRefundNo)) return;
  throw invalidRequest('out_refund_no', 'must be 1 to 64 of 0-9 A-Z a-z _ - | * @');
}

/** Makes the call, and applies what its answer says about the refund. */
async function settled(deps: OrderDeps, call: WechatPayCall): Promise<JsonObject> {
  let refund: JsonObject | null;
  try {
    refund = await deps.wechat.request(call);
  } catch (error) {
    // Certain for these calls alone: there is no such order or refund.
    const isNotThere = isWechatPayError(error) && error.status === 404 && hasCode(error, ...NONE);
    throw isNotThere ? error : callError(deps.processor, error);
  }
  const snapshot = refundSnapshot(refund ?? {});
  if (refund === null || snapshot === null) {
    throw callError(deps.processor, new Error('WeChat Pay answered a refund without its amount.'));
  }
  await applyOrLater(deps, snapshot);
  return refund;
}
