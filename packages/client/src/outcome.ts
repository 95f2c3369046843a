import type { Refused } from '@spendcap/core/wire';
import { type FetchResponse, isObject, isResponse } from './transport.ts';

/** The purchase was paid; `result` is what `pay` returned. */
export interface Paid<Result> {
  readonly status: 'paid';
  readonly id: string;
  readonly result: Result;
}

/** The purchase was refused, and nothing was paid. Explain it with `explainRefusal`. */
export interface RefusedCheckout extends Pick<Refused, 'reasons' | 'allowance'> {
  readonly status: 'refused';
  readonly id: string;
}

/**
 * `pay` returned a response with another status than 2xx, whose body is unread. After a 5xx the
 * player may have paid: retry under the same `id`, or look the purchase up.
 */
export interface Failed<Result> {
  readonly status: 'failed';
  readonly id: string;
  readonly response: Result & FetchResponse;
}

/** How a checkout ended. */
export type CheckoutOutcome<Result> = Paid<Result> | RefusedCheckout | Failed<Result>;

/** The outcome of a call of `pay`. */
export async function outcomeOf<Result>(
  id: string,
  result: Result,
): Promise<CheckoutOutcome<Result>> {
  if (isRefused(result)) return refused(id, result);
  if (!isResponse(result) || (result.status >= 200 && result.status < 300)) {
    return { status: 'paid', id, result };
  }
  const body = result.status === 403 && (await bodyOf(result));
  return isRefused(body) ? refused(id, body) : { status: 'failed', id, response: result };
}

export function refused(id: string, { reasons, allowance }: Refused): RefusedCheckout {
  return { status: 'refused', id, reasons, allowance };
}

/** The body, read from a clone if the platform has any, so that it stays readable. */
async function bodyOf(response: FetchResponse & { clone?(): FetchResponse }): Promise<unknown> {
  try {
    return await (response.clone?.() ?? response).json();
  } catch {
    return null;
  }
}

export function isRefused(value: unknown): value is Refused {
  return isObject(value) && value.allowed === false && Array.isArray(value.reasons);
}
