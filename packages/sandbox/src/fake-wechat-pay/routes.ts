import { orderNotFound, parameterError, WechatError } from './errors.ts';
import type { FakeWechatTradeType, JsonObject } from './objects.ts';
import { closeOrder, findOrder, prepay, transactionOf } from './orders.ts';
import { createRefund, findRefund, refundOf } from './refunds.ts';
import type { State } from './state.ts';
import { chinaTime, seal } from './wire.ts';

export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly params: JsonObject;
}

/** A body, or `null` for 204. */
type Handler = (state: State, call: Call, id: string) => JsonObject | null;

const TRADE_TYPES: Readonly<Record<string, FakeWechatTradeType>> = {
  jsapi: 'JSAPI',
  app: 'APP',
  h5: 'MWEB',
  native: 'NATIVE',
};

const ROUTES: readonly (readonly [string, RegExp, Handler])[] = [
  [
    'POST',
    /^\/v3\/pay\/transactions\/(jsapi|app|h5|native)$/,
    (state, { params }, kind) => prepay(state, TRADE_TYPES[kind] ?? 'JSAPI', params),
  ],
  ['GET', /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)$/, query],
  ['GET', /^\/v3\/pay\/transactions\/id\/([^/]+)$/, queryById],
  ['POST', /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)\/close$/, close],
  ['POST', /^\/v3\/refund\/domestic\/refunds$/, (state, { params }) => createRefund(state, params)],
  [
    'GET',
    /^\/v3\/refund\/domestic\/refunds\/([^/]+)$/,
    (state, _, id) => refundOf(state, findRefund(state, id)),
  ],
  ['GET', /^\/v3\/certificates$/, certificates],
];

/** Executes one request. @throws WechatError for an error response */
export function perform(state: State, call: Call): JsonObject | null {
  for (const [method, pattern, handler] of ROUTES) {
    const match = pattern.exec(call.url.pathname);
    if (match === null || method !== call.method) continue;
    return handler(state, call, decodeURIComponent(match[1] ?? ''));
  }
  throw new WechatError(404, 'RESOURCE_NOT_EXISTS', 'Http URL Not Found');
}

function checkMerchant(state: State, mchId: unknown): void {
  if (mchId !== state.mchId) throw parameterError('/mchid', '与签名的商户号不一致');
}

function query(state: State, { url }: Call, outTradeNo: string): JsonObject {
  checkMerchant(state, url.searchParams.get('mchid'));
  return transactionOf(findOrder(state, outTradeNo));
}

function queryById(state: State, { url }: Call, id: string): JsonObject {
  checkMerchant(state, url.searchParams.get('mchid'));
  for (const order of state.orders.values()) {
    if (order.transaction_id === id) return transactionOf(order);
  }
  throw orderNotFound();
}

function close(state: State, { params }: Call, outTradeNo: string): null {
  checkMerchant(state, params.mchid);
  closeOrder(state, outTradeNo);
  return null;
}

/** Platform certificates that are in use or soon will be. */
function certificates(state: State): JsonObject {
  const data = state.certificates.map(({ serial, pem, validity }) => ({
    serial_no: serial,
    effective_time: chinaTime(validity?.from ?? 0),
    expire_time: chinaTime(validity?.to ?? 0),
    encrypt_certificate: seal(pem, state.apiV3Key, 'certificate'),
  }));
  return { data };
}
