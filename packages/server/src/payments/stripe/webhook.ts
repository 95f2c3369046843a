import { type OptionNames, parseJson, SpendcapError, type SpendcapErrorCode } from '@spendcap/core';
import type Stripe from 'stripe';
import { DEPS, type Deps, depsOf } from './deps.ts';
import { stripeErrorType } from './errors.ts';
import { refundedPayment } from './refunds.ts';
import { purchaseIdOf, settlePayment, settleRefund, settleSession } from './settle.ts';
import type { StripeDeps } from './types.ts';

/** Above the size of any Stripe event. */
const MAX_BODY_BYTES = 1_048_576;

/** Set by the adapters on a Request whose body was parsed and serialised again. */
const PARSED_BODY = Symbol.for('spendcap.parsed-body');

/**
 * An event that the ledger rejected permanently (the purchase needs attention), or
 * `webhook_body_parsed`: a body parser runs before the webhook, and no event can be verified.
 */
export interface WebhookProblem {
  /** Stripe's event id, to find it in the dashboard; `null` if the event was not verified. */
  readonly eventId: string | null;
  readonly eventType: string | null;
  readonly code: SpendcapErrorCode;
  /** The cause, and the remedy if there is one. */
  readonly message: string;
}

/** Options of `stripeWebhook`. */
export interface StripeWebhookOptions extends StripeDeps {
  /** Signing secrets of the endpoint; several during a rotation. */
  readonly secrets: readonly string[];
  /** Maximum age of a signature in seconds. Default 300. */
  readonly toleranceSeconds?: number;
  /**
   * The connected account whose events are settled. Default: none. Events of other accounts are
   * ignored, because connected accounts control the metadata of their events.
   */
  readonly account?: string;
  /**
   * Called for every event that the ledger rejected permanently or that reached the webhook through
   * a body parser. Default: the latter is a process warning.
   */
  readonly onProblem?: (problem: WebhookProblem) => void;
}

type Options = StripeWebhookOptions & Deps;

const OPTIONS: OptionNames<StripeWebhookOptions> = {
  ...DEPS,
  secrets: true,
  toleranceSeconds: true,
  account: true,
  onProblem: true,
};

/**
 * The endpoint for Stripe's events: a function of a Fetch `Request` with an unread body. Events may
 * arrive late, repeatedly and in any order. Subscribe it to
 * `payment_intent.succeeded`, `payment_intent.canceled`, `checkout.session.completed`, `.expired`,
 * `.async_payment_succeeded`, `.async_payment_failed`, `refund.created`, `refund.updated`,
 * `refund.failed` and `charge.refunded`.
 *
 * Responds with 200 for an event that was settled, does not concern a purchase, or was rejected by
 * the ledger permanently (reported to `onProblem`, because a retry would not help); 400 for an
 * invalid signature; 500 if a body parser has consumed the signed bytes (reported); 405; 413; and 503 if the ledger or Stripe is unavailable, so that Stripe
 * retries.
 *
 * @example
 * ```ts
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { stripeWebhook } from '@spendcap/server/payments/stripe';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * import Stripe from 'stripe';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const stripe = new Stripe('sk_test_example');
 * const webhook = stripeWebhook({ stripe, limiter, secrets: ['whsec_example'] });
 * const forged = new Request('https://shop.example/stripe', { method: 'POST', body: '{}' });
 * (await webhook(forged)).status; // => 400
 * ```
 * @throws TypeError without a secret, or unless `toleranceSeconds` is above zero
 */
export function stripeWebhook(
  given: StripeWebhookOptions,
): (request: Request) => Promise<Response> {
  const options: Options = depsOf('stripeWebhook', given, OPTIONS);
  const { secrets, toleranceSeconds = 300 } = options;
  if (
    !Array.isArray(secrets) ||
    secrets.length === 0 ||
    secrets.some((secret) => secret.trim() === '')
  ) {
    throw new TypeError('secrets: expected at least one signing secret, none of them blank');
  }
  // Stripe's client treats zero as "any age".
  if (!(toleranceSeconds > 0)) throw new TypeError('toleranceSeconds: expected a number above 0');
  return async (request) => {
    if (request.method !== 'POST') return answer(405, 'invalid_request');
    const body = await readBody(request);
    if (body === null) return answer(413, 'invalid_request');
    const header = request.headers.get('stripe-signature');
    if (header !== null && PARSED_BODY in request) return refuseParsedBody(options);
    const event = header === null ? null : await verify({ ...options, body, header });
    if (event === null || !isWellFormed(event)) return answer(400, 'webhook_invalid');
    if (event.account !== options.account) return answer(200, 'ignored');
    return settleEvent(options, event);
  };
}

