import { type AppliedCharge, parseMoney } from '@spendcap/core';
import type { GooglePlayCharge } from './charges.ts';
import type { PlayApi } from './client.ts';

/**
 * What becomes of a charge that no hold covers: it was made elsewhere, after its hold had ended, or
 * above it. `leave`: it is not acknowledged, so Google gives it back after three days. `refund`: it
 * is given back now and taken away. `accept`: it is acknowledged, and counts.
 */
export type Unheld = 'leave' | 'refund' | 'accept';

/**
 * Acknowledges or consumes a charge if it was held. Called for every message about it, so it does
 * what is not yet done. Renewals need no acknowledgement.
 *
 * @throws GooglePlayError
 */
export async function finishCharge(
  {
    api,
    consumes,
    unheld,
  }: {
    readonly api: PlayApi;
    readonly consumes: (productId: string) => boolean;
    readonly unheld: Unheld;
  },
  charge: GooglePlayCharge,
  applied: AppliedCharge,
): Promise<void> {
  const { kind, product, purchaseToken: token, orderId, isAcknowledged, isConsumed } = charge;
  if (charge.state !== 'purchased' || charge.isRenewal || isGivenBack(charge)) return;
  const isFree = applied.result === 'free';
  if (!applied.wasHeld && !isFree && unheld !== 'accept') {
    // Whatever is acknowledged was accepted before.
    const isOpen = !isAcknowledged && !isConsumed && orderId !== null;
    if (unheld === 'refund' && isOpen && isOutside(applied)) await api.refund(orderId);
    return;
  }
  if (kind === 'subscription') {
    if (!isAcknowledged) await api.acknowledgeSubscription(product, token);
  } else if (consumes(product)) {
    if (!isConsumed) await api.consume(product, token);
  } else if (!isAcknowledged) await api.acknowledge(product, token);
}

function isGivenBack({ refunds, disputes = [] }: GooglePlayCharge): boolean {
  return ('total' in refunds && refunds.total === 'all') || disputes.length > 0;
}

/** Not what merely another player or for another product confirmed: somebody holds that. */
function isOutside({ result, purchase }: AppliedCharge): boolean {
  if (result === 'late' || result === 'recorded' || result === 'unattributed') return true;
  if (result !== 'committed' || purchase === null) return false;
  const { committed, held, capCurrency } = purchase;
  return parseMoney(committed, capCurrency) > parseMoney(held, capCurrency);
}
