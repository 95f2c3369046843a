import type { ReserveCommand, ReserveResult } from '@spendcap/core';
import { newPurchase } from './ledger.ts';

/**
 * The reply to `reserve` of a store's thread or server. A new purchase is not sent back, since the
 * caller can build it: that saves most of the reply.
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
