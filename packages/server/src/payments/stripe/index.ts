export { type GuardStripeOptions, guardStripe } from './guard.ts';
export { type StripeProcessorOptions, stripeProcessor } from './processor.ts';
export type {
  AllowedPayment,
  AllowedSession,
  CallOptions,
  GuardedPaymentIntents,
  GuardedRefunds,
  GuardedSessions,
  GuardedStripe,
  PurchaseOptions,
  SessionPurchase,
  StripeClient,
  StripeDeps,
} from './types.ts';
