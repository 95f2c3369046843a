export {
  type JsonObject,
  type WechatPayCall,
  type WechatPayClient,
  wechatPayClient,
} from './client.ts';
export { isWechatPayError, type WechatPayError } from './errors.ts';
export { type GuardWechatPayOptions, guardWechatPay } from './guard.ts';
export type { WechatPayClientOptions } from './merchant.ts';
export type { WechatPayAmount } from './money.ts';
export type { AppParameters, JsapiParameters } from './payer.ts';
export { type WechatPayProcessorOptions, wechatPayProcessor } from './processor.ts';
export type { SignedMessage } from './signature.ts';
export type {
  AppPayment,
  GuardedWechatPay,
  GuardedWechatPayRefunds,
  H5Order,
  H5Payment,
  JsapiOrder,
  JsapiPayment,
  NativePayment,
  WechatPayOrder,
  WechatPayPurchaseOptions,
  WechatPayRefund,
} from './types.ts';
export type { VirtualPlayer, WechatVirtualOptions } from './virtual/game.ts';
export {
  type AllowedVirtualPayment,
  type GuardedWechatVirtual,
  guardWechatVirtual,
  type VirtualGoods,
  type VirtualPayment,
  type VirtualPurchaseOptions,
} from './virtual/guard.ts';
export { wechatVirtualProcessor } from './virtual/processor.ts';
