import {
  type DeviceTraits,
  type Money,
  type PaymentSnapshot,
  type ProcessorTraits,
  type Purchase,
  SpendcapError,
} from '@spendcap/core';
import type { Limiter } from '../limiter/types.ts';
import { isOfAccount } from './account.ts';
import type { PaymentDeps } from './deps.ts';
import { isSame, isZero, type PricedSnapshot, partOf, priceOf, shareOf } from './money.ts';
import { collecting, type Rejected } from './problems.ts';

/** What applying needs, for a charge on a server or on a device. */
export interface ApplyDeps {
  readonly limiter: Limiter;
  readonly processor: { readonly name: string; readonly traits: ProcessorTraits | DeviceTraits };
}

/** What applying a snapshot came to. */
export interface Applied {
  /**
   * `settled`: the ledger says what the snapshot says, except what is `rejected`. `ignored`: the
   * ledger has no such purchase. `refused`: the payment is not that of the hold; nothing changed.
   */
  readonly result: 'settled' | 'ignored' | 'refused';
  /** The purchase now; `null` if the ledger has none. */
  readonly purchase: Purchase | null;
  /** What the ledger rejected permanently, for an operator: no retry would help. */
  readonly rejected: readonly Rejected[];
}

/**
 * Applies what a processor says about a purchase to the ledger. It is the only caller of `commit`,
 * `release`, `refund` and `reverseRefund` in payments. A snapshot that is applied twice, late or
 * after a newer one has no effect beyond the truth:
 *
 * | snapshot | ledger |
 * |---|---|
 * | captured | committed with that amount; `late` if the hold has ended |
 * | captured in another currency | committed with the held amount, reported |
 * | closed, nothing captured | released, unless it is committed |
 * | open or unseen, nothing captured | unchanged |
 * | refund succeeded, or a higher total of refunds | refunded |
 * | refund failed | that refund undone, also if it arrives later |
 * | dispute withdrawn | refunded, without giving back allowance |
 * | dispute returned | that refund undone |
 *
 * @throws SpendcapError only if it is retryable: the snapshot may then be applied in part
 */
export async function applySnapshot(
  deps: PaymentDeps,
  snapshot: PaymentSnapshot,
): Promise<Applied> {
  const rejected: Rejected[] = [];
  // An id that no purchase can have: whoever writes to the processor may choose it.
  const find = (): Promise<Purchase | null> => deps.limiter.get(snapshot.purchaseId);
  const purchase = await collecting(rejected, null, find);
  if (purchase !== null) return applyTo(deps, purchase, snapshot);
  if (rejected.length > 0) return { result: 'ignored', purchase, rejected };
  const message = 'The ledger has no purchase with this id.';
  return { result: 'ignored', purchase, rejected: [{ code: 'purchase_not_found', message }] };
}

/** The same for a purchase that has just been read. */
export async function applyTo(
  deps: ApplyDeps,
  purchase: Purchase,
  said: PaymentSnapshot,
): Promise<Applied> {
  const snapshot = withAmount(purchase, said);
  const mismatch = mismatchOf(deps, purchase, snapshot);
  if (mismatch !== undefined) return { result: 'refused', purchase, rejected: [mismatch] };
  const rejected: Rejected[] = [];
  let latest = purchase;
  for (const step of stepsOf(deps, purchase, snapshot)) {
    const before = latest;
    latest = await collecting(rejected, before, () => step(before));
  }
  const { captured } = snapshot;
  const isForeign = captured !== null && captured.currency !== purchase.currency;
  // Any change, so that what a first, interrupted application could not report is still reported.
  const isChanged = latest.state !== purchase.state || latest.refunded !== purchase.refunded;
  if (isForeign && isChanged) {
    const message = 'Charged in another currency than held: committed with the held amount.';
    rejected.push({ code: 'invalid_currency', message });
  }
  return { result: 'settled', purchase: latest, rejected };
}

/** A snapshot with its amount, and whether the processor stated that. */
type Stated = PricedSnapshot & { readonly isStated: boolean };

function withAmount(purchase: Purchase, said: PaymentSnapshot): Stated {
  const { captured } = said;
  if (captured !== 'held') return { ...said, captured, isStated: true };
  return { ...said, captured: priceOf(purchase), isStated: false };
}

/** A change of the ledger, from the purchase before it to the one after it. */
type Step = (latest: Purchase) => Promise<Purchase>;

function stepsOf(deps: ApplyDeps, purchase: Purchase, snapshot: Stated): readonly Step[] {
  const { limiter, processor } = deps;
  if (isCaptured(snapshot)) {
    return [
      ...committing(limiter, purchase, snapshot),
      // First, or what has been given back for good would not fit beside what has not.
      ...undoing(limiter, purchase, snapshot),
      ...refunding(limiter, purchase, snapshot),
      ...disputing(limiter, purchase, snapshot),
    ];
  }
  const { reference, state } = snapshot;
  if (purchase.state !== 'reserved') return [];
  const { id, processorRef } = purchase;
  if (state === 'closed') {
    return [() => limiter.release(id, { reason: `${processor.name}_closed` })];
  }
  if (reference === undefined || processorRef !== null) return [];
  // Written only while somebody may still pay: later nobody has to look for the payment.
  return [() => limiter.attach(id, { processor: processor.name, processorRef: reference })];
}

