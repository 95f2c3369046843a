export type { AppleEnvironment, AppleOptions, ConsentRescinded } from './app.ts';
export type { AppleCharge } from './charges.ts';
export type { ConsumptionAnswer, ConsumptionQuery, ConsumptionRule } from './consumption-rule.ts';
export {
  type AppleReservation,
  type ConfirmedApple,
  type GuardAppleOptions,
  type GuardedApple,
  guardApple,
} from './guard.ts';
export { type AppleProcessor, appleProcessor } from './processor.ts';
export type {
  AppleApi,
  AppleConsumption,
  AppleNotification,
  AppleNotificationPage,
  AppleTransaction,
  AppleTransactionPage,
  AppleVerifier,
} from './types.ts';
