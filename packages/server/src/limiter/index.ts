import { checkMany } from './check-many.ts';
import { type Context, contextOf, type LimiterOptions } from './context.ts';
import { record } from './record.ts';
import { allowance, check, reserve, verifyAge } from './reserve.ts';
import { attach, commit, get, overdue, refund, release, reverseRefund } from './settle.ts';
import { traced } from './tracing.ts';
import type { Limiter } from './types.ts';

export type { LimiterOptions } from './context.ts';
export type { Tracer, TracerSpan } from './tracing.ts';

/**
 * Creates a spending limiter from a policy and a store.
 *
 * @throws TypeError for invalid options, such as policy versions that overlap or differ in currency
 * @throws SpendcapError `policy_invalid` for a policy that `parsePolicy` rejects
 * @example
 * ```ts
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const decision = await limiter.check({ amount: '30.00', currency: 'CNY' });
 * decision.allowed; // => false
 * ```
 */
export function createLimiter(options: LimiterOptions): Limiter {
  const context: Context = contextOf(options);
  const { store, permits, outageQueue, ageTokens } = context;
  const limiter: Limiter = {
    reserve: (request) => reserve(context, request),
    verifyAge: (player) => verifyAge(context, player),
    check: (request) => check(context, request),
    checkMany: (request) => checkMany(context, request),
    allowance: (request) => allowance(context, request),
    commit: (id, charged = {}) => commit(context, id, charged),
    release: (id, options = {}) => release(context, id, options),
    record: (request) => record(context, request),
    attach: (id, named) => attach(context, id, named),
    refund: (id, refunded) => refund(context, id, refunded),
    reverseRefund: (id, refunded) => reverseRefund(context, id, refunded),
    get: (id, player) => get(context, id, player),
    overdue: (options = {}) => overdue(context, options),
    policy: () => context.policyAt(context.clock()),
    jwks: permits?.jwks ?? { keys: [] },
    ready: async () => {
      context.policyAt(context.clock());
      await store.ready();
      await ageTokens?.ready?.();
    },
    close: async () => {
      await outageQueue.flushAll();
      await store.close();
    },
  };
  return options.tracer === undefined ? limiter : traced(limiter, options.tracer);
}
