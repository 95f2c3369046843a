import { isText } from '../fields.ts';
import { checkNames } from '../option-names.ts';
import { isRefused, outcomeOf, type PaymentAnswer } from '../outcome.ts';
import { isObject, isResponse } from '../transport.ts';
import type { CheckedPurchase, Pay } from '../types.ts';

/** What `begin` of a guard returns for the native sheet: `guardApple` or `guardGooglePlay`. */
export interface SheetTokens {
  readonly appAccountToken?: string | null;
  readonly obfuscatedAccountId?: string | null;
  readonly obfuscatedProfileId?: string | null;
}

/** What the back end confirms. */
export interface DeviceTransaction {
  readonly product: string;
  /** The signed transaction of Apple (a JWS), or the purchase token of Google Play. */
  readonly token: string;
}

/** What an adapter reports. */
export interface DeviceEvents {
  /** True if the back end has counted it, so that the adapter may finish it. */
  confirm(transaction: DeviceTransaction): Promise<boolean>;
  /** No transaction will come of this sheet. */
  ended(product: string, how: 'pending' | 'failed' | 'unknown'): void;
}

/** A native store: `openIapStore`, `cordovaStore`, or your own bridge. */
export interface DeviceStore {
  /** Reports transactions, those of an earlier start too. Returns how to stop. */
  watch(events: DeviceEvents): () => void;
  /** Opens the sheet. What becomes of it is reported. */
  buy(product: string, tokens: SheetTokens): Promise<unknown>;
}

/** Options of `devicePurchases`. */
export interface DevicePurchasesOptions {
  readonly store: DeviceStore;
  /**
   * Your back end's call of `begin`: its refusal or the tokens of the sheet, or the response that
   * has them. Without a token no sheet opens, and the purchase has failed.
   */
  readonly begin: (purchase: CheckedPurchase, product: string) => Promise<unknown>;
  /** Your back end's call of `confirm`. It answers as `pay` of `checkout` does. */
  readonly confirm: (transaction: DeviceTransaction) => ReturnType<Pay>;
}

/** Purchases through a device's store. */
export interface DevicePurchases {
  /** The `pay` of `client.checkout` for a product of the store. */
  pay(product: string): Pay;
  /** Ends it; transactions wait for the next start. */
  stop(): void;
}

/**
 * Holds before the native sheet opens, and confirms what comes of it: now, after a parent has
 * approved, or at the next start if the app was killed. A transaction is finished only once the
 * back end has counted it. Make it once, when the app starts.
 *
 * @throws TypeError for an unknown or a missing option
 */
export function devicePurchases(options: DevicePurchasesOptions): DevicePurchases {
  const refuse = (fault: string) => new TypeError(`devicePurchases ${fault}`);
  checkNames(options, ['store', 'begin', 'confirm'], refuse);
  const { store, begin, confirm } = options;
  if (!store || !begin || !confirm) throw refuse('needs `store`, `begin` and `confirm`');
  /** Open sheets, by product: a store says nothing else of them. */
  const open = new Map<string, (answer: PaymentAnswer) => void>();
  const report = (product: string, answer: PaymentAnswer) => {
    open.get(product)?.(answer);
    open.delete(product);
  };

  const stop = store.watch({
    async confirm(transaction) {
      const { product } = transaction;
      let answer: PaymentAnswer | undefined;
      const look = async () => {
        answer = await confirm(transaction);
        return answer;
      };
      const settled = () => Promise.reject(new Error('not of a checkout'));
      const { status } = await outcomeOf({ id: product, settled }, look, (work) => work());
      report(product, answer ?? { payment: 'unknown' });
      return status === 'paid';
    },
    ended: (product, payment) => report(product, { payment }),
  });

  return {
    stop,
    pay: (product) => async (purchase) => {
      if (open.has(product)) return { payment: 'unknown' };
      // Before it waits: the store could not say which of two sheets a transaction came from.
      open.set(product, () => {});
      const begun = await bodyOf(() => begin(purchase, product));
      if (isRefused(begun) || !hasToken(begun)) {
        open.delete(product);
        return isRefused(begun) ? begun : { payment: 'failed', begun };
      }
      return new Promise((resolve) => {
        open.set(product, resolve);
        const buy = async () => store.buy(product, begun);
        buy().catch(() => report(product, { payment: 'unknown' }));
      });
    },
  };
}

/** What `begin` has answered, or its error: before a sheet opens nothing can be charged. */
async function bodyOf(begin: () => Promise<unknown>): Promise<unknown> {
  try {
    const begun = await begin();
    return isResponse(begun) ? await begun.json() : begun;
  } catch (error) {
    return error;
  }
}

function hasToken(begun: unknown): begun is SheetTokens {
  if (!isObject(begun)) return false;
  const { appAccountToken, obfuscatedAccountId, obfuscatedProfileId } = begun;
  return [appAccountToken, obfuscatedAccountId, obfuscatedProfileId].some(isText);
}
