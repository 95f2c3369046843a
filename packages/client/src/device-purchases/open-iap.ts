import type { DeviceEvents, DeviceStore } from './flow.ts';

/** The part of a purchase of OpenIAP that is used. */
export interface OpenIapPurchase {
  readonly productId: string;
  readonly purchaseState: string;
  /** The JWS on iOS, the purchase token on Android. */
  readonly purchaseToken?: string | null;
  /** Of iOS. */
  readonly appAccountToken?: string | null;
  readonly obfuscatedProfileIdAndroid?: string | null;
}

/** The part of `react-native-iap` and of `expo-iap` that is used: hand in the module. */
export interface OpenIap<Purchase extends OpenIapPurchase> {
  requestPurchase(options: object): Promise<unknown>;
  finishTransaction(options: { purchase: Purchase; isConsumable: boolean }): Promise<unknown>;
  purchaseUpdatedListener(listener: (purchase: Purchase) => void): { remove(): void };
  purchaseErrorListener(
    listener: (error: { readonly code?: string; readonly productId?: string | null }) => void,
  ): { remove(): void };
  getAvailablePurchases(): Promise<readonly Purchase[]>;
}

/** Ask to Buy is an error on iOS; everything but the player's own refusal may still be charged. */
const ENDS: Readonly<Record<string, 'pending' | 'failed'>> = {
  'deferred-payment': 'pending',
  'user-cancelled': 'failed',
};

/**
 * `react-native-iap` or `expo-iap`. On iOS unfinished transactions are replayed to a listener; on
 * Android they are looked up.
 */
export function openIapStore<Purchase extends OpenIapPurchase>(
  iap: OpenIap<Purchase>,
  { os, isConsumable = () => true }: OpenIapOptions,
): DeviceStore {
  async function handle(purchase: Purchase, { confirm, ended }: DeviceEvents): Promise<void> {
    const { productId: product, purchaseState, purchaseToken: token } = purchase;
    const opened = purchase.appAccountToken || purchase.obfuscatedProfileIdAndroid || null;
    if (purchaseState === 'pending') return ended(product, 'pending', opened);
    if (purchaseState !== 'purchased' || !token) return ended(product, 'unknown', opened);
    if (!(await confirm({ product, token }, opened))) return;
    await iap.finishTransaction({ purchase, isConsumable: isConsumable(product) });
  }

  return {
    watch(events) {
      // A transaction that is not finished comes back at the next start.
      const seen = (purchase: Purchase) => void handle(purchase, events).catch(() => undefined);
      const listening = [
        iap.purchaseUpdatedListener(seen),
        iap.purchaseErrorListener(({ code = '', productId }) =>
          events.ended(productId || null, ENDS[code] ?? 'unknown'),
        ),
      ];
      if (os === 'android') {
        const found = (list: readonly Purchase[]) => list.forEach(seen);
        iap.getAvailablePurchases().then(found, () => undefined);
      }
      return () => listening.forEach((each) => void each.remove());
    },
    buy(sku, { appAccountToken, obfuscatedAccountId, obfuscatedProfileId }) {
      const google = { skus: [sku], obfuscatedAccountId, obfuscatedProfileId };
      return iap.requestPurchase({
        request: { apple: { sku, appAccountToken }, google },
        type: 'in-app',
      });
    },
  };
}

/** Options of `openIapStore`. */
export interface OpenIapOptions {
  /** `Platform.OS`. */
  readonly os: string;
  /** Whether a product is consumed when it is finished. Default: all are. */
  readonly isConsumable?: (product: string) => boolean;
}
