import {
  type BatchDecision,
  type DecisionBatch,
  parseAmount,
  type Reason,
  SpendcapError,
  unverifiedReason,
} from '@spendcap/core';
import {
  allowanceOf,
  assertKnown,
  assess,
  reasonsIn,
  standing,
  unknownAllowance,
  usageOf,
} from './assessment.ts';
import { type Context, evidenceOf } from './context.ts';
import { usedIn } from './reserve.ts';
import type { CheckManyRequest, Exchange, ShelfProduct } from './types.ts';
import { checkShelf } from './validate.ts';

/**
 * Decides on a whole shelf. All products share the player, the instant and the windows, so that the
 * usage is read once: the limits of every category, of which `decide` picks those of each product.
 */
export async function checkMany(context: Context, given: CheckManyRequest): Promise<DecisionBatch> {
  const request = checkShelf(given);
  const { products, app } = request;
  const evidence = await evidenceOf(context, request);
  const at = context.clock();
  const policy = context.policyAt(at);
  if (evidence === null) {
    const decisions = products.map((product, index) => {
      atProduct(index, () => parseAmount(product.amount, product.currency));
      return { allowed: false, reasons: [0] };
    });
    const reasons = [unverifiedReason(policy)];
    return { decisions, reasons, allowance: unknownAllowance(policy, at) };
  }
  const base = standing({
    ...{ at, policy, evidence, app, category: undefined },
    allCategories: true,
  });
  const exchangeOnce = onceForEach(context.exchange);
  const assessOne = ({ category, ...price }: ShelfProduct, index: number) =>
    atProduct(index, () => {
      assertKnown(policy, { app, category });
      return assess({ ...base, category: category ?? null }, price, exchangeOnce);
    });
  // Before the store is read: an invalid product needs no answer.
  const assessed = await Promise.all(products.map(assessOne));
  const used = await usedIn(context, base);
  const usage = usageOf(base, used);
  const { all: reasons, placeOf } = collectReasons();
  const decisions = assessed.map((each): BatchDecision => {
    const against = 'facts' in each ? reasonsIn(each, usage) : each;
    return { allowed: against.length === 0, reasons: against.map(placeOf) };
  });
  return { decisions, reasons, allowance: allowanceOf(base, used) };
}

/** Keeps equal reasons once. Those of one limit are even the same object. */
function collectReasons() {
  const all: Reason[] = [];
  const places = new Map<Reason | string, number>();
  const placeOf = (reason: Reason): number => {
    const known = places.get(reason);
    if (known !== undefined) return known;
    const text = JSON.stringify(reason);
    const place = places.get(text) ?? all.push(reason) - 1;
    places.set(reason, place).set(text, place);
    return place;
  };
  return { all, placeOf };
}

/** Converts each currency at one rate. */
function onceForEach(exchange: Exchange | undefined): Exchange | undefined {
  if (exchange === undefined) return undefined;
  const rates = new Map<string, ReturnType<Exchange>>();
  return (pair) => {
    const rate = rates.get(pair.from) ?? exchange(pair);
    rates.set(pair.from, rate);
    return rate;
  };
}

/** Names the product in the error of a field. */
function atProduct<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!SpendcapError.isInstance(error) || error.status !== 400) throw error;
    const [found] = error.errors ?? [];
    const field = error.code === 'invalid_currency' ? 'currency' : 'amount';
    const path = `products.${index}.${found?.path ?? field}`;
    const message = found?.message ?? error.message;
    throw new SpendcapError(error.code, `${path}: ${message}`, { errors: [{ path, message }] });
  }
}
