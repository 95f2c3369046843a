export { AlipayAnswerError } from './answers.ts';
export type { AlipayClient } from './client.ts';
export { type GuardAlipayOptions, guardAlipay } from './guard.ts';
export type { AlipaySigned, AlipayStart } from './methods.ts';
export { type AlipayProcessorOptions, alipayProcessor } from './processor.ts';
export type {
  AlipayDeps,
  AlipayParams,
  AlipayPurchaseOptions,
  AlipayReadParams,
  AllowedOrder,
  AllowedPage,
  AllowedRestTrade,
  AllowedTrade,
  GuardedAlipay,
} from './types.ts';
