import { type RecordCommand, type ReserveCommand, SpendcapError, type Store } from '@spendcap/core';
import {
  capped,
  charge,
  NOON,
  purchase,
  TODAY,
} from '../../packages/server/src/testing/fixtures.ts';
import { type Fact, NOTHING, type Order, type Till } from './load.ts';

export const CAP = 25_000;
const windows = [capped(TODAY, CAP)];

const processor = 'acme_pay';

const commandOf = ({ id, player, amount }: Order): ReserveCommand =>
  purchase(id, { subject: `player-${player}`, amount, windows, processor });

const chargeOf = ({ id, player, amount }: Order): RecordCommand =>
  charge(id, { subject: `player-${player}`, amount, windows: [TODAY], processor });

const refOf = (id: string): string => `payment of ${id}`;

/** A store as somewhere to buy. */
export function storeTill(store: Store): Till {
  return {
    async hold(order) {
      const result = await store.reserve(commandOf(order));
      if (result.outcome === 'conflict') throw new Error(`${order.id} is another's`);
      return { held: result.outcome === 'held', used: result.used[0] };
    },
    async settle(order, verb) {
      const { id, amount } = order;
      const at = NOON;
      const up = (total: number) =>
        store.refund({ id, refundId: 'all', total, restores: true, at });
      const verbs = {
        commit: () => store.commit({ id, at }),
        release: () => store.release({ id, at }),
        record: () => store.record(chargeOf(order)),
        refund: async () => {
          await up(amount / 2);
          return up(amount);
        },
      };
      await store.attach({ id, processor, processorRef: refOf(id), at });
      const { outcome } = await verbs[verb]();
      if (outcome !== 'done') throw new Error(`${verb} of ${id}: ${outcome}`);
    },
    async find({ id }): Promise<Fact> {
      const { purchase: found } = await store.get({ id, at: NOON });
      if (found === null) return NOTHING;
      const { state, refunded, processorRef } = found;
      const isWhole = state === 'reserved' || processorRef === refOf(id);
      return { state: isWhole ? state : 'without its reference', refunded };
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
