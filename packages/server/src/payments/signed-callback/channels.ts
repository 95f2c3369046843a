import type { SignedCallbackOptions } from './options.ts';

type Own = Pick<SignedCallbackOptions, 'holdSeconds' | 'now'>;

/** Options of `xiaomiChannel`. */
export interface XiaomiOptions extends Own {
  readonly appId: string;
  readonly appSecret: string;
}

/**
 * Xiaomi's game SDK: a GET with an HMAC-SHA1, in fen.
 *
 * How sure: method, fields, unit and status from Xiaomi's own page (dev.mi.com, "游戏SDK服务端接口",
 * 2024-11-07). The signed text and the answers from a public integration of it; whether a field
 * without a value is signed is not stated there.
 */
export function xiaomiChannel({ appId, appSecret, ...own }: XiaomiOptions): SignedCallbackOptions {
  const contentType = 'application/json';
  return {
    ...{ name: 'xiaomi', from: 'query', ...own },
    signature: {
      ...{ field: 'signature', order: 'sorted', skipEmpty: false },
      scheme: { kind: 'hmac', hash: 'sha1', secret: appSecret },
    },
    fields: {
      ...{ orderId: 'cpOrderId', reference: 'orderId', amount: 'payFee' },
      ...{ product: 'productCode', account: 'uid' },
    },
    paid: { orderStatus: 'TRADE_SUCCESS' },
    expects: { appId },
    amount: { currency: 'CNY', unit: 'minor' },
    answers: {
      success: { body: '{"errcode":200}', contentType },
      failure: { body: '{"errcode":1525}', contentType },
    },
  };
}

/** Options of `oppoChannel`. */
export interface OppoOptions extends Own {
  /** The public key for callbacks: PEM, or the base64 that OPPO's page shows. */
  readonly publicKey: string;
  /** Default `app`. */
  readonly kind?: 'app' | 'mini_game';
}

const OPPO_APP = [
  'notifyId',
  'partnerOrder',
  'productName',
  'productDesc',
  'price',
  'count',
  'attach',
];
const OPPO_MINI_GAME = [...OPPO_APP, 'paymentWay', 'payResult'].sort();

/**
 * OPPO's game SDK and its mini-games: a form with an RSA signature, in fen a piece.
 *
 * How sure: mini-games from OPPO's own page ("支付结果通知"), except the answers and the meaning of
 * `payResult`, which it does not list: every callback counts as paid. Apps (SHA-1, and another
 * order) and the answers from three public integrations that agree.
 */
export function oppoChannel({
  publicKey,
  kind = 'app',
  ...own
}: OppoOptions): SignedCallbackOptions {
  if (kind !== 'app' && kind !== 'mini_game')
    throw new TypeError('kind: expected app or mini_game');
  return {
    ...{ name: 'oppo', from: 'form', maxOrderIdLength: 100, ...own },
    signature: {
      field: 'sign',
      order: kind === 'app' ? OPPO_APP : OPPO_MINI_GAME,
      scheme: { kind: 'rsa', hash: kind === 'app' ? 'sha1' : 'sha256', publicKey },
    },
    fields: {
      ...{ orderId: 'partnerOrder', reference: 'notifyId', amount: 'price', quantity: 'count' },
    },
    amount: { currency: 'CNY', unit: 'minor' },
    answers: {
      success: { body: 'result=OK&resultMsg=success' },
      failure: { body: 'result=FAIL&resultMsg=failed' },
    },
  };
}

/** Options of `vivoChannel`. */
export interface VivoOptions extends Own {
  readonly appId: string;
  readonly appKey: string;
  /** Default `minor`: fen. Its quick apps have been seen with yuan. */
  readonly unit?: 'minor' | 'major';
}

/**
 * vivo's game SDK: a form with an MD5.
 *
 * How sure: fields, signed text and status from public integrations, two of which agree; vivo's own
 * page was not found. The unit is fen in the integrations of games, and the answers are not stated:
 * check both with a payment of your own before you rely on it.
 */
export function vivoChannel({
  appId,
  appKey,
  unit = 'minor',
  ...own
}: VivoOptions): SignedCallbackOptions {
  return {
    ...{ name: 'vivo', from: 'form', maxOrderIdLength: 64, ...own },
    signature: {
      ...{ field: 'signature', order: 'sorted', without: ['signMethod'] },
      scheme: { kind: 'digest', hash: 'md5', template: '{text}&{md5}', secret: appKey },
    },
    fields: {
      ...{ orderId: 'cpOrderNumber', reference: 'orderNumber', amount: 'orderAmount' },
      account: 'uid',
    },
    paid: { respCode: '200', tradeStatus: '0000' },
    expects: { appId },
    amount: { currency: 'CNY', unit },
    answers: { success: { body: 'success' }, failure: { body: 'fail' } },
  };
}
