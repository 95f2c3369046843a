import type Stripe from 'stripe';
import { idempotencyKey } from '../idempotency.ts';
import { callError } from '../outcome.ts';
import { applyOrLater } from '../start.ts';
import { callOptionsOf } from './call-options.ts';
import type { Deps } from './deps.ts';
import { refundedPayment } from './look.ts';
import { markedMetadata, purchaseIdOf, refundSnapshots, snapshotOfPayment } from './snapshots.ts';
import type { GuardedRefunds } from './types.ts';

export function guardRefunds(deps: Deps): GuardedRefunds<Stripe> {
  const { stripe } = deps;
  return {
    async create(params, options = {}) {
      const own = options.idempotencyKey;
      if (params.amount !== undefined && own === undefined) {
        throw new TypeError('idempotencyKey: required for a partial refund');
      }
      const callOptions = callOptionsOf(options);
      const payment = await refundedPayment(stripe, params);
      const id = payment === null ? null : purchaseIdOf(payment);
      // Not created by the guard: there is no purchase to update.
      if (payment === null || id === null) return stripe.refunds.create(params, callOptions);
      const key = await idempotencyKey('refund', [id, own ?? 'all']);
      try {
        const refund = await stripe.refunds.create(
          { ...params, metadata: markedMetadata(params.metadata, id) },
          { ...callOptions, idempotencyKey: key },
        );
        const refunds = refundSnapshots(payment, [refund]);
        await applyOrLater(deps, snapshotOfPayment(payment, id, { refunds }));
        return refund;
      } catch (error) {
        throw callError(deps.processor, error);
      }
    },
  };
}
