import { type Reconciled, type ReconcileOptions, reconcile } from '@spendcap/server/payments';

/** One run after another, each with what became of every hold; by default one hold at a time. */
export function reconciler(options: ReconcileOptions) {
  return async ({ concurrency } = { concurrency: 1 }): Promise<Reconciled[]> => {
    const results: Reconciled[] = [];
    const onResult = (result: Reconciled) => results.push(result);
    await reconcile({ ...options, concurrency, onResult });
    return results;
  };
}
