import {
  type DeviceCharge,
  type DeviceProcessor,
  formatMoney,
  type Money,
  type NotificationReply,
  type NotificationResult,
  parseJson,
  parseMoney,
  type RawNotification,
  SpendcapError,
  type VerifiedNotification,
} from '@spendcap/core';
import {
  type CallbackAnswer,
  type Channel,
  channelOf,
  type SignedCallbackOptions,
} from './options.ts';
import { type Fields, isSigned, signedTextOf } from './signature.ts';

const MAX_BODY_BYTES = 65_536;
const ORDER_ID = /^[\w.:-]+$/;
const WHOLE = /^\d{1,12}$/;

/**
 * A store whose SDK takes the payment on the device and whose server reports it by a signed
 * callback, as the Android channels of China do. What differs between them is data, so that no code
 * is needed for another one.
 *
 * Hold with `beginDevicePurchase` before the client starts the payment, pass its `reference` to the
 * SDK as the game's order number, and serve `processorWebhook`. The SDK's amount is set on the
 * device: what was paid is what counts. A channel has no call that closes or queries, and reports
 * no refunds; a payment after the hold has ended is committed late.
 *
 * @example
 * ```ts
 * import { signedCallbackProcessor } from '@spendcap/server/payments/signed-callback';
 * const processor = signedCallbackProcessor({
 *   name: 'example_channel',
 *   from: 'form',
 *   signature: {
 *     field: 'sign',
 *     order: 'sorted',
 *     scheme: {
 *       ...{ kind: 'digest', hash: 'md5', template: '{text}&key={secret}' },
 *       secret: 'example-secret',
 *     },
 *   },
 *   fields: { orderId: 'cp_order', reference: 'order', amount: 'fee' },
 *   paid: { status: '1' },
 *   amount: { currency: 'CNY', unit: 'minor' },
 *   answers: { success: { body: 'success' }, failure: { body: 'fail' } },
 * });
 * processor.traits.reference('order-1'); // => 'order-1'
 * ```
 * @throws TypeError for an invalid option
 */
export function signedCallbackProcessor(options: SignedCallbackOptions): DeviceProcessor {
  const channel = channelOf(options);
  const { name, maxOrderIdLength, holdSeconds } = channel;
  return {
    name,
    traits: {
      startedBy: 'device',
      reference(purchaseId) {
        if (purchaseId.length <= maxOrderIdLength && ORDER_ID.test(purchaseId)) return purchaseId;
        throw new TypeError(
          `id: ${name} takes 1 to ${maxOrderIdLength} letters, digits or . _ : -`,
        );
      },
      holdSeconds,
      refunds: 'none',
      listsCharges: false,
    },
    // There are no calls that could fail.
    outcomeOf: () => 'unknown',
    notifications: {
      maxBytes: MAX_BODY_BYTES,
      ...(channel.from === 'query' ? { method: 'GET' as const } : {}),
      verify: async (message) => verified(channel, message),
      read: async (message) => [chargeOf(channel, message)],
      reply: (result) => replyOf(channel, result),
    },
  };
}

function verified(
  channel: Channel,
  message: RawNotification,
): VerifiedNotification | 'refused' | null {
  const fields = fieldsIn(channel, message);
  const { signature, expects = {}, fields: names } = channel;
  const given = fields?.get(signature.field);
  if (fields === null || given === undefined) return null;
  const text = signedTextOf(fields, signature.field, signature);
  if (!isSigned(channel.scheme, text, given)) return null;
  if (!hasAll(fields, expects)) return 'refused';
  return { id: fields.get(names.reference) ?? null, type: 'payment', payload: fields };
}

/** `null` for what cannot be read, or a name that is there twice: two readers may differ on it. */
function fieldsIn({ from }: Channel, { url, body }: RawNotification): Fields | null {
  if (from === 'json') return jsonFields(Buffer.from(body).toString('utf8'));
  const entries =
    from === 'query'
      ? [...new URL(url).searchParams]
      : [...new URLSearchParams(Buffer.from(body).toString('utf8'))];
  const fields = new Map(entries);
  return fields.size === entries.length ? fields : null;
}

function jsonFields(text: string): Fields | null {
  try {
    const value = parseJson(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    const entries = Object.entries(value).map(([name, each]): [string, string] => {
      if (typeof each === 'string') return [name, each];
      // Signed as it is written, and larger ones are not written as they are read.
      if (Number.isSafeInteger(each)) return [name, String(each)];
      throw new TypeError('not a text');
    });
    return new Map(entries);
  } catch {
    return null;
  }
}

function hasAll(fields: Fields, expected: Readonly<Record<string, string>>): boolean {
  return Object.entries(expected).every(([name, value]) => fields.get(name) === value);
}

function chargeOf(channel: Channel, { payload }: VerifiedNotification): DeviceCharge {
  const fields = payload as Fields;
  const { fields: names, paid = {} } = channel;
  const reference = fields.get(names.reference) ?? '';
  const orderId = fields.get(names.orderId) ?? '';
  if (reference === '' || orderId === '') {
    const message = `A callback of ${channel.name} names no order.`;
    throw new SpendcapError('invalid_request', message);
  }
  const isPaid = hasAll(fields, paid);
  return {
    ...{ reference, purchaseId: orderId, renewalOf: null, refunds: [] },
    product: (names.product && fields.get(names.product)) || null,
    state: isPaid ? 'purchased' : 'pending',
    chargedAt: channel.now(),
    captured: isPaid ? amountIn(channel, fields) : null,
    account: (names.account && fields.get(names.account)) || null,
  };
}

/** @throws SpendcapError `invalid_amount` for what is no positive price */
function amountIn({ name, amount, fields: names }: Channel, fields: Fields): Money {
  const { currency, unit } = amount;
  const text = fields.get(names.amount) ?? '';
  const pieces = names.quantity === undefined ? '1' : (fields.get(names.quantity) ?? '');
  const minor = unit === 'major' ? parseMoney(text, currency) : wholeOf(text);
  const total = minor * wholeOf(pieces);
  if (Number.isSafeInteger(total) && total > 0) {
    return { amount: formatMoney(total, currency), currency };
  }
  throw new SpendcapError(
    'invalid_amount',
    `A callback of ${name} states an amount that is no price.`,
  );
}

/** `NaN` for anything else. */
function wholeOf(text: string): number {
  return WHOLE.test(text) ? Number(text) : Number.NaN;
}

const STATUS: Readonly<Record<NotificationResult, number>> = {
  ...{ settled: 200, ignored: 200, refused: 403 },
  ...{ forged: 401, too_large: 413, retry: 503 },
};

/** What was ignored is reported, and sending it again would not help. */
function replyOf({ answers }: Channel, result: NotificationResult): NotificationReply {
  const isDone = result === 'settled' || result === 'ignored';
  const answer: CallbackAnswer = isDone ? answers.success : answers.failure;
  const { body, contentType = 'text/plain', status = STATUS[result] } = answer;
  return { status, contentType, body };
}