function committing(
  limiter: Limiter,
  purchase: Purchase,
  { captured, isStated }: Captured,
): readonly Step[] {
  const { id, currency, capCurrency, committed, state } = purchase;
  const isForeign = captured.currency !== currency;
  if (state === 'committed') {
    const known = { amount: committed, currency: capCurrency };
    if (isForeign || !isStated || isSame(known, captured)) return [];
  }
  // Without an amount the store need not read the purchase first.
  const isWhole = isForeign || isSame(priceOf(purchase), captured);
  return [() => limiter.commit(id, isWhole ? {} : { amount: captured.amount })];
}

type Captured = Stated & { readonly captured: Money };

function isCaptured(snapshot: Stated): snapshot is Captured {
  return snapshot.captured !== null;
}

function undoing(limiter: Limiter, { id }: Purchase, snapshot: Captured): readonly Step[] {
  const { refunds, disputes = [] } = snapshot;
  const undone = [
    ...('total' in refunds ? [] : refunds.filter(({ state }) => state === 'failed')),
    ...disputes.filter(({ state }) => state === 'returned'),
  ];
  return undone.map((each) => () => limiter.reverseRefund(id, { id: each.id }));
}

function refunding(limiter: Limiter, purchase: Purchase, snapshot: Captured): readonly Step[] {
  const { refunds } = snapshot;
  const { id } = purchase;
  if ('total' in refunds) {
    const { id: refundId = TOTAL, total: sum } = refunds;
    if (sum === 'reversed') return [() => limiter.reverseRefund(id, { id: refundId })];
    const given = sum === 'all' ? snapshot.captured : sum;
    const money = 'milliPercent' in given ? partOf(snapshot.captured, given) : given;
    const step: Step = async (latest) => {
      const total = inPrice(purchase, money, snapshot);
      return total === null ? latest : limiter.refund(id, { id: refundId, total });
    };
    return [step];
  }
  return refunds.flatMap((refund): readonly Step[] => {
    if (refund.state !== 'succeeded') return [];
    const step: Step = async (latest) => {
      const amount = inPrice(purchase, refund.amount, snapshot);
      return amount === null ? latest : limiter.refund(id, { id: refund.id, amount });
    };
    return [step];
  });
}

/** The id of the one refund that grows with a processor's running total. */
const TOTAL = 'total';

function disputing(limiter: Limiter, purchase: Purchase, snapshot: Captured): readonly Step[] {
  return (snapshot.disputes ?? []).flatMap((dispute): readonly Step[] => {
    const refund = { id: dispute.id };
    if (dispute.state !== 'withdrawn') return [];
    const step: Step = async (latest) => {
      const amount = inPrice(purchase, dispute.amount, snapshot);
      if (amount === null) return latest;
      return limiter.refund(purchase.id, { ...refund, amount, restores: false });
    };
    return [step];
  });
}

/**
 * An amount given back, in the currency of the purchase; `null` if it is zero.
 *
 * @throws SpendcapError `invalid_currency` if it is not in that of the captured amount
 */
function inPrice(purchase: Purchase, given: Money, { captured }: Captured): string | null {
  if (given.currency !== captured.currency) {
    const message = 'Given back in another currency than charged: not recorded.';
    throw new SpendcapError('invalid_currency', message);
  }
  const price = priceOf(purchase);
  if (given.currency !== price.currency) return shareOf(price, given, captured);
  return isZero(given) ? null : given.amount;
}

/** Why the snapshot is not about this hold, or cannot be recorded. */
function mismatchOf(
  { processor }: ApplyDeps,
  purchase: Purchase,
  { captured, purchaseId }: Stated,
): Rejected | undefined {
  if (purchaseId !== purchase.id) return conflict('The payment is that of another purchase.');
  if (purchase.processor !== processor.name) {
    return conflict('The purchase is held for another processor.');
  }
  const { traits } = processor;
  const isOnDevice = traits.startedBy === 'device';
  if (!isOnDevice && !isOfAccount(traits, purchase)) {
    return conflict('The purchase is held for another account.');
  }
  if (captured === null) return undefined;
  try {
    if (isZero(captured)) return conflict('A captured amount of zero: nothing was captured.');
    const isWhole = !isOnDevice && traits.captures === 'whole';
    const isOurs = !isWhole || isSame(priceOf(purchase), captured);
    return isOurs ? undefined : conflict('The captured amount is not the held one.');
  } catch (error) {
    if (!SpendcapError.isInstance(error)) throw error;
    return { code: error.code, message: error.message };
  }
}

function conflict(message: string): Rejected {
  return { code: 'purchase_conflict', message };
}
