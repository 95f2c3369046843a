import { reconcile } from '@spendcap/server/payments';
import type { Endpoint, Notifier } from './payments/method.ts';

export interface SettleOptions {
  readonly notifiers: readonly Notifier[];
  readonly endpoint: Endpoint;
}

/**
 * Delivers the processors' notifications and reconciles what no notification has settled. A real
 * shop only reconciles, every few minutes. Runs never overlap.
 */
export function settler({ notifiers, endpoint }: SettleOptions) {
  let latest: Promise<void> = Promise.resolve();
  const run = async () => {
    for (const { engine, notify } of notifiers) {
      await notify(endpoint);
      await reconcile(engine);
      // What the reconciler has closed is notified as well.
      await notify(endpoint);
    }
  };
  return (): Promise<void> => {
    latest = latest.then(run, run);
    return latest;
  };
}
