import type { StoredPurchase } from '@spendcap/core';
import type { Books } from '../support/processors/entry.ts';
import { inCny, rateAt } from './book.ts';
import type { Look } from './look.ts';
import { DAY } from './policies.ts';
import type { Server, World } from './world.ts';

/**
 * Completes everything: payers and banks end what they have begun, every notification is delivered,
 * the newest first, and the processor is queried for what it has not reported.
 */
export async function settleAll(world: World, server: Server): Promise<void> {
  const { processor, clock } = world;
  server.begin(0, undefined);
  await processor.settle();
  for (const notification of processor.notifications().toReversed()) {
    const { ok, status } = await server.webhook(notification);
    if (!ok) throw new Error(`a notification was answered with ${status}`);
  }
  // Longer than any hold.
  clock.now += 40 * DAY;
  const settle = async () => server.reconcile();
  if (processor.unheld === undefined) {
    while ((await settle()).some(({ outcome }) => SETTLED.has(outcome)));
    return;
  }
  // A store on the device lists what is settled, too. Its holds end by their expiry.
  await settle();
  for (const id of world.sales) await server.limiter.get(id);
}

const SETTLED: ReadonlySet<string> = new Set(['committed', 'released']);

/** Compares every sale with the processor's books, in the currency of the caps. */
export function moneyBreaches(world: World, { purchases }: Look): readonly string[] {
  const { lost, processor, sales } = world;
  return [...sales].flatMap((id) => {
    const books = processor.books(id);
    const purchase = purchases.get(id);
    const recorded = lost.has(id) ? purchases.get(books.recordedAs ?? '') : undefined;
    if (recorded !== undefined) {
      // Bought while its hold was lost; another hold of that id has nothing to pay for.
      const unused = { ...books, captured: 0, refunds: [] };
      return [...breaches(recorded, books), ...(purchase ? breaches(purchase, unused) : [])];
    }
    if (purchase !== undefined) return breaches(purchase, books);
    const isMissing = books.captured > 0 && !lost.has(id);
    return isMissing ? [`${id}: was charged, and is not in the ledger`] : [];
  });
}

function breaches(purchase: StoredPurchase, books: Books): readonly string[] {
  const { captured, refunds, isLate = false } = books;
  const { committed, id, late, refunded, state } = purchase;
  const returned = refunds.map((refund) => converted(purchase, refund, 'down'));
  const wanted = {
    committed: converted(purchase, captured, 'up'),
    refunded: returned.reduce((sum, each) => sum + each, 0),
    state: captured > 0 ? 'committed' : state === 'expired' ? state : 'released',
    // Nobody but the engine releases a sale, and only once nobody can pay it.
    late: captured > 0 && late && isLate,
  };
  const found = { committed, refunded, state, late };
  const isSame = JSON.stringify(found) === JSON.stringify(wanted);
  return isSame ? [] : [`${id}: ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`];
}

function converted(purchase: StoredPurchase, minor: number, rounding: 'up' | 'down'): number {
  const { amount, currency } = JSON.parse(purchase.request) as { amount: number; currency: string };
  if (minor === amount) return purchase.amount;
  const rate = rateAt(currency, purchase.reservedAt);
  return inCny(minor, { currency, rate, rounding });
}
