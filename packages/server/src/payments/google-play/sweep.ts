import { chargeOfOrder, type GooglePlayCharge, readOrders } from './charges.ts';
import { PAGE, type PlayApi } from './client.ts';
import { textOf } from './fields.ts';
import type { PlayOrder } from './resources.ts';

const DAYS_30 = 30 * 86_400_000;
/**
 * The list goes by the time at which Google made a record, and refuses one older than 30 days. Five
 * minutes for both clocks.
 */
const MARGIN = 300_000;

/** Order ids of charges whose refunds are to be found, for example of the last 90 days. */
export type OrderIds = (since: number) => Iterable<string> | AsyncIterable<string>;

/**
 * The charges that were given back: Google's list of voided purchases, and of `orderIds` those that
 * were refunded without being taken away, which no list and no notification shows.
 */
export async function* sweepVoided(
  {
    api,
    orderIds,
    now,
  }: {
    readonly api: PlayApi;
    readonly orderIds: OrderIds | undefined;
    readonly now: () => number;
  },
  since: number,
): AsyncGenerator<GooglePlayCharge> {
  const startTime = Math.max(since, now() - DAYS_30 + MARGIN);
  let page: string | undefined;
  do {
    const { records, next } = await api.voided({
      startTime,
      ...(page === undefined ? {} : { page }),
    });
    // Refunds of several pieces are several records of one order.
    const ids = new Set(records.map(({ orderId }) => textOf(orderId) ?? ''));
    ids.delete('');
    yield* chargesOf(api, await readOrders(api, [...ids]));
    page = next ?? undefined;
  } while (page !== undefined);
  let batch: string[] = [];
  for await (const orderId of orderIds?.(since) ?? []) {
    batch.push(orderId);
    if (batch.length < PAGE) continue;
    yield* refundedOf(api, batch);
    batch = [];
  }
  yield* refundedOf(api, batch);
}

async function* refundedOf(api: PlayApi, orderIds: readonly string[]) {
  const orders = await readOrders(api, [...new Set(orderIds)]);
  yield* chargesOf(
    api,
    orders.filter(({ refunded, disputes }) => refunded !== null || disputes.length > 0),
  );
}

async function* chargesOf(
  api: PlayApi,
  orders: readonly PlayOrder[],
): AsyncGenerator<GooglePlayCharge> {
  for (const order of orders) {
    const charge = await chargeOfOrder(api, order);
    if (charge !== null) yield charge;
  }
}
