import { type ReserveCommand, SpendcapError, type Store } from '@spendcap/core';
import { capped, NOON, purchase, TODAY } from '../../packages/server/src/testing/fixtures.ts';
import { type Fact, NOTHING, type Order, type Till } from './load.ts';

export const CAP = 25_000;
const windows = [capped(TODAY, CAP)];

const commandOf = ({ id, player, amount }: Order): ReserveCommand =>
  purchase(id, { subject: `player-${player}`, amount, windows });

/** A store as somewhere to buy. */
export function storeTill(store: Store): Till {
  return {
    async hold(order) {
      const result = await store.reserve(commandOf(order));
      if (result.outcome === 'conflict') throw new Error(`${order.id} is another's`);
      return { held: result.outcome === 'held', used: result.used[0] };
    },
    async settle({ id }, verb) {
      const { outcome } =
        verb === 'refund'
          ? await store.refund({ id, refundId: 'all', restores: true, at: NOON })
          : await store[verb]({ id, at: NOON });
      if (outcome !== 'done') throw new Error(`${verb} of ${id}: ${outcome}`);
    },
    async find({ id }): Promise<Fact> {
      const { purchase: found } = await store.get({ id, at: NOON });
      return found === null ? NOTHING : { state: found.state, refunded: found.refunded };
    },
    async used(player) {
      const query = { subject: `player-${player}`, windows: [TODAY], at: NOON };
      return (await store.usage(query)).used[0] ?? Number.NaN;
    },
  };
}

/** Whether an error of a store asks for a retry. */
export const invitesRetry = (error: unknown): boolean =>
  SpendcapError.isInstance(error) && error.retryable;
