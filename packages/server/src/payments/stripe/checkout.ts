import type { Money, OptionNames, Purchase } from '@spendcap/core';
import type Stripe from 'stripe';
import { forbidden } from '../deps.ts';
import { idempotencyKey } from '../idempotency.ts';
import { covers, priceOf } from '../money.ts';
import { callError } from '../outcome.ts';
import { PURCHASE_CONTEXT, purchaseContextOf } from '../purchase-context.ts';
import { applyOrLater, startCharge } from '../start.ts';
import { callOptionsOf, startOptionsOf } from './call-options.ts';
import type { Deps } from './deps.ts';
import { sessionSnapshot } from './look.ts';
import { fromStripe } from './money.ts';
import { markedMetadata, purchaseIdOf, snapshotOfSession } from './snapshots.ts';
import type { GuardedSessions, SessionPurchase } from './types.ts';

const CONTEXT: OptionNames<SessionPurchase> = { ...PURCHASE_CONTEXT, amount: true };

/** The session expires this long before the hold, so that a last-minute payment is still held. */
const MARGIN_SECONDS = 300;
/** Stripe's minimum lifetime is 30 minutes; five more leave time to retry the call. */
const HOLD_SECONDS = 35 * 60 + MARGIN_SECONDS;
const SHORTEST_HOLD_SECONDS = 31 * 60 + MARGIN_SECONDS;

type Params = Stripe.Checkout.SessionCreateParams;
type Session = Stripe.Response<Stripe.Checkout.Session>;
type LineItem = NonNullable<Params['line_items']>[number];

export function guardSessions(deps: Deps): GuardedSessions<Stripe> {
  const { stripe } = deps;
  return {
    async create(given, options) {
      const params = { ...given };
      const { amount, ...context } = purchaseContextOf(options, CONTEXT);
      assertGuardable(params, context);
      const callOptions = startOptionsOf(options);
      const money = sessionMoney(params, amount);
      const started = await startCharge<Session>(deps, {
        purchase: { expiresInSeconds: HOLD_SECONDS, ...context, ...money },
        call: async (purchase) =>
          stripe.checkout.sessions.create(marked(params, purchase), {
            ...callOptions,
            idempotencyKey: await idempotencyKey('start', [purchase.id]),
          }),
        snapshotOf: (session, { id }) => snapshotOfSession(session, null, id),
      });
      if (!started.allowed) return started;
      const { answer: session, ...reservation } = started;
      await assertCovered(deps, session, reservation.purchase);
      return { ...reservation, session };
    },

    async expire(id, params = {}, options = {}) {
      const callOptions = callOptionsOf(options);
      try {
        const found = await stripe.checkout.sessions.retrieve(id);
        const session =
          found.status === 'expired'
            ? found
            : await stripe.checkout.sessions.expire(id, params, callOptions);
        const purchaseId = purchaseIdOf(session);
        if (purchaseId !== null) {
          await applyOrLater(deps, await sessionSnapshot(stripe, session, purchaseId));
        }
        return session;
      } catch (error) {
        throw callError(deps.processor, error);
      }
    },
  };
}

function assertGuardable(
  { adaptive_pricing, after_expiration, expires_at, mode }: Params,
  { expiresInSeconds = HOLD_SECONDS }: SessionPurchase,
): void {
  if (mode !== 'payment') throw forbidden('A guarded Checkout Session has mode "payment".');
  if (after_expiration?.recovery?.enabled === true) {
    throw forbidden('A session recovered after it expired would be paid without a hold.');
  }
  if (adaptive_pricing?.enabled === true) {
    throw forbidden('With adaptive pricing the player would be charged in another currency.');
  }
  if (expires_at !== undefined) {
    throw new TypeError('expires_at: derived from the hold. Set spendcap.expiresInSeconds.');
  }
  if (expiresInSeconds < SHORTEST_HOLD_SECONDS) {
    throw new TypeError(`expiresInSeconds: minimum ${SHORTEST_HOLD_SECONDS} for Checkout.`);
  }
}

/** Adds the purchase id to every object of the session that webhooks deliver. */
function marked(params: Params, { id, expiresAt }: Purchase): Params {
  const intent = params.payment_intent_data;
  return {
    ...params,
    adaptive_pricing: { enabled: false },
    // Derived from the purchase, not from the clock, so that a retry has the same parameters.
    expires_at: Math.floor(Date.parse(expiresAt) / 1000) - MARGIN_SECONDS,
    client_reference_id: params.client_reference_id ?? id,
    metadata: markedMetadata(params.metadata, id),
    payment_intent_data: { ...intent, metadata: markedMetadata(intent?.metadata, id) },
  };
}

/** The amount to hold: as stated, or the sum of the line items if nothing can be added to it. */
function sessionMoney(params: Params, stated: number | undefined): Money {
  const items = params.line_items ?? [];
  const currencies = new Set(items.map((item) => item.price_data?.currency.toLowerCase()));
  const currency = params.currency ?? (currencies.size === 1 ? [...currencies][0] : undefined);
  if (currency === undefined) {
    throw new TypeError(
      'currency: required unless all line items have the same price_data.currency',
    );
  }
  if (stated !== undefined) {
    const money = fromStripe(stated, currency);
    if (mostOf(params) > stated) {
      throw new TypeError('spendcap.amount: below the total at the largest quantities');
    }
    return money;
  }
  const total = canGrow(params) ? null : sumOf(items);
  if (total === null || currencies.size !== 1) {
    throw new TypeError('spendcap.amount: required, because the line items do not fix the total');
  }
  return fromStripe(total, currency);
}

function canGrow(params: Params): boolean {
  const { automatic_tax, managed_payments, optional_items, shipping_options } = params;
  return (
    automatic_tax?.enabled === true ||
    // Stripe adds the taxes of the player's country, as the merchant of record.
    managed_payments?.enabled === true ||
    (optional_items?.length ?? 0) > 0 ||
    (shipping_options?.length ?? 0) > 0
  );
}

function sumOf(items: readonly LineItem[]): number | null {
  let total = 0;
  for (const item of items) {
    const { adjustable_quantity, price_data, quantity, tax_rates } = item;
    const unit = price_data?.unit_amount;
    if (unit === undefined || quantity === undefined || adjustable_quantity?.enabled) return null;
    if ((tax_rates?.length ?? 0) > 0) return null;
    total += unit * quantity;
  }
  return total;
}

/** Stripe's default for the largest quantity that the player may choose. */
const LARGEST_QUANTITY = 99;

/**
 * What a player could make of the line items whose price is known, before taxes and shipping; 0 if
 * a discount may lower it. Stripe's answer has the total of the first quantities only.
 */
function mostOf({ discounts, line_items = [] }: Params): number {
  if ((discounts?.length ?? 0) > 0) return 0;
  return line_items.reduce((sum, { adjustable_quantity, price_data, quantity = 1 }) => {
    const { enabled, maximum = LARGEST_QUANTITY } = adjustable_quantity ?? {};
    return sum + (price_data?.unit_amount ?? 0) * (enabled ? maximum : quantity);
  }, 0);
}

/** Closes a session whose total, as computed by Stripe, exceeds the hold, before it can be paid. */
async function assertCovered(deps: Deps, session: Session, purchase: Purchase): Promise<void> {
  if (session.amount_total === null || session.amount_total === 0) return;
  const covered = covers(
    priceOf(purchase),
    fromStripe(session.amount_total, session.currency ?? ''),
  );
  if (covered) return;
  await guardSessions(deps).expire(session.id);
  throw forbidden('The session total exceeds the reserved amount. The session was closed.');
}
