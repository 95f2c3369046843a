import { SpendcapError } from '@spendcap/core';
import { chargeOfOrder, type GooglePlayCharge, type OrderReading, readOrders } from './charges.ts';
import { PAGE } from './client.ts';
import { textOf } from './fields.ts';
import { orderOf, type PlayOrder } from './resources.ts';

const DAYS_30 = 30 * 86_400_000;
/**
 * The list goes by the time at which Google made a record, and refuses one older than 30 days. Five
 * minutes for both clocks.
 */
const MARGIN = 300_000;

/** Order ids of charges whose refunds are to be found, for example of the last 90 days. */
export type OrderIds = (since: number) => Iterable<string> | AsyncIterable<string>;

interface Sweeping extends OrderReading {
  readonly orderIds: OrderIds | undefined;
  readonly now: () => number;
}

/** What could not be understood. */
type Unread = unknown[];

/**
 * The charges that were given back: Google's list of voided purchases, and of `orderIds` those that
 * were refunded without being taken away, which no list and no notification shows. An order that
 * cannot be understood withholds no other.
 *
 * @throws what a call throws; at the end, the first error of reading an order
 */
export async function* sweepVoided(
  sweeping: Sweeping,
  since: number,
): AsyncGenerator<GooglePlayCharge> {
  const { api, orderIds, now } = sweeping;
  const unread: Unread = [];
  const startTime = Math.max(since, now() - DAYS_30 + MARGIN);
  let page: string | undefined;
  do {
    const { records, next } = await api.voided({
      startTime,
      ...(page === undefined ? {} : { page }),
    });
    const ids = records.map(({ orderId }) => textOf(orderId)).filter((id) => id !== null);
    yield* chargesOf(sweeping, unread, { ids });
    page = next ?? undefined;
  } while (page !== undefined);
  let ids: string[] = [];
  for await (const orderId of orderIds?.(since) ?? []) {
    ids.push(orderId);
    if (ids.length < PAGE) continue;
    yield* chargesOf(sweeping, unread, { ids, only: isGivenBack });
    ids = [];
  }
  yield* chargesOf(sweeping, unread, { ids, only: isGivenBack });
  if (unread.length > 0) throw unread[0];
}

function isGivenBack({ refunded, disputes }: PlayOrder): boolean {
  return refunded !== null || disputes.length > 0;
}

interface Wanted {
  readonly ids: readonly string[];
  readonly only?: (order: PlayOrder) => boolean;
}

async function* chargesOf(
  reading: OrderReading,
  unread: Unread,
  { ids, only = () => true }: Wanted,
): AsyncGenerator<GooglePlayCharge> {
  // Refunds of several pieces are several records of one order.
  for (const answer of await readOrders(reading.api, [...new Set(ids)])) {
    let charge: GooglePlayCharge | null = null;
    try {
      const order = orderOf(answer);
      if (only(order)) charge = await chargeOfOrder(reading, order);
    } catch (error) {
      // A call that failed is a GooglePlayError.
      if (!SpendcapError.isInstance(error)) throw error;
      unread.push(error);
    }
    if (charge !== null) yield charge;
  }
}
