import {
  type NotificationDialect,
  type NotificationResult,
  type PaymentSnapshot,
  parseJson,
  type VerifiedNotification,
} from '@spendcap/core';
import type Stripe from 'stripe';
import { paymentSnapshot, refundedPayment, sessionSnapshot } from './look.ts';
import { disputeSnapshot, purchaseIdOf, snapshotOfPayment } from './snapshots.ts';

/** How Stripe's events are verified. */
export interface NotificationOptions {
  /** Signing secrets of the endpoint; several during a rotation. */
  readonly secrets: readonly string[];
  /** Maximum age of a signature in seconds. Default 300. */
  readonly toleranceSeconds: number;
  /**
   * The connected account whose events are applied. Default: none. Events of other accounts are
   * ignored, because connected accounts control the metadata of their events.
   */
  readonly account?: string;
}

/** @throws TypeError for an option that would accept everything, or nothing */
export function checkNotifications(options: NotificationOptions): void {
  const { secrets, toleranceSeconds, account } = options;
  const isUsable = (secret: unknown) => typeof secret === 'string' && secret.trim() !== '';
  if (!Array.isArray(secrets) || secrets.length === 0 || !secrets.every(isUsable)) {
    throw new TypeError('secrets: expected at least one signing secret, none of them blank');
  }
  if (secrets.some((secret) => API_KEY.test(secret))) {
    throw new TypeError('secrets: expected signing secrets (whsec_…), got a key of the API');
  }
  // Stripe's client treats zero as "any age".
  if (!Number.isFinite(toleranceSeconds) || toleranceSeconds <= 0) {
    throw new TypeError('toleranceSeconds: expected a number above 0');
  }
  if (account !== undefined && !/^acct_\w+$/.test(account)) {
    throw new TypeError('account: expected the id of a connected account (acct_…)');
  }
}

const API_KEY = /^[spr]k_/;

/** Above the size of any Stripe event. */
const MAX_BODY_BYTES = 1_048_576;

export function stripeNotifications(
  stripe: Stripe,
  options: NotificationOptions,
): NotificationDialect {
  return {
    maxBytes: MAX_BODY_BYTES,
    async verify({ header, body }, at) {
      const signature = header('stripe-signature');
      if (signature === null) return null;
      const event = await verified(stripe, options, { body, signature, at });
      return event === null || !isWellFormed(event)
        ? null
        : { id: event.id, type: event.type, payload: event };
    },
    read: (message) => read(stripe, options, message),
    reply,
  };
}

const UTF8 = new TextDecoder();

interface Signed {
  readonly body: Uint8Array;
  readonly signature: string;
  readonly at: number;
}

async function verified(
  stripe: Stripe,
  { secrets, toleranceSeconds }: NotificationOptions,
  { body, signature, at }: Signed,
): Promise<Stripe.Event | null> {
  const text = UTF8.decode(body);
  const checks = stripe.webhooks.signature;
  for (const secret of secrets) {
    try {
      const given = [text, signature, secret, toleranceSeconds, undefined, at] as const;
      // Its `constructEventAsync` also parses, with JSON.parse, which can misread escaped names.
      if ((await checks?.verifyHeaderAsync(...given)) !== true) continue;
      return parseJson(text) as Stripe.Event;
    } catch {
      // Another secret may match. The cause is not disclosed to an unauthenticated caller.
    }
  }
  return null;
}

/** Signed payloads of other endpoint kinds (thin events) have another shape. */
function isWellFormed(event: { readonly type?: unknown; readonly data?: unknown }): boolean {
  const { type, data } = event;
  if (typeof type !== 'string' || typeof data !== 'object' || data === null) return false;
  return 'object' in data && typeof data.object === 'object' && data.object !== null;
}

const REPLIES: Readonly<Record<NotificationResult, readonly [status: number, outcome: string]>> = {
  settled: [200, 'settled'],
  ignored: [200, 'ignored'],
  refused: [200, 'refused'],
  forged: [400, 'webhook_invalid'],
  too_large: [413, 'invalid_request'],
  retry: [503, 'outcome_unknown'],
};

const UNVERIFIED = 'No secret verifies the signature, or it is older than the tolerance.';

function reply(result: NotificationResult) {
  const [status, outcome] = REPLIES[result];
  const detail = result === 'forged' ? { detail: UNVERIFIED } : {};
  const body = JSON.stringify({ received: status === 200, outcome, ...detail });
  return { status, contentType: 'application/json', body };
}

async function read(
  stripe: Stripe,
  { account }: NotificationOptions,
  { payload }: VerifiedNotification,
): Promise<readonly PaymentSnapshot[]> {
  const event = payload as Stripe.Event;
  if (event.account !== account) return [];
  const snapshot = await snapshotOf(stripe, event);
  return snapshot === null ? [] : [snapshot];
}

/** `null` if an event concerns no purchase. Types without a final status are ignored. */
async function snapshotOf(stripe: Stripe, event: Stripe.Event): Promise<PaymentSnapshot | null> {
  switch (event.type) {
    case 'payment_intent.succeeded':
    case 'payment_intent.canceled': {
      const id = purchaseIdOf(event.data.object);
      return id === null ? null : snapshotOfPayment(event.data.object, id);
    }
    case 'checkout.session.completed':
    case 'checkout.session.expired':
    case 'checkout.session.async_payment_succeeded':
    case 'checkout.session.async_payment_failed': {
      const id = purchaseIdOf(event.data.object);
      return id === null ? null : sessionSnapshot(stripe, event.data.object, id);
    }
    case 'charge.refunded':
      return ofCharged(stripe, { charge: event.data.object });
    case 'charge.refund.updated':
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
      return ofCharged(stripe, event.data.object);
    case 'charge.dispute.closed':
    case 'charge.dispute.funds_reinstated':
    case 'charge.dispute.funds_withdrawn': {
      const snapshot = await ofCharged(stripe, event.data.object);
      if (snapshot === null) return null;
      return { ...snapshot, disputes: [disputeSnapshot(event.data.object, event.type)] };
    }
    default:
      return null;
  }
}

/** The payment behind a refund or dispute, with all its refunds as they are now. */
async function ofCharged(
  stripe: Stripe,
  of: Parameters<typeof refundedPayment>[1],
): Promise<PaymentSnapshot | null> {
  const payment = await refundedPayment(stripe, of);
  const id = payment === null ? null : purchaseIdOf(payment);
  return payment === null || id === null ? null : paymentSnapshot(stripe, payment, id);
}
