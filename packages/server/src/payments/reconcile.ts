import { assertOptions, type OptionNames, type Purchase } from '@spendcap/core';
import { isOfAccount } from './account.ts';
import { applyTo } from './apply-snapshot.ts';
import { checkConcurrency, forEach } from './concurrency.ts';
import { ANY_DEPS, type AnyDeps, depsOfKind, type PaymentDeps } from './deps.ts';
import { collecting, notify, type Rejected, reportRejected } from './problems.ts';
import type { Reconciled, ReconcileOutcome } from './reconciled.ts';
import { listedSince, sweptCharge } from './sweep.ts';

/** How many a run has checked, by outcome. */
export type ReconcileCounts = Readonly<Record<ReconcileOutcome, number>>;

/** Options of `reconcile`. */
export interface ReconcileOptions extends AnyDeps {
  /** What is checked at the same time. Default 8. */
  readonly concurrency?: number;
  /**
   * For a store on the device: charges that changed since this instant are applied, epoch
   * milliseconds. Default: a week ago.
   */
  readonly since?: number;
  /** Called for each, as soon as it is checked. */
  readonly onResult?: (result: Reconciled) => unknown;
}

const OPTIONS: OptionNames<ReconcileOptions> = {
  ...ANY_DEPS,
  concurrency: true,
  since: true,
  onResult: true,
};

/** Holds that are read from the store at a time. */
const PAGE = 100;

/**
 * Checks every overdue hold of a processor once: closes its payment, looks, and applies what it
 * finds. Of a store on the device, whose holds end by their expiry, it applies every charge that
 * the store lists; those that are known already change nothing, and `open` are those that were
 * not recorded, see `onProblem`. Run it every few minutes, in one
 * process. Memory and calls under way are bounded, however many there are.
 *
 * | outcome | |
 * |---|---|
 * | `committed`, `released` | settled |
 * | `open` | somebody may still pay, the processor still works on it, or another account holds it |
 * | `unseen` | the processor knows no payment yet; released once `unseenGraceSeconds` have passed |
 * | `failed` | the processor or the ledger could not be reached |
 *
 * @returns how many had which outcome; rejects only if store or processor cannot list them
 * @throws TypeError for an invalid option
 */
export async function reconcile(options: ReconcileOptions): Promise<ReconcileCounts> {
  assertOptions('reconcile', options, OPTIONS);
  const { concurrency = 8, since, onResult, ...rest } = options;
  const deps = depsOfKind(rest);
  checkConcurrency(concurrency);
  const counts = { committed: 0, released: 0, open: 0, unseen: 0, failed: 0 };
  const count = (result: Reconciled): void => {
    counts[result.outcome] += 1;
    notify('onResult', onResult, result);
  };
  if ('device' in deps) {
    const charges = listedSince(deps.device, since);
    await forEach(charges, concurrency, async (charge) => {
      count(await sweptCharge(deps.device, charge));
    });
    return counts;
  }
  if (since !== undefined) throw new TypeError('since: only for a store on the device');
  await forEach(overdueHolds(deps.server), concurrency, async (held) => {
    count(await checked(deps.server, held));
  });
  return counts;
}

/** Page by page: whoever reads the last hold of a page waits for the next one. */
async function* overdueHolds({ limiter, processor }: PaymentDeps): AsyncGenerator<Purchase> {
  let page: readonly Purchase[] = [];
  do {
    const last = page.at(-1);
    const after = last === undefined ? {} : { after: last };
    page = await limiter.overdue({ processor: processor.name, limit: PAGE, ...after });
    yield* page;
  } while (page.length === PAGE);
}

async function checked(options: PaymentDeps, held: Purchase): Promise<Reconciled> {
  const purchaseId = held.id;
  try {
    return { purchaseId, outcome: await check(options, held) };
  } catch (error) {
    return { purchaseId, outcome: 'failed', error };
  }
}

async function check(options: PaymentDeps, held: Purchase): Promise<ReconcileOutcome> {
  const { limiter, processor, now = Date.now } = options;
  if (!isOfAccount(processor.traits, held)) return 'open';
  const snapshot = await processor.close(held);
  const isUnseen = snapshot.state === 'unseen' && snapshot.captured === null;
  if (isUnseen && snapshot.purchaseId === held.id) {
    const graceMs = processor.traits.unseenGraceSeconds * 1_000;
    if (now() < Date.parse(held.expiresAt) + graceMs) return 'unseen';
    return releaseUnseen(options, held);
  }
  const { purchase, rejected } = await applyTo(options, held, snapshot);
  reportRejected(options, held.id, rejected);
  return outcomeOf(rejected.length === 0 ? purchase : await limiter.get(held.id));
}

/** A notification may have settled it since it was listed. */
async function releaseUnseen(
  { limiter, processor }: PaymentDeps,
  held: Purchase,
): Promise<ReconcileOutcome> {
  const rejected: Rejected[] = [];
  const reason = `${processor.name}_unseen`;
  const purchase = await collecting(rejected, held, () => limiter.release(held.id, { reason }));
  return outcomeOf(rejected.length === 0 ? purchase : await limiter.get(held.id));
}

function outcomeOf(purchase: Purchase | null): ReconcileOutcome {
  const state = purchase?.state;
  return state === 'committed' || state === 'released' ? state : 'open';
}
