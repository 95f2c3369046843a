export type { GooglePlayCharge, PurchaseIdOf } from './charges.ts';
export type { GooglePlayClient } from './client.ts';
export { type GooglePlayError, isGooglePlayError } from './errors.ts';
export type { Unheld } from './finish.ts';
export {
  type GooglePlayConfirmation,
  type GooglePlayPurchase,
  type GooglePlayReservation,
  type GuardedGooglePlay,
  type GuardGooglePlayOptions,
  guardGooglePlay,
} from './guard.ts';
export type { GooglePlayOptions } from './options.ts';
export { googlePlayProcessor } from './processor.ts';
export type { GooglePlayPush } from './push.ts';
export type { GooglePlayReview, GooglePlayReviewAnswer, ReviewRefund } from './reviews.ts';
export type { OrderIds } from './sweep.ts';
