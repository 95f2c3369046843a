export { createClient } from './client.ts';
export type { CallOptions, CallSignal } from './deadline.ts';
export { SpendcapClientError, type SpendcapClientErrorOptions } from './errors.ts';
export type {
  CheckoutOutcome,
  Failed,
  Paid,
  PaymentAnswer,
  PaymentReport,
  Pending,
  RefusedCheckout,
  Unknown,
} from './outcome.ts';
export type { AllowanceState, PurchaseState, Snapshot } from './state.ts';
export type { Fetch, FetchInit, FetchResponse } from './transport.ts';
export type {
  AllowanceRequest,
  CheckedPurchase,
  CheckoutRequest,
  Client,
  ClientOptions,
  DecisionRequest,
  Pay,
  Product,
  ProofRequest,
  Signer,
} from './types.ts';
