export {
  type AllowanceRequest,
  type CheckedPurchase,
  type CheckoutRequest,
  type Client,
  type ClientOptions,
  createClient,
  type DecisionRequest,
  type Pay,
  type ProofRequest,
  type Signer,
} from './client.ts';
export type { CallOptions, CallSignal } from './deadline.ts';
export { SpendcapClientError, type SpendcapClientErrorOptions } from './errors.ts';
export { type ExplainedRefusal, explain, explainRefusal } from './explain.ts';
export { formatAmount } from './format.ts';
export type { MessageKey, Messages } from './messages/index.ts';
export type { CheckoutOutcome, Failed, Paid, RefusedCheckout } from './outcome.ts';
export type { Fetch, FetchInit, FetchResponse } from './transport.ts';
