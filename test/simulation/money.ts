import type { StoredPurchase } from '@spendcap/core';
import { inCny, rateAt } from './book.ts';
import type { Look } from './look.ts';
import { DAY } from './policies.ts';
import { MARK, paymentsOf, refundsOf } from './stripe-deeds.ts';
import type { Server, World } from './world.ts';

/**
 * Completes everything: banks answer, every event is delivered, the newest first, and Stripe is
 * queried for what it has not reported.
 */
export async function settleAll(world: World, server: Server): Promise<void> {
  const { fake, clock } = world;
  server.begin(0, undefined);
  for (const { id, status } of fake.paymentIntents()) {
    if (status === 'processing') fake.finishProcessing(id, true);
    for (const refund of await refundsOf(world, id)) {
      if (refund.status === 'pending') fake.finishRefund(refund.id, 'succeeded');
    }
  }
  for (const event of fake.events.toReversed()) {
    const answer = await server.webhook(fake.webhook(event));
    if (answer.status !== 200) throw new Error(`an event was answered with ${answer.status}`);
  }
  // Longer than any hold.
  clock.now += 40 * DAY;
  const settle = async () => server.reconcile({ limit: 1_000 });
  while ((await settle()).some(({ outcome }) => outcome === 'committed' || outcome === 'released'));
}

/** Compares every sale with Stripe: what was charged and refunded, in the currency of the caps. */
export async function moneyBreaches(world: World, { purchases }: Look): Promise<string[]> {
  const breaches = world.fake
    .paymentIntents()
    .filter(({ amount_received }) => amount_received > 0)
    .map(({ metadata }) => metadata[MARK] ?? '')
    .filter((id) => !purchases.has(id) && !world.lost.has(id))
    .map((id) => `${id}: was charged, and is not in the ledger`);
  for (const purchase of purchases.values()) {
    if (!purchase.id.startsWith('s')) continue;
    const payments = paymentsOf(world, purchase.id);
    const charged = payments.reduce((sum, { amount_received }) => sum + amount_received, 0);
    let returned = 0;
    for (const { id } of payments) {
      for (const { amount, status } of await refundsOf(world, id)) {
        if (status === 'succeeded') returned += converted(purchase, amount, 'down');
      }
    }
    const wanted = { committed: converted(purchase, charged, 'up'), refunded: returned };
    const { committed, refunded, state } = purchase;
    const right = committed === wanted.committed && refunded === wanted.refunded;
    if (right && (state === 'committed') === charged > 0) continue;
    const has = `${state} ${committed} less ${refunded}`;
    breaches.push(`${purchase.id}: ${has}, Stripe has ${wanted.committed} less ${wanted.refunded}`);
  }
  return breaches;
}

function converted(purchase: StoredPurchase, minor: number, rounding: 'up' | 'down'): number {
  const { amount, currency } = JSON.parse(purchase.request) as { amount: number; currency: string };
  if (minor === amount) return purchase.amount;
  const rate = rateAt(currency, purchase.reservedAt);
  return inCny(minor, { currency, rate, rounding });
}
