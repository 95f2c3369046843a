import {
  type BatchDecision,
  type DecisionBatch,
  decide,
  exchange,
  parseAmount,
  type Reason,
  SpendcapError,
  unverifiedReason,
} from '@spendcap/core';
import {
  allowanceOf,
  assertKnown,
  rateOf,
  type Standing,
  standing,
  unknownAllowance,
  unsupported,
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
  const priced = products.map(({ amount, currency, category = null }, index) => {
    const price = atProduct(index, () => parseAmount(amount, currency));
    return { price, currency, category };
  });
  if (evidence === null) {
    const decisions = products.map(() => ({ allowed: false, reasons: [0] }));
    const reasons = [unverifiedReason(policy)];
    return { decisions, reasons, allowance: unknownAllowance(policy, at) };
  }
  const who = { at, policy, evidence, app, category: undefined };
  const base = standing({ ...who, allCategories: true });
  for (const [index, { category }] of products.entries()) {
    atProduct(index, () => assertKnown(policy, { app, category }));
  }
  const convert = await converter(context.exchange, base, products);
  // Before the store is read: an invalid product needs no answer.
  const converted = priced.map(({ price, currency, category }, index) => {
    const amount = atProduct(index, () => convert(price, currency));
    return { amount, category };
  });
  const used = await usedIn(context, base);
  const usage = usageOf(base, used);
  const { all: reasons, placeOf } = collectReasons();
  const decisions = converted.map(({ amount, category }): BatchDecision => {
    const facts = { category, ageVerified: base.verified, guardianApproved: false };
    const against =
      amount === null
        ? [unsupported(policy)]
        : decide(policy, base.range, { purchase: { amount, ...facts }, usage });
    return { allowed: against.length === 0, reasons: against.map(placeOf) };
  });
  return { decisions, reasons, allowance: allowanceOf(base, used) };
}

/**
 * Converts minor units to the policy's currency, each other currency at one rate; to `null` if it
 * cannot be converted.
 */
async function converter(
  exchangeRate: Exchange | undefined,
  { at, policy: { currency: to } }: Standing,
  products: readonly ShelfProduct[],
): Promise<(price: number, from: string) => number | null> {
  const others = new Set(products.map(({ currency }) => currency));
  others.delete(to);
  const rates = new Map<string, string>();
  if (exchangeRate !== undefined) {
    for (const from of others) rates.set(from, await rateOf(exchangeRate, { from, to, at }));
  }
  return (price, from) => {
    if (from === to) return price;
    const rate = rates.get(from);
    return rate === undefined ? null : exchange(price, { from, to, rate, rounding: 'up' });
  };
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