function answer(status: number, outcome: string): Response {
  return Response.json({ received: status === 200, outcome }, { status });
}

/** Even if this body happens to verify: the next one, spaced differently, would not. */
function refuseParsedBody(options: StripeWebhookOptions): Response {
  const code = 'webhook_body_parsed';
  const message =
    'A body parser consumed the signed bytes. Mount the webhook before it, or keep `rawBody`.';
  if (options.onProblem === undefined) process.emitWarning(message, 'SpendcapWarning');
  report(options, { eventId: null, eventType: null, code, message });
  return Response.json({ received: false, outcome: code, detail: message }, { status: 500 });
}

async function readBody(request: Request): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}

interface Signed extends Options {
  readonly body: Uint8Array;
  readonly header: string;
}

async function verify(signed: Signed): Promise<Stripe.Event | null> {
  const { stripe, secrets, toleranceSeconds = 300, now = Date.now, body, header } = signed;
  for (const secret of secrets) {
    try {
      await stripe.webhooks.constructEventAsync(
        body,
        header,
        secret,
        toleranceSeconds,
        undefined,
        now(),
      );
      // Stripe's client uses JSON.parse, which can misread a name with an escape.
      return parseJson(new TextDecoder().decode(body)) as Stripe.Event;
    } catch {
      // Another secret may match. The cause is not disclosed to an unauthenticated caller.
    }
  }
  return null;
}

async function settleEvent(options: Options, event: Stripe.Event): Promise<Response> {
  try {
    return answer(200, (await settle(options, event)) ? 'settled' : 'ignored');
  } catch (error) {
    if (stripeErrorType(error) !== null) return answer(503, 'outcome_unknown');
    if (!SpendcapError.isInstance(error)) throw error;
    if (error.retryable) return answer(503, error.code);
    const { code, message } = error;
    report(options, { eventId: event.id, eventType: event.type, code, message });
    return answer(200, error.code);
  }
}

/**
 * A listener that throws must not cause Stripe to redeliver the event, and one that returns a
 * rejected promise must not end the process.
 */
function report({ onProblem }: StripeWebhookOptions, problem: WebhookProblem): void {
  const warn = () =>
    process.emitWarning('An onProblem listener of spendcap threw.', 'SpendcapWarning');
  try {
    Promise.resolve(onProblem?.(problem)).catch(warn);
  } catch {
    warn();
  }
}

/** Signed payloads of other endpoint kinds (thin events) have another shape. */
function isWellFormed(event: { readonly type?: unknown; readonly data?: unknown }): boolean {
  const { type, data } = event;
  if (typeof type !== 'string' || typeof data !== 'object' || data === null) return false;
  return 'object' in data && typeof data.object === 'object' && data.object !== null;
}

/** True if the event concerned a purchase. Types without a final status are ignored. */
async function settle(deps: Deps, event: Stripe.Event): Promise<boolean> {
  switch (event.type) {
    case 'payment_intent.succeeded':
    case 'payment_intent.canceled':
      if (purchaseIdOf(event.data.object) === null) return false;
      await settlePayment(deps.limiter, event.data.object);
      return true;
    case 'checkout.session.completed':
    case 'checkout.session.expired':
    case 'checkout.session.async_payment_succeeded':
    case 'checkout.session.async_payment_failed':
      if (purchaseIdOf(event.data.object) === null) return false;
      await settleSession(deps, event.data.object);
      return true;
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
      return settleRefunds(deps, event.data.object, () => [event.data.object]);
    case 'charge.refunded':
      return settleRefunds(deps, { charge: event.data.object }, () =>
        deps.stripe.refunds.list({ charge: event.data.object.id, limit: 100 }),
      );
    default:
      return false;
  }
}

async function settleRefunds(
  { stripe, limiter }: Deps,
  of: Parameters<typeof refundedPayment>[1],
  // Called lazily: an unawaited promise that rejects would end the process.
  refundsOf: () => Iterable<Stripe.Refund> | AsyncIterable<Stripe.Refund>,
): Promise<boolean> {
  const payment = await refundedPayment(stripe, of);
  if (payment === null || purchaseIdOf(payment) === null) return false;
  for await (const refund of refundsOf()) await settleRefund(limiter, payment, refund);
  return true;
}
