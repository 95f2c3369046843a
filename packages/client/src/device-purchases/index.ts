export {
  type CordovaEvents,
  type CordovaStore,
  type CordovaTransaction,
  cordovaStore,
} from './cordova.ts';
export {
  type DeviceEvents,
  type DevicePurchases,
  type DevicePurchasesOptions,
  type DeviceStore,
  type DeviceTransaction,
  devicePurchases,
  type SheetEnd,
  type SheetTokens,
} from './flow.ts';
export {
  type OpenIap,
  type OpenIapOptions,
  type OpenIapPurchase,
  openIapStore,
} from './open-iap.ts';
