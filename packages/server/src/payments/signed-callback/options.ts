import { createPublicKey, type KeyObject } from 'node:crypto';
import { assertOptions, isCurrency, type OptionNames } from '@spendcap/core';
import { checkNow } from '../deps.ts';
import type { SignatureScheme, SignedText } from './signature.ts';

/** How a channel's server reports that a player has paid: everything that differs is data. */
export interface SignedCallbackOptions {
  /** Kept with the hold: 1 to 32 lower-case letters, digits, `_` or `-`. */
  readonly name: string;
  /** Where the fields are: in the address of a GET, in a form, or in a JSON object. */
  readonly from: 'query' | 'form' | 'json';
  readonly signature: SignedText & {
    /** The field that holds it. */
    readonly field: string;
    /** `rsa` takes the channel's public key as PEM, or as the base64 of its DER. */
    readonly scheme:
      | Exclude<SignatureScheme, { readonly kind: 'rsa' }>
      | { readonly kind: 'rsa'; readonly hash: 'sha1' | 'sha256'; readonly publicKey: string };
  };
  /** The names of its fields. */
  readonly fields: {
    /** The game's order number: the purchase id. */
    readonly orderId: string;
    /** The channel's own order number. */
    readonly reference: string;
    readonly amount: string;
    /** If the amount is that of one piece. */
    readonly quantity?: string;
    readonly product?: string;
    /** The channel's id of the account, for `playerOf`. */
    readonly account?: string;
  };
  /** Values that say it was paid; anything else says that it was not. Default: every callback. */
  readonly paid?: Readonly<Record<string, string>>;
  /** Values that any callback for this game has; others are refused. Default: none. */
  readonly expects?: Readonly<Record<string, string>>;
  readonly amount: {
    /** ISO 4217. */
    readonly currency: string;
    /** `minor`: a whole number of the smallest unit, such as fen. `major`: a decimal number. */
    readonly unit: 'minor' | 'major';
  };
  /** What the channel takes for an answer. */
  readonly answers: {
    readonly success: CallbackAnswer;
    /** For anything else: the channel sends the callback again. */
    readonly failure: CallbackAnswer;
  };
  /** The most characters of an order number. Default 32. */
  readonly maxOrderIdLength?: number;
  /** How long a hold lasts, in seconds. Default 1,800. */
  readonly holdSeconds?: number;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/** An answer to a channel. */
export interface CallbackAnswer {
  readonly body: string;
  /** Default `text/plain`. */
  readonly contentType?: string;
  /** Default 200 for success, and otherwise 401, 403, 413 or 503. */
  readonly status?: number;
}

const OPTIONS: OptionNames<SignedCallbackOptions> = {
  name: true,
  from: true,
  signature: true,
  fields: true,
  paid: true,
  expects: true,
  amount: true,
  answers: true,
  maxOrderIdLength: true,
  holdSeconds: true,
  now: true,
};

const NAME = /^[a-z][a-z0-9_-]{0,31}$/;
const HASHES = { hmac: /^(md5|sha1|sha256)$/, digest: /^(md5|sha1|sha256)$/, rsa: /^sha(1|256)$/ };

/** Checked options, with their defaults. */
export interface Channel
  extends Omit<SignedCallbackOptions, 'maxOrderIdLength' | 'holdSeconds' | 'now'> {
  readonly scheme: SignatureScheme;
  readonly maxOrderIdLength: number;
  readonly holdSeconds: number;
  readonly now: () => number;
}

/** @throws TypeError for an option that can never work; it never quotes a secret */
export function channelOf(options: SignedCallbackOptions): Channel {
  assertOptions('signedCallbackProcessor', options, OPTIONS);
  const { name, from, fields, amount, answers } = options;
  const { maxOrderIdLength = 32, holdSeconds = 1_800, now = Date.now } = options;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new TypeError('name must be 1 to 32 lower-case letters, digits, _ or -');
  }
  if (!['query', 'form', 'json'].includes(from)) {
    throw new TypeError('from: expected query, form or json');
  }
  for (const field of ['orderId', 'reference', 'amount'] as const) {
    if (!isText(fields?.[field])) throw new TypeError(`fields.${field}: expected a field name`);
  }
  if (!isCurrency(amount?.currency) || (amount.unit !== 'minor' && amount.unit !== 'major')) {
    throw new TypeError('amount: expected a currency, and the unit minor or major');
  }
  if (typeof answers?.success?.body !== 'string' || typeof answers.failure?.body !== 'string') {
    throw new TypeError('answers: expected the bodies of success and failure');
  }
  assertTexts('paid', options.paid);
  assertTexts('expects', options.expects);
  assertWhole('maxOrderIdLength', maxOrderIdLength, 128);
  assertWhole('holdSeconds', holdSeconds, 2_592_000);
  checkNow(now);
  return { ...options, scheme: schemeOf(options), maxOrderIdLength, holdSeconds, now };
}

function schemeOf({ signature }: SignedCallbackOptions): SignatureScheme {
  const { field, order, scheme } = signature ?? {};
  if (!isText(field)) throw new TypeError('signature.field: expected a field name');
  const isOrdered = order === 'sorted' || (Array.isArray(order) && order.every(isText));
  if (!isOrdered) throw new TypeError('signature.order: expected sorted, or a list of fields');
  const hashes = Object.hasOwn(HASHES, scheme?.kind) ? HASHES[scheme.kind] : undefined;
  if (hashes === undefined) throw new TypeError('signature.scheme: expected hmac, digest or rsa');
  if (!hashes.test(scheme.hash)) throw new TypeError(`signature: no such hash for ${scheme.kind}`);
  if (scheme.kind === 'rsa') return { ...scheme, publicKey: publicKeyOf(scheme.publicKey) };
  if (!isText(scheme.secret) || scheme.secret.length < 8) {
    throw new TypeError('signature.scheme.secret: expected at least 8 characters');
  }
  if (scheme.kind === 'hmac') return scheme;
  const isWhole = scheme.template?.includes('{text}') && /\{(secret|md5)\}/.test(scheme.template);
  if (isWhole) return scheme;
  throw new TypeError('signature.scheme.template: expected {text}, and {secret} or {md5}');
}

function publicKeyOf(given: string): KeyObject {
  try {
    const isPem = given.includes('-----BEGIN');
    const key = isPem
      ? createPublicKey(given)
      : createPublicKey({ key: Buffer.from(given, 'base64'), format: 'der', type: 'spki' });
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // Below.
  }
  throw new TypeError('signature.scheme.publicKey: expected a public RSA key');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** A value that was left out would be that of a callback without the field. */
function assertTexts(name: string, values: unknown = {}): void {
  if (typeof values !== 'object' || values === null) {
    throw new TypeError(`${name}: expected values by their field`);
  }
  for (const [field, value] of Object.entries(values)) {
    if (!isText(value)) throw new TypeError(`${name}.${field}: expected a text`);
  }
}

function assertWhole(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new TypeError(`${name}: expected a whole number from 1 to ${most}`);
}
