export { type ApplyChargeOptions, applyDeviceCharge } from './apply-charge.ts';
export { type Applied, applySnapshot } from './apply-snapshot.ts';
export {
  beginDevicePurchase,
  type DevicePurchase,
  type DeviceReservation,
} from './begin-device.ts';
export { type Capture, captureCharge } from './capture.ts';
export type { AnyDeps, DeviceDeps, DevicePayer, PaymentDeps } from './deps.ts';
export { type Callable, type FenceOptions, fence, hasMethod } from './fence.ts';
export { idempotencyKey } from './idempotency.ts';
export type { PaymentProblem, Rejected } from './problems.ts';
export { PURCHASE_CONTEXT, type PurchaseContext, purchaseContextOf } from './purchase-context.ts';
export {
  type ReconcileCounts,
  type ReconcileOptions,
  reconcile,
} from './reconcile.ts';
export type { Reconciled, ReconcileOutcome } from './reconciled.ts';
export { type Charge, type Started, startCharge } from './start.ts';
export { type ProcessorWebhookOptions, processorWebhook } from './webhook.ts';
