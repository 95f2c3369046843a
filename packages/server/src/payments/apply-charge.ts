import {
  type AppliedCharge,
  assertOptions,
  type DeviceCharge,
  type Money,
  type Purchase,
  SpendcapError,
} from '@spendcap/core';
import type { Limiter, Player } from '../limiter/types.ts';
import { checkPlayer } from '../limiter/validate.ts';
import { applyTo } from './apply-snapshot.ts';
import { checkDeviceDeps, type DeviceDeps, type DevicePayer } from './deps.ts';
import { covers, priceOf } from './money.ts';
import { type Rejected, reportRejected } from './problems.ts';
import { recordIdOf } from './record-id.ts';

/** Options of `applyDeviceCharge`. */
export interface ApplyChargeOptions {
  /**
   * The player who confirms it, if one does. Money counts for whoever's hold it was: of another
   * player's hold, `wasHeld` is false.
   */
  readonly player?: Player;
}

/**
 * Counts what a verified transaction of a store says. Twice, late and reordered it has no effect
 * beyond the truth.
 *
 * | the token names | the charge |
 * |---|---|
 * | a hold of this store | claims and commits it, `late` if it has ended |
 * | one that another transaction has claimed; or it is a renewal | recorded for that player |
 * | nothing, or a purchase of another processor | recorded for `playerOf`, else the caller |
 *
 * Whatever is not simply committed or renewed is reported to `onProblem`.
 *
 * @throws SpendcapError only if it is retryable, or `invalid_request` for an unknown field of the
 *   player; and what `playerOf` or the store's `finish` throws
 * @throws TypeError for an unknown option
 */
export async function applyDeviceCharge(
  deps: DeviceDeps,
  charge: DeviceCharge,
  options: ApplyChargeOptions = {},
): Promise<AppliedCharge> {
  assertOptions('applyDeviceCharge', options, { player: true });
  checkDeviceDeps(deps);
  const player = options.player && checkPlayer(options.player, 'player');
  const { processor } = deps;
  const work: Work = { deps, charge, player, problems: [] };
  let applied: AppliedCharge;
  try {
    applied = await settle(work);
  } catch (error) {
    if (!SpendcapError.isInstance(error) || error.retryable) throw error;
    work.problems.push({ code: error.code, message: error.message });
    applied = UNATTRIBUTED;
  }
  reportRejected(deps, applied.purchase?.id ?? null, work.problems);
  await processor.finish?.(charge, applied);
  return applied;
}

/** One charge that is being applied. */
interface Work {
  readonly deps: DeviceDeps;
  readonly charge: DeviceCharge;
  readonly player: Player | undefined;
  readonly problems: Rejected[];
}

const UNATTRIBUTED = { result: 'unattributed', purchase: null, wasHeld: false } as const;

async function settle(work: Work): Promise<AppliedCharge> {
  const { deps, charge } = work;
  const named = await namedBy(work);
  if (charge.state === 'pending') return { result: 'pending', purchase: named, wasHeld: false };
  if (charge.state === 'cancelled' || charge.captured === null) return ended(work, named);
  const recordId = await recordIdOf(deps.processor.name, charge.reference);
  if (named !== null && named.processorRef === charge.reference) return commit(work, named);
  const recorded = await deps.limiter.get(recordId);
  if (recorded !== null) return commit(work, recorded);
  const claimed = named === null ? null : await claim(work, named);
  if (claimed !== null) return commit(work, claimed);
  return record(work, { id: recordId, named });
}

/** The purchase of this store that the token names. */
async function namedBy(work: Work): Promise<Purchase | null> {
  const { purchaseId } = work.charge;
  if (purchaseId === null) return null;
  const purchase = await find(work.deps.limiter, purchaseId);
  if (purchase === null || purchase.processor === work.deps.processor.name) return purchase;
  const message = 'The token of a transaction names a purchase of another processor.';
  work.problems.push({ code: 'purchase_conflict', message });
  return null;
}

/** `null` for an id that no purchase can have: tokens are set on the device. */
async function find(limiter: Limiter, id: string): Promise<Purchase | null> {
  try {
    return await limiter.get(id);
  } catch (error) {
    if (SpendcapError.isInstance(error) && error.code === 'invalid_request') return null;
    throw error;
  }
}

/** The hold, if this transaction is the first to name it; a renewal repeats an old token. */
async function claim({ deps, charge }: Work, named: Purchase): Promise<Purchase | null> {
  if (charge.renewalOf !== null || named.processorRef !== null) return null;
  const reference = { processor: deps.processor.name, processorRef: charge.reference };
  try {
    return await deps.limiter.attach(named.id, reference);
  } catch (error) {
    if (SpendcapError.isInstance(error) && error.code === 'purchase_conflict') return null;
    throw error;
  }
}

