import { SpendcapError } from '@spendcap/core';
import type { AppleApp } from './app.ts';
import { within } from './calls.ts';
import type { AppleNotification, AppleTransaction } from './types.ts';

/** Of the library's `VerificationStatus`. */
const RETRYABLE = 2;
const OTHER_APP = 3;
const OTHER_ENVIRONMENT = 4;

/** Three certificates make about 5,000 bytes, and nesting a third more of them. */
const MAX_SIGNED_LENGTH = 65_536;

/** What is not the App Store's, or not for this app and environment. */
type Rejected = null | 'refused';

/**
 * Decodes signed data. Nothing of an error goes any further: its cause quotes signed data.
 *
 * @returns `null` if it is forged, `'refused'` if it is for another app or environment
 * @throws SpendcapError `outcome_unknown` if the state of a certificate was not queried in time
 */
async function decoded<T>(app: AppleApp, decode: (text: string) => Promise<T>, text: unknown) {
  if (typeof text !== 'string' || text.length > MAX_SIGNED_LENGTH) return null;
  if (!isCanonical(text)) return null;
  try {
    return await within(app, decode(text));
  } catch (error) {
    if (SpendcapError.isInstance(error)) throw error;
    const { status } = (error ?? {}) as { readonly status?: unknown };
    if (status === RETRYABLE) {
      throw new SpendcapError('outcome_unknown', "The state of Apple's certificates is unknown.");
    }
    return status === OTHER_APP || status === OTHER_ENVIRONMENT ? 'refused' : null;
  }
}

/** One text for each signature: unused bits of its last letter are not part of it (RFC 4648). */
function isCanonical(text: string): boolean {
  const signature = text.slice(text.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

/** The environment is checked here too: a verifier for Xcode checks no signature. */
export async function verifyTransaction(
  app: AppleApp,
  signed: unknown,
): Promise<AppleTransaction | Rejected> {
  const { verifier, environment, bundleId } = app;
  const decode = (text: string) => verifier.verifyAndDecodeTransaction(text);
  const transaction = await decoded(app, decode, signed);
  if (transaction === null || transaction === 'refused') return transaction;
  const isOurs = transaction.environment === environment && transaction.bundleId === bundleId;
  return isOurs ? transaction : 'refused';
}

/** A notification with what is nested in it, each verified. */
export interface AppleMessage {
  readonly notification: AppleNotification;
  readonly transaction: AppleTransaction | null;
  /** With RESCIND_CONSENT. */
  readonly appTransactionId: string | null;
}

export async function verifyNotification(
  app: AppleApp,
  signedPayload: unknown,
): Promise<AppleMessage | Rejected> {
  const { verifier, environment } = app;
  const decode = (text: string) => verifier.verifyAndDecodeNotification(text);
  const notification = await decoded(app, decode, signedPayload);
  if (notification === null || notification === 'refused') return notification;
  const { data, summary, appData } = notification;
  const from = data ?? summary ?? appData;
  // Only an external purchase token has none of them, and nothing is done about one.
  if (from !== undefined && from.environment !== environment) return 'refused';
  let transaction: AppleTransaction | Rejected = null;
  if (data?.signedTransactionInfo !== undefined) {
    transaction = await verifyTransaction(app, data.signedTransactionInfo);
    if (transaction === null || transaction === 'refused') return transaction;
  }
  const customer = await customerOf(app, appData?.signedAppTransactionInfo);
  if (customer === 'refused' || customer === null) return customer;
  return { notification, transaction, appTransactionId: customer.id };
}

async function customerOf(
  app: AppleApp,
  signed: string | undefined,
): Promise<{ readonly id: string | null } | Rejected> {
  if (signed === undefined) return { id: null };
  const { verifier, environment } = app;
  const decode = (text: string) => verifier.verifyAndDecodeAppTransaction(text);
  const bought = await decoded(app, decode, signed);
  if (bought === null || bought === 'refused') return bought;
  return bought.receiptType === environment ? { id: bought.appTransactionId ?? null } : 'refused';
}

/** @param why `signature`, `other_app` (or environment), `price`, `refund` or `incomplete` */
export function invalidTransaction(why: string, message: string): SpendcapError {
  return new SpendcapError('transaction_invalid', message, { why });
}
