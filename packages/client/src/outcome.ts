import type { Refused } from '@spendcap/core/wire';
import type { CallOptions } from './deadline.ts';
import { type FetchResponse, isListOfObjects, isObject, isResponse } from './transport.ts';

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

/** The payment waits for someone: a parent, a bank, a cash desk. Its hold stays open. */
export interface Pending<Result> {
  readonly status: 'pending';
  readonly id: string;
  readonly result: Result;
  /** `client.settle` of this purchase. */
  settled(options?: CallOptions): Promise<CheckoutOutcome<unknown>>;
}

/** Nothing was paid. */
export interface Failed<Result> {
  readonly status: 'failed';
  readonly id: string;
  /** What `pay` returned, the body of a response unread; `undefined` if it was not called. */
  readonly result: Result | undefined;
  /** Why it was not called: a `SpendcapClientError`. */
  readonly error?: unknown;
}

/** Whether money was taken cannot be said: neither pay under a new id nor promise anything. */
export interface Unknown<Result> {
  readonly status: 'unknown';
  readonly id: string;
  readonly result: Result | undefined;
  /** What `pay` threw, or a `TypeError` if it returned no `PaymentAnswer`. */
  readonly error?: unknown;
  /** `client.settle` of this purchase. */
  settled(options?: CallOptions): Promise<CheckoutOutcome<unknown>>;
}

/**
 * How a checkout ended, by what `pay` returned, a `PaymentAnswer`:
 *
 * | `pay` returned | status |
 * |---|---|
 * | a refusal, or a `Response` 403 with one | `refused` |
 * | a `Response` 202 | `pending` |
 * | a `Response` with another 2xx | `paid` |
 * | a `Response` 3xx, 408, 409 or 5xx, or it threw | `unknown` |
 * | a `Response` with any other 4xx | `failed` |
 * | `{ payment: 'paid' \| 'pending' \| 'failed' \| 'unknown' }` | that |
 * | anything else, or nothing | `unknown`: only an answer is proof of a payment |
 *
 * If an earlier attempt may have been paid, as for `lookUp` and after `unknown`, a `Response` 401,
 * 403 without a refusal or 429 is `unknown` as well: it is about the request, not the purchase.
 */
export type CheckoutOutcome<Result> =
  | Paid<Result>
  | RefusedCheckout
  | Pending<Result>
  | Failed<Result>
  | Unknown<Result>;

/** How to say what became of a payment without a `Response`. */
export interface PaymentReport {
  readonly payment: 'paid' | 'pending' | 'failed' | 'unknown';
  /** Who a pending payment waits for: the elements say it. */
  readonly waitsFor?: 'guardian';
}

/** How a payment ended: the response of the back end, its refusal, or a report. */
export type PaymentAnswer = FetchResponse | Refused | PaymentReport;

/** Runs a step within the client's time limit. */
type Limited = (work: () => Promise<unknown>) => Promise<unknown>;

export type Settled = Pending<unknown>['settled'];

interface Attempt {
  readonly id: string;
  readonly settled: Settled;
  /** An earlier attempt may have been paid. */
  readonly isLater: boolean;
}

/** The outcome of a call of `pay`, or of `lookUp`. */
export async function outcomeOf<Result>(
  { id, settled, isLater }: Attempt,
  call: () => Result | Promise<Result>,
  limited: Limited,
): Promise<CheckoutOutcome<Result>> {
  let result: Result;
  try {
    result = await call();
  } catch (error) {
    return { status: 'unknown', id, result: undefined, error, settled };
  }
  const body = isResponse(result) && result.status === 403 ? await bodyOf(result, limited) : result;
  if (isRefused(body)) return refused(id, body);
  const status = isResponse(result) ? statusOf(result, isLater) : reportedBy(result);
  if (status === undefined) {
    const error = new TypeError('Neither a response, nor a refusal, nor { payment }.');
    return { status: 'unknown', id, result, error, settled };
  }
  return status === 'pending' || status === 'unknown'
    ? { status, id, result, settled }
    : { status, id, result };
}

const REPORTS = ['paid', 'pending', 'failed', 'unknown'] as const;

function reportedBy(result: unknown): PaymentReport['payment'] | undefined {
  return REPORTS.find((each) => isObject(result) && each === result.payment);
}

function statusOf({ status }: FetchResponse, isLater: boolean): PaymentReport['payment'] {
  if (status === 202) return 'pending';
  if (status >= 200 && status < 300) return 'paid';
  // A conflict may be a first attempt under way, and a redirect may follow a payment.
  const open = isLater ? [401, 403, 408, 409, 429] : [408, 409];
  return status >= 400 && status < 500 && !open.includes(status) ? 'failed' : 'unknown';
}

export function refused(id: string, { reasons, allowance }: Refused): RefusedCheckout {
  return { status: 'refused', id, reasons, allowance };
}

/** The body, read from a clone if the platform has any, so that it stays readable. */
async function bodyOf(
  response: FetchResponse & { clone?(): FetchResponse },
  limited: Limited,
): Promise<unknown> {
  try {
    return await limited(async () => (response.clone?.() ?? response).json());
  } catch {
    return null;
  }
}

export function isRefused(value: unknown): value is Refused {
  return isObject(value) && value.allowed === false && isListOfObjects(value.reasons);
}
