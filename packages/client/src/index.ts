export {
  type CheckedPurchase,
  type CheckoutRequest,
  type Client,
  type ClientOptions,
  createClient,
  type DecisionRequest,
  type Paid,
} from './client.ts';
export { SpendcapClientError, type SpendcapClientErrorOptions } from './errors.ts';
export { explain, formatAmount } from './explain.ts';
export { type Language, MESSAGES } from './messages.ts';
export type { ProofSigner } from './proof.ts';
export type { Fetch, FetchInit, FetchResponse } from './transport.ts';
