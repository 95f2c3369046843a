import { forbidden } from '../deps.ts';

/** Orders that are only signed, and carried to Alipay by the buyer's device. */
export type AlipaySigned =
  | 'alipay.trade.app.pay'
  | 'alipay.trade.page.pay'
  | 'alipay.trade.wap.pay';

/** Calls that make or pay a trade. */
export type AlipayStart = 'alipay.trade.create' | 'alipay.trade.precreate' | 'alipay.trade.pay';

/** Calls that end or refund a trade. */
export type AlipaySettle = 'alipay.trade.close' | 'alipay.trade.cancel' | 'alipay.trade.refund';

const SIGNED: readonly AlipaySigned[] = [
  'alipay.trade.app.pay',
  'alipay.trade.page.pay',
  'alipay.trade.wap.pay',
];
const STARTING: readonly AlipayStart[] = [
  'alipay.trade.create',
  'alipay.trade.precreate',
  'alipay.trade.pay',
];
const SETTLING: readonly AlipaySettle[] = [
  'alipay.trade.close',
  'alipay.trade.cancel',
  'alipay.trade.refund',
];

export const isSigned = (method: string): method is AlipaySigned =>
  SIGNED.some((each) => each === method);
export const isStart = (method: string): method is AlipayStart =>
  STARTING.some((each) => each === method);
export const isSettle = (method: string): method is AlipaySettle =>
  SETTLING.some((each) => each === method);

const READ = /^[a-z]+(?:\.[a-z0-9]+)+\.(?:query|batchquery)$/;

/** @throws SpendcapError `payment_forbidden` unless the method only reads, or is allowed */
export function assertPermitted(method: string, allow: ReadonlySet<string>): void {
  if (typeof method === 'string' && (READ.test(method) || allow.has(method))) return;
  throw forbidden(
    `${String(method)} is blocked. To permit it without a limit, add it to \`allow\`.`,
  );
}

/** @throws TypeError for a name that is guarded or no API method */
export function checkAllow(allow: readonly string[]): ReadonlySet<string> {
  for (const method of allow) {
    if (isSigned(method) || isStart(method) || isSettle(method)) {
      throw new TypeError(`allow: ${method} is guarded.`);
    }
    if (!/^[a-z]+(?:\.[a-z0-9]+)+$/.test(method)) {
      throw new TypeError(`allow: ${method} is not an API method such as alipay.user.info.share.`);
    }
  }
  return new Set(allow);
}

/**
 * The API method of a path of the v3 API: `/v3/alipay/trade/query` is `alipay.trade.query`. Paths
 * are strict, because an address is normalised before it is called: `..` would reach another
 * method.
 *
 * @throws SpendcapError `payment_forbidden` for anything else
 */
export function methodOfPath(path: string): string {
  const match = /^\/v3\/([a-z0-9]+(?:\/[a-z0-9]+)+)$/.exec(path);
  if (match?.[1] !== undefined) return match[1].replaceAll('/', '.');
  throw forbidden('The path is blocked. Expected one such as /v3/alipay/trade/query.');
}
