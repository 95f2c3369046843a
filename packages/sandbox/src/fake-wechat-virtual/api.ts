import { hmac, type VirtualState } from './state.ts';

const QUERY = '/wxa/game/queryorderinfo';

/** `POST /wxa/game/queryorderinfo`: the one call that a limiter needs. Errors are HTTP 200, too. */
export async function answerApi(state: VirtualState, request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname !== QUERY || request.method !== 'POST') return new Response('', { status: 404 });
  const body = await request.text();
  const of = (name: string) => url.searchParams.get(name);
  if (of('access_token') !== 'fake-access-token') return answer(40001, 'invalid credential');
  const { openid, offer_id, env, out_trade_no, biz_id } = JSON.parse(body) as Readonly<
    Record<string, unknown>
  >;
  const sessionKey = state.sessions.get(String(openid));
  if (sessionKey === undefined) return answer(90016, 'invalid session');
  const signed = of('sig_method') === 'hmac_sha256' && of('signature') === hmac(sessionKey, body);
  if (!signed) return answer(90010, 'invalid signature');
  if (of('pay_sig') !== hmac(state.appKey, `${QUERY}&${body}`)) {
    return answer(90011, 'invalid pay_sig');
  }
  if (offer_id !== state.offerId || env !== state.env || biz_id !== 2) {
    return answer(90018, 'invalid parameter');
  }
  const order = state.orders.get(String(out_trade_no));
  if (order === undefined || order.openid !== openid) return answer(90019, 'order not found');
  const { payState, outTradeNo, productId, transactionId } = order;
  return Response.json({
    ...{ errcode: 0, errmsg: 'ok', product_id: productId, pay_state: payState, deliver_state: 1 },
    ...{ pay_finish_time: payState === 2 ? Math.floor(state.now() / 1000) : 0 },
    ...{ out_trade_no: outTradeNo, mch_order_no: `m_${outTradeNo}`, transaction_id: transactionId },
  });
}

function answer(errcode: number, errmsg: string): Response {
  return Response.json({ errcode, errmsg });
}
