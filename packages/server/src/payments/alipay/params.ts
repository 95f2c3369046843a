import { SpendcapError } from '@spendcap/core';
import type { Fields } from './answers.ts';
import type { CallParams } from './client.ts';

/** Parameters that a caller may set, in both spellings of the SDK. */
const NAMES: Readonly<Record<string, 'bizContent' | 'notifyUrl' | 'returnUrl'>> = {
  bizContent: 'bizContent',
  biz_content: 'bizContent',
  notifyUrl: 'notifyUrl',
  notify_url: 'notifyUrl',
  returnUrl: 'returnUrl',
  return_url: 'returnUrl',
};

/**
 * The parameters of a call, copied. Others are refused: the SDK lets them replace any part of the
 * request, such as `method` or `app_id`.
 *
 * @throws TypeError for another parameter, or one that is given twice
 */
export function paramsOf(given: object | undefined): CallParams {
  const params: { bizContent?: Fields; notifyUrl?: string; returnUrl?: string } = {};
  for (const [name, value] of Object.entries(given ?? {})) {
    const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (known === undefined) {
      throw new TypeError(`${name}: unsupported. Only bizContent, notifyUrl and returnUrl are.`);
    }
    if (Object.hasOwn(params, known)) throw new TypeError(`${known}: given twice`);
    if (known === 'bizContent') params.bizContent = bizOf(value);
    else if (typeof value === 'string') params[known] = value;
    else throw new TypeError(`${known}: expected a text`);
  }
  return { ...params, bizContent: params.bizContent ?? {} };
}

/**
 * The parameters of a read or allowed method, which may have others beside `bizContent`.
 *
 * @throws TypeError for one that would change what is called, or for whom
 */
export function openParamsOf(given: object | undefined): CallParams {
  const entries = Object.entries(given ?? {});
  const isOwn = ([name]: [string, unknown]) => Object.hasOwn(NAMES, name);
  const others = entries.filter((entry) => !isOwn(entry));
  for (const [name] of others) {
    if (!isClear(name) || REQUEST.has(snakeOf(name))) throw new TypeError(`${name}: unsupported`);
  }
  return { ...Object.fromEntries(others), ...paramsOf(Object.fromEntries(entries.filter(isOwn))) };
}

/** What the client sets. Several would replace its own value. */
const REQUEST: ReadonlySet<string> = new Set(
  `alipay_root_cert_sn app_auth_token app_cert_sn app_id charset encrypt_type format method
  need_encrypt sign sign_type timestamp version ws_service_url`.split(/\s+/),
);

const snakeOf = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * Words of two letters or more: the SDK joins `total_a_m_o_u_n_t` or `totalAMOUNT` to the same name
 * as `total_amount`, and the later one would win.
 */
const CLEAR = /^[a-z][a-z0-9]*(?:_[a-z][a-z0-9]+)*$/;

const isClear = (name: string): boolean => CLEAR.test(snakeOf(name));

/** The fields of `biz_content` by their documented names. @throws TypeError for an unclear name */
export function bizOf(given: unknown): Fields {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError('bizContent: expected an object');
  }
  const biz: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!isClear(name)) throw new TypeError(`bizContent: invalid ${name}`);
    const snake = snakeOf(name);
    if (Object.hasOwn(biz, snake)) throw new TypeError(`bizContent.${snake}: given twice`);
    if (value !== undefined) biz[snake] = value;
  }
  return biz;
}

/** What the guard sets: a caller's own value would not be that of the hold. */
const DERIVED = ['time_expire', 'timeout_express', 'qr_code_timeout_express'];

export interface Order {
  /** The merchant's number of the purchase. */
  readonly outTradeNo: string;
  readonly sellerId: string;
}

/**
 * Refuses an order that is not that of the purchase.
 *
 * @throws TypeError for an own order number, expiry or seller
 * @throws SpendcapError `invalid_currency` for another currency than yuan
 */
export function assertOrder(biz: Fields, { outTradeNo, sellerId }: Order): void {
  for (const name of DERIVED) {
    if (biz[name] === undefined) continue;
    throw new TypeError(`bizContent.${name}: derived from spendcap.expiresInSeconds`);
  }
  if ((biz.out_trade_no ?? outTradeNo) !== outTradeNo) {
    throw new TypeError('bizContent.out_trade_no: derived from spendcap.id, leave it out');
  }
  if ((biz.seller_id ?? sellerId) !== sellerId) {
    throw new TypeError('bizContent.seller_id: use one guard per merchant');
  }
  for (const name of ['trans_currency', 'settle_currency']) {
    if ((biz[name] ?? 'CNY') === 'CNY') continue;
    throw new SpendcapError('invalid_currency', `${name}: only CNY can be limited here.`);
  }
}
