export { type GuardStripeOptions, guardStripe } from './guard.ts';
export { type Reconciled, reconcileStripe } from './reconcile.ts';
export type {
  AllowedPayment,
  AllowedSession,
  CallOptions,
  GuardedPaymentIntents,
  GuardedRefunds,
  GuardedSessions,
  GuardedStripe,
  PurchaseContext,
  PurchaseOptions,
  StripeClient,
  StripeDeps,
} from './types.ts';
export { type StripeWebhookOptions, stripeWebhook, type WebhookProblem } from './webhook.ts';
