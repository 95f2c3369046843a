export { type GuardStripeOptions, guardStripe } from './stripe/guard.ts';
export { type Reconciled, reconcileStripe } from './stripe/reconcile.ts';
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
  StripeDeps,
} from './stripe/types.ts';
export { type StripeWebhookOptions, stripeWebhook, type WebhookProblem } from './stripe/webhook.ts';
