import { alipayProvider } from './alipay.ts';
import type { PaymentDeps, Provider } from './method.ts';
import { stripeProvider } from './stripe.ts';
import { wechatPayProvider } from './wechat-pay.ts';

/** Every processor of the shop. Another one is an entry of this list. */
export async function openProviders(deps: PaymentDeps): Promise<readonly Provider[]> {
  return [stripeProvider(deps), wechatPayProvider(deps), await alipayProvider(deps)];
}
