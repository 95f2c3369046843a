import type { PaymentDeps } from '../payments/method.ts';
import { appStore } from './app-store.ts';
import { googlePlay } from './google-play.ts';
import type { PhoneStore } from './store.ts';

/** Every store of the phone view. */
export function openStores(deps: PaymentDeps): readonly PhoneStore[] {
  return [appStore(deps), googlePlay(deps)];
}
