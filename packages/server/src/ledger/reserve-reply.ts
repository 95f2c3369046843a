import type { ReserveCommand, ReserveResult } from '@spendcap/core';
import { newPurchase } from './ledger.ts';

/**
 * What a store's thread or server answers to `reserve`. The caller knows a fresh purchase already, so
 * it does not cross back: that is most of what would.
 */
export type ReserveReply =
  | Exclude<ReserveResult, { readonly outcome: 'held' }>
  | (Extract<ReserveResult, { readonly outcome: 'held' }> & { readonly replayed: true })
  | (Pick<ReserveResult, 'expired'> & {
      readonly outcome: 'fresh';
      readonly used: readonly number[];
    });

export function toReply(result: ReserveResult): ReserveReply {
  if (result.outcome !== 'held') return result;
  const { replayed, used, expired } = result;
  return replayed ? { ...result, replayed } : { outcome: 'fresh', used, expired };
}

export function fromReply(command: ReserveCommand, reply: ReserveReply): ReserveResult {
  if (reply.outcome !== 'fresh') return reply;
  const { used, expired } = reply;
  return { outcome: 'held', purchase: newPurchase(command), replayed: false, used, expired };
}
