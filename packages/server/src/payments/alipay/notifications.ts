import { type KeyObject, verify } from 'node:crypto';
import type {
  NotificationDialect,
  NotificationReply,
  NotificationResult,
  VerifiedNotification,
} from '@spendcap/core';
import { purchaseIdOf } from './reference.ts';
import { snapshotOfTrade } from './snapshots.ts';

/** Whose notifications are accepted, and how they are verified. */
export interface NotificationOptions {
  readonly appId: string;
  readonly sellerId: string;
  /** Alipay's public key. */
  readonly key: KeyObject;
}

/** @throws TypeError unless it is a merchant number */
export function checkSellerId(sellerId: string): void {
  if (typeof sellerId === 'string' && /^2088\d{12}$/.test(sellerId)) return;
  throw new TypeError('sellerId: expected your merchant number, 16 digits that begin with 2088');
}

/** Above the size of any notification. */
const MAX_BODY_BYTES = 65_536;

/** Other kinds are about agreements, apps and the like. */
const TRADES = 'trade_status_sync';

type Params = Readonly<Record<string, string>>;

/**
 * Notifications are resent for about 25 hours with the times of the first, so no age is checked: a
 * repeated one says nothing new.
 */
export function alipayNotifications(options: NotificationOptions): NotificationDialect {
  return {
    maxBytes: MAX_BODY_BYTES,
    async verify({ body }) {
      const params = paramsIn(body);
      if (params === null || !isSigned(params, options.key)) return null;
      return addressed(params, options);
    },
    async read({ payload }) {
      const params = payload as Params;
      const purchaseId = purchaseIdOf(params.out_trade_no ?? '');
      if (params.notify_type !== TRADES || purchaseId === null) return [];
      return [snapshotOfTrade(params, purchaseId)];
    },
    reply: (result) => REPLIES[result],
  };
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The form's parameters, decoded once; `null` if it is no form, or repeats a name. */
function paramsIn(body: Uint8Array): Params | null {
  const params: Record<string, string> = Object.create(null);
  try {
    for (const pair of UTF8.decode(body).split('&')) {
      const at = pair.indexOf('=');
      const name = decoded(pair.slice(0, at));
      if (at < 1 || name in params) return null;
      params[name] = decoded(pair.slice(at + 1));
    }
    return params;
  } catch {
    // An escape that is none.
    return null;
  }
}

/** Unlike URLSearchParams it refuses broken escapes, and takes half the time. */
function decoded(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%') ? decodeURIComponent(spaced) : spaced;
}

/**
 * The signature covers every parameter but `sign` and `sign_type`. The algorithm is ours, not the
 * message's. Alipay's SDKs differ in whether empty parameters are signed; they are never used.
 */
function isSigned(params: Params, key: KeyObject): boolean {
  const { sign = '', sign_type: type } = params;
  const signature = Buffer.from(sign, 'base64');
  const isStrict = sign !== '' && signature.toString('base64') === sign;
  if (!isStrict || type !== 'RSA2') return false;
  const names = Object.keys(params)
    .filter((name) => name !== 'sign' && name !== 'sign_type')
    .sort();
  const filled = names.filter((name) => params[name] !== '');
  const isValid = (signed: readonly string[]) =>
    verify('RSA-SHA256', Buffer.from(signingText(params, signed)), key, signature);
  return isValid(names) || (filled.length < names.length && isValid(filled));
}

function signingText(params: Params, names: readonly string[]): string {
  let text = '';
  for (const name of names) text += `${text === '' ? '' : '&'}${name}=${params[name]}`;
  return text;
}

/** A signed notification, if it is for this app and merchant. */
function addressed(
  params: Params,
  { appId, sellerId }: NotificationOptions,
): VerifiedNotification | 'refused' {
  const { notify_id: id = null, notify_type: kind = 'unknown', trade_status: type = kind } = params;
  if (params.app_id !== appId) return 'refused';
  if (kind === TRADES && params.seller_id !== sellerId) return 'refused';
  return { id, type, payload: params };
}

const TEXT = 'text/plain; charset=utf-8';
const DONE: NotificationReply = { status: 200, contentType: TEXT, body: 'success' };
/** Anything but `success` makes Alipay send it again. */
const again = (status: number): NotificationReply => ({
  status,
  contentType: TEXT,
  body: 'failure',
});

const REPLIES: Readonly<Record<NotificationResult, NotificationReply>> = {
  settled: DONE,
  ignored: DONE,
  refused: again(400),
  forged: again(400),
  too_large: again(413),
  retry: again(503),
};
