export { SpendcapProvider, type SpendcapProviderProps, useSpendcap } from './context.ts';
export {
  type AffordableState,
  type PurchaseHook,
  useAffordable,
  useAllowance,
  usePreview,
  usePurchase,
} from './hooks.ts';
export {
  AllowanceMeter,
  type AllowanceMeterProps,
  type MeterParts,
  PurchaseGate,
  type PurchaseGateParts,
  type PurchaseGateProps,
  RefusalDialog,
  type RefusalDialogProps,
} from './parts.ts';
