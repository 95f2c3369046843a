import { type FakeVirtualOrder, hmac, type VirtualState } from './state.ts';

/** What a game passes to `wx.requestMidasPaymentGameItem`. */
export interface FakeVirtualPayment {
  readonly signData: string;
  readonly paySig: string;
  readonly signature: string;
}

const NUMBER = /^(?!_)[0-9A-Za-z_\-|*@]{1,32}$/;

/** An `errCode` of `wx.requestMidasPaymentGameItem`; 0 if the cashier opens. */
export function requestPayment(
  state: VirtualState,
  openid: string,
  { signData, paySig, signature }: FakeVirtualPayment,
): number {
  const sessionKey = state.sessions.get(openid);
  if (sessionKey === undefined) return -15015;
  if (paySig !== hmac(state.appKey, `requestMidasPaymentGameItem&${signData}`)) return -15014;
  if (signature !== hmac(sessionKey, signData)) return -15012;
  const order = orderIn(state, openid, signData);
  if (order === null) return -15004;
  if (state.products.get(order.productId) !== order.goodsPrice) return -15016;
  const known = state.orders.get(order.outTradeNo);
  if (known !== undefined) return known.payState === 2 ? -15007 : sameOrder(known, order);
  state.orders.set(order.outTradeNo, order);
  return 0;
}

function sameOrder(known: FakeVirtualOrder, order: FakeVirtualOrder): number {
  const isSame =
    known.openid === order.openid &&
    known.productId === order.productId &&
    known.quantity === order.quantity;
  return isSame ? 0 : -15003;
}

function orderIn(state: VirtualState, openid: string, signData: string): FakeVirtualOrder | null {
  const data = JSON.parse(signData) as Readonly<Record<string, unknown>>;
  const { mode, offerId, buyQuantity, env, currencyType, productId, goodsPrice, outTradeNo } = data;
  if (mode !== 'goods' || offerId !== state.offerId || env !== state.env) return null;
  if (currencyType !== 'CNY' || typeof productId !== 'string') return null;
  if (typeof buyQuantity !== 'number' || typeof goodsPrice !== 'number') return null;
  if (typeof outTradeNo !== 'string' || !NUMBER.test(outTradeNo)) return null;
  const { attach = '', zoneId = '1' } = data;
  return {
    ...{ outTradeNo, openid, productId, goodsPrice, quantity: buyQuantity, payState: 1 },
    ...{ attach: String(attach), zoneId: String(zoneId), transactionId: '', refunded: 0 },
  };
}

/** The player pays in the cashier, which WeChat's health limit may refuse. */
export function payOrder(state: VirtualState, outTradeNo: string): FakeVirtualOrder {
  const order = state.orders.get(outTradeNo);
  if (order === undefined) throw new Error('The device has not requested this payment.');
  if (order.payState === 2) throw new Error('The order is paid.');
  state.serial += 1;
  order.payState = 2;
  order.transactionId = `4200${String(state.serial).padStart(24, '0')}`;
  state.events.push({
    event: 'minigame_game_pay_goods_deliver_notify',
    openid: order.openid,
    payload: {
      OpenId: order.openid,
      Env: state.env,
      OutTradeNo: outTradeNo,
      GoodsInfo: {
        ProductId: order.productId,
        Quantity: order.quantity,
        ZoneId: order.zoneId,
        OrigPrice: order.goodsPrice,
        ActualPrice: order.goodsPrice,
        Attach: order.attach,
        OrderSource: 1,
      },
      WeChatPayInfo: infoOf(order),
    },
  });
  return order;
}

/** WeChat gives money back: its own decision, or the operator's. Fen. */
export function refundOrder(state: VirtualState, outTradeNo: string, amount: number): void {
  const order = state.orders.get(outTradeNo);
  if (order?.payState !== 2) throw new Error('The order is not paid.');
  state.serial += 1;
  order.refunded += amount;
  state.events.push({
    event: 'minigame_pay_refund_succ_notify',
    openid: order.openid,
    payload: {
      OpenId: order.openid,
      RefundId: `5030${String(state.serial).padStart(24, '0')}`,
      RefundAmount: amount,
      RefundSource: 2,
      Env: state.env,
      OutTradeNo: outTradeNo,
      WeChatPayInfo: infoOf(order),
    },
  });
}

function infoOf({ outTradeNo, transactionId }: FakeVirtualOrder) {
  return { MchOrderNo: `m_${outTradeNo}`, TransactionId: transactionId };
}
