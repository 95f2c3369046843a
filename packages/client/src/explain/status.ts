import type { Purchase } from '@spendcap/core/wire';
import { STATUSES, type Status } from './messages.ts';
import { type ExplainOptions, speechOf } from './options.ts';
import type { Speech } from './speech.ts';

/**
 * Says what became of a purchase, or of the attempt to make one, and what to do now. For a status
 * that it does not know, such as one of a newer server, it says that it is not known whether money
 * was taken.
 *
 * @param status of a checkout (`pending`, `failed`, ...), or of a purchase by `statusOf`
 * @throws TypeError for an unknown option
 * @example
 * ```ts
 * import { explainStatus } from '@spendcap/client/explain';
 * explainStatus('not_paid', { locale: 'en' }); // => 'You did not buy this. No money was taken.'
 * ```
 */
export function explainStatus(status: string, options: ExplainOptions): string {
  return statusText(status, speechOf(options));
}

/** `explainStatus` in a language that is chosen already. */
export function statusText(status: string, { messages, audience }: Speech): string {
  const isKnown = (STATUSES as readonly string[]).includes(status);
  return messages[audience][isKnown ? (status as Status) : 'unknown'];
}

/**
 * The status of a purchase as the server returned it.
 *
 * @example
 * ```ts
 * import { statusOf } from '@spendcap/client/explain';
 * const money = { committed: '48.00', refunded: '0.00' };
 * statusOf({ state: 'committed', late: false, ...money }); // => 'paid'
 * ```
 */
export function statusOf({
  state,
  committed,
  refunded,
  late,
}: Pick<Purchase, 'state' | 'committed' | 'refunded' | 'late'>): Status {
  if (state === 'reserved') return 'pending';
  if (state === 'released' || state === 'expired') return 'not_paid';
  if (state !== 'committed') return 'unknown';
  if (/[1-9]/.test(refunded)) return refunded === committed ? 'refunded' : 'partly_refunded';
  return late ? 'paid_late' : 'paid';
}
