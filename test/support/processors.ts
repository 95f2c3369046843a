import { alipay } from './processors/alipay.ts';
import { apple } from './processors/apple.ts';
import type { ProcessorEntry } from './processors/entry.ts';
import { googlePlay } from './processors/google-play.ts';
import { stripe } from './processors/stripe.ts';
import { wechatPay } from './processors/wechat-pay.ts';
import { wechatVirtual } from './processors/wechat-pay-virtual.ts';

/** Every payment processor. What is added here takes part in all their common tests. */
export const PROCESSORS: readonly [ProcessorEntry, ...ProcessorEntry[]] = [
  stripe,
  wechatPay,
  alipay,
  wechatVirtual,
];

/** The same of stores on the device, in what charges them: no call starts one that could fail. */
export const DEVICE_STORES: readonly ProcessorEntry[] = [apple, googlePlay];

/** Both. */
export const ALL_PROCESSORS: readonly [ProcessorEntry, ...ProcessorEntry[]] = [
  ...PROCESSORS,
  ...DEVICE_STORES,
];