/** No money moves under this hold: gives it back, if no other transaction has claimed it. */
async function ended(work: Work, named: Purchase | null): Promise<AppliedCharge> {
  const { deps, charge } = work;
  const result = charge.state === 'cancelled' ? 'cancelled' : 'free';
  if (named?.state !== 'reserved' || named.processorRef !== null || charge.renewalOf !== null) {
    return { result, purchase: named, wasHeld: false };
  }
  const reason = `${deps.processor.name}_${result}`;
  const purchase = await deps.limiter.release(named.id, { reason });
  return { result, purchase, wasHeld: false };
}

async function commit(work: Work, purchase: Purchase): Promise<AppliedCharge> {
  const { deps, charge, problems } = work;
  const { captured, refunds, disputes = [] } = charge;
  const said = { purchaseId: purchase.id, state: 'closed', captured, refunds, disputes } as const;
  const { purchase: latest, rejected } = await applyTo(deps, purchase, said);
  problems.push(...rejected);
  if (latest === null || latest.state !== 'committed') return { ...UNATTRIBUTED, purchase: latest };
  const isNew = purchase.state !== 'committed';
  if (isNew && captured === 'held') {
    const message = 'The store states no price: counted as held.';
    problems.push({ code: 'invalid_amount', message });
  }
  if (isNew && latest.late) {
    problems.push({ code: 'purchase_ended', message: 'Charged after its hold had ended.' });
  }
  const wasRecorded = latest.expiresAt === latest.reservedAt;
  const result = wasRecorded ? 'recorded' : latest.late ? 'late' : 'committed';
  return { result, purchase: latest, wasHeld: await isHeld(work, latest) };
}

async function isHeld(
  { deps, charge, player, problems }: Work,
  purchase: Purchase,
): Promise<boolean> {
  const { captured, product } = charge;
  const { capCurrency: currency, committed, held } = purchase;
  const charged = captured === 'held' ? priceOf(purchase) : captured;
  const isSameProduct = [purchase.product, product].includes(null) || purchase.product === product;
  if (!isSameProduct) {
    const message = 'The transaction is for another product than held.';
    problems.push({ code: 'purchase_conflict', message });
  }
  const isOwn = await isOf(deps.limiter, purchase, player);
  if (!isOwn) {
    const message = "The transaction was confirmed by another player than the hold's.";
    problems.push({ code: 'purchase_conflict', message });
  }
  if (!isSameProduct || !isOwn || purchase.late || charged === null) return false;
  // Both: a price that is known only later cannot change what was committed.
  const isCovered = covers(priceOf(purchase), charged);
  return isCovered && covers({ amount: held, currency }, { amount: committed, currency });
}

async function isOf(limiter: Limiter, purchase: Purchase, player?: Player): Promise<boolean> {
  if (player === undefined) return true;
  try {
    await limiter.get(purchase.id, player);
    return true;
  } catch (error) {
    if (SpendcapError.isInstance(error) && !error.retryable) return false;
    throw error;
  }
}

/** Money without a hold. */
async function record(
  work: Work,
  { id, named }: { readonly id: string; readonly named: Purchase | null },
): Promise<AppliedCharge> {
  const { deps, charge, problems } = work;
  const { reference, product, chargedAt, renewalOf } = charge;
  const { limiter, processor } = deps;
  const earlier =
    renewalOf === null
      ? named
      : (named ?? (await limiter.get(await recordIdOf(processor.name, renewalOf))));
  const payer = earlier === null ? await payerOf(work) : sameAs(earlier);
  if (payer === null) {
    const message = 'Charged without a hold, by an unknown player: not recorded.';
    problems.push({ code: 'purchase_not_found', message });
    return UNATTRIBUTED;
  }
  const price = priceIn(work, earlier);
  if (price === null) {
    const message = 'Charged without a hold, and the store states no price: not recorded.';
    problems.push({ code: 'invalid_amount', message });
    return UNATTRIBUTED;
  }
  const purchase = await limiter.record({
    ...{ ...payer, ...price, id, processor: processor.name, processorRef: reference },
    ...(product === null ? {} : { product }),
    chargedAt: new Date(chargedAt).toISOString(),
  });
  if (renewalOf === null) {
    const message = 'Charged without a hold: recorded past the caps.';
    problems.push({ code: 'purchase_not_found', message });
  }
  return commit(work, purchase);
}

/** The charged amount, or that of an earlier purchase of the same product, if it is known. */
function priceIn({ charge: { captured, product } }: Work, earlier: Purchase | null): Money | null {
  if (captured !== 'held') return captured;
  return product !== null && earlier?.product === product ? priceOf(earlier) : null;
}

function sameAs({ id, category, app }: Purchase): DevicePayer {
  return {
    samePlayerAs: id,
    ...(category === null ? {} : { category }),
    ...(app === null ? {} : { app }),
  };
}

/** The operator's answer before the caller's: whoever is logged in can confirm any transaction. */
async function payerOf(work: Work): Promise<DevicePayer | null> {
  const known = await work.deps.playerOf?.(work.charge);
  return known ?? work.player ?? null;
}
