import type { FakeTrade, State } from './state.ts';
import { chinaTime, jsonText, type Params, yuan } from './wire.ts';

/** What a refund adds to the notification of its trade. */
export interface RefundNotice {
  readonly outRequestNo: string;
}

/** Queues the notification of a trade, as it is now. */
export function notify(state: State, trade: FakeTrade, refund?: RefundNotice): void {
  state.serial += 1;
  const id = `fake-notify-${state.serial}`;
  state.notices.push({
    id,
    url: trade.notifyUrl,
    params: { ...head(state, id), ...ofTrade(state, trade), ...ofRefund(state, trade, refund) },
    acknowledged: false,
  });
}

function head(state: State, id: string): Params {
  return {
    notify_time: chinaTime(state.now()),
    notify_type: 'trade_status_sync',
    notify_id: id,
    app_id: state.appId,
    auth_app_id: state.appId,
    charset: 'utf-8',
    version: '1.0',
    sign_type: 'RSA2',
  };
}

function ofTrade(state: State, trade: FakeTrade): Params {
  const paid = trade.paidAt === null ? '0.00' : yuan(trade.totalFen);
  return {
    trade_no: trade.tradeNo,
    out_trade_no: trade.outTradeNo,
    buyer_id: trade.buyerId,
    buyer_logon_id: 'bu***@example.com',
    seller_id: state.sellerId,
    seller_email: 'seller@example.com',
    subject: trade.subject,
    ...(trade.passbackParams === null ? {} : { passback_params: trade.passbackParams }),
    trade_status: trade.status,
    total_amount: yuan(trade.totalFen),
    receipt_amount: paid,
    buyer_pay_amount: paid,
    invoice_amount: paid,
    point_amount: '0.00',
    gmt_create: chinaTime(trade.createdAt),
    ...(trade.paidAt === null
      ? {}
      : {
          gmt_payment: chinaTime(trade.paidAt),
          fund_bill_list: jsonText([{ amount: paid, fundChannel: 'ALIPAYACCOUNT' }]),
        }),
    ...(trade.closedAt === null ? {} : { gmt_close: chinaTime(trade.closedAt) }),
  };
}

/** `refund_fee` is the total over the trade; `gmt_refund` has milliseconds. */
function ofRefund(state: State, trade: FakeTrade, refund: RefundNotice | undefined): Params {
  if (refund === undefined) return {};
  return {
    refund_fee: yuan(trade.refundedFen),
    gmt_refund: `${chinaTime(state.now())}.${String(state.now() % 1000).padStart(3, '0')}`,
    out_biz_no: refund.outRequestNo,
  };
}
