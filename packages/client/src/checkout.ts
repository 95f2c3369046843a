import type { Refused } from '@spendcap/core/wire';
import type { CallOptions } from './deadline.ts';
import {
  type CheckoutOutcome,
  outcomeOf,
  type PaymentAnswer,
  refused,
  type Settled,
} from './outcome.ts';
import type { Parts } from './parts.ts';
import { later } from './timers.ts';
import type { CheckedPurchase, CheckoutRequest, ClientOptions, Pay } from './types.ts';

/** Before each question of `settle`. */
const SETTLE_PAUSES_MS = [0, 1_000, 2_000, 4_000, 8_000, 15_000];

/** What a purchase needs to be known by, and its outcome. */
type Identified = CheckoutRequest & { readonly id: string };

/** Purchases: each is in the state from its check to its outcome. */
export function createCheckout(
  { requests, state, current }: Parts,
  { signer, lookUp }: ClientOptions,
) {
  const inFlight = new Map<string, Promise<CheckoutOutcome<unknown>>>();
  const limited = (work: () => Promise<unknown>) => requests.limited({}, work);

  const settleOf =
    (id: string): Settled =>
    (callOptions) =>
      settle(id, callOptions);

  /** Whatever may have moved money makes the allowance outdated. */
  function ended<Result>(outcome: CheckoutOutcome<Result>): CheckoutOutcome<Result> {
    state.purchase(outcome);
    if (outcome.status !== 'failed') current.changed();
    return outcome;
  }

  async function run<Result extends PaymentAnswer>(
    purchase: Identified,
    pay: Pay<Result>,
    callOptions: CallOptions,
  ): Promise<CheckoutOutcome<Result>> {
    const { id, ...request } = purchase;
    let checked: CheckedPurchase = purchase;
    // An earlier attempt may have been paid. Its own hold may be what the check finds against it.
    const isUnknown = state.get().purchases[id]?.status === 'unknown';
    try {
      state.purchase({ status: 'checking', id });
      const decision = await requests.decision(request, callOptions);
      if (!decision.allowed && !isUnknown) return refused(id, decision as Refused);
      if (signer) {
        const proven = () => requests.credentials('POST', '/v1/purchases');
        checked = { ...purchase, ...(await requests.limited(callOptions, proven)) };
      }
    } catch (error) {
      if (!isUnknown) return { status: 'failed', id, result: undefined, error };
      return { status: 'unknown', id, result: undefined, error, settled: settleOf(id) };
    }
    state.purchase({ status: 'paying', id });
    const attempt = { id, settled: settleOf(id), isLater: isUnknown };
    return outcomeOf(attempt, () => pay(checked), limited);
  }

  async function settle(id: string, { signal }: CallOptions = {}) {
    const settled = settleOf(id);
    const before = state.get().purchases[id];
    let outcome: CheckoutOutcome<unknown> =
      before && 'result' in before ? before : { status: 'unknown', id, result: undefined, settled };
    const { status } = outcome;
    if (lookUp === undefined || (status !== 'unknown' && status !== 'pending')) return outcome;
    for (const pause of SETTLE_PAUSES_MS) {
      if (pause > 0) await later(pause);
      if (signal?.aborted) return outcome;
      const look = () => limited(async () => lookUp(id));
      const found = await outcomeOf({ id, settled, isLater: true }, look, limited);
      if (found.status === 'unknown' || found.status === status) continue;
      outcome = found;
      break;
    }
    return ended(outcome);
  }

  return {
    settle,
    checkout<Result extends PaymentAnswer>(
      purchase: Identified,
      pay: Pay<Result>,
      callOptions: CallOptions,
    ) {
      const { id } = purchase;
      let outcome = inFlight.get(id);
      if (outcome === undefined) {
        outcome = run(purchase, pay, callOptions).then((result) => {
          inFlight.delete(id);
          return ended(result);
        });
        inFlight.set(id, outcome);
      }
      return outcome as Promise<CheckoutOutcome<Result>>;
    },
  };
}
