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

/** How a sheet ended without a transaction: a parent has to approve, no purchase, or who knows. */
export type SheetEnd = 'pending' | 'failed' | 'unknown';

/** What an adapter reports. */
export interface DeviceEvents {
  /**
   * True if the back end has counted it, so that the adapter may finish it.
   *
   * @param token the one of `SheetTokens` that the store's transaction has, if it says: it may be
   *   of an earlier start, or of another device
   */
  confirm(transaction: DeviceTransaction, token?: string | null): Promise<boolean>;
  /** No transaction will come of the sheet of a product; `null`: of the one opened last. */
  ended(product: string | null, how: SheetEnd, token?: string | null): void;
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
  /** Ends it: purchases under way are unknown, and their transactions wait for the next start. */
  stop(): void;
}

/** A sheet that is open. */
interface Sheet {
  readonly tokens: SheetTokens;
  settle(answer: PaymentAnswer): void;
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
  let isStopped = false;
  /** By product, since some stores say nothing else of them; `null` until the sheet opens. */
  const sheets = new Map<string, Sheet | null>();
  const report = (product: string, answer: PaymentAnswer, token?: string | null) => {
    const sheet = sheets.get(product);
    if (!sheet || !isOf(sheet, token)) return;
    sheets.delete(product);
    sheet.settle(answer);
  };

  const stop = store.watch({
    async confirm(transaction, token) {
      const { product } = transaction;
      let answer: PaymentAnswer | undefined;
      const look = async () => {
        answer = await confirm(transaction);
        return answer;
      };
      const settled = () => Promise.reject(new Error('not of a checkout'));
      const { status } = await outcomeOf({ id: product, settled, isLater: false }, look, (work) =>
        work(),
      );
      // The store may have charged, also if the back end has rejected the request.
      const isRejected = status === 'failed' && isResponse(answer);
      report(product, (!isRejected && answer) || { payment: 'unknown' }, token);
      return status === 'paid';
    },
    ended: (product, payment, token) => report(product ?? lastOf(sheets), { payment }, token),
  });

  return {
    stop() {
      isStopped = true;
      stop();
      for (const product of [...sheets.keys()]) report(product, { payment: 'unknown' });
    },
    pay: (product) => async (purchase) => {
      // No sheet opens for this one: the store could not say which of two was paid.
      if (isStopped || sheets.has(product)) return { payment: 'failed' };
      sheets.set(product, null);
      const begun = await bodyOf(() => begin(purchase, product));
      sheets.delete(product);
      if (isRefused(begun)) return begun;
      if (isStopped || !hasToken(begun)) return { payment: 'failed', begun };
      return new Promise((settle) => {
        sheets.set(product, { tokens: begun, settle });
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

/** The product whose sheet was opened last. */
function lastOf(sheets: ReadonlyMap<string, Sheet | null>): string {
  let last = '';
  for (const [product, sheet] of sheets) if (sheet !== null) last = product;
  return last;
}

/** Whether a transaction with a token is of a sheet: of any, if the store does not say. */
function isOf({ tokens }: Sheet, token: string | null | undefined): boolean {
  if (!isText(token)) return true;
  const { appAccountToken, obfuscatedProfileId } = tokens;
  // StoreKit writes a UUID in upper case.
  const wanted = token.toLowerCase();
  return [appAccountToken, obfuscatedProfileId].some((each) => each?.toLowerCase() === wanted);
}

function hasToken(begun: unknown): begun is SheetTokens {
  if (!isObject(begun)) return false;
  const { appAccountToken, obfuscatedAccountId, obfuscatedProfileId } = begun;
  return [appAccountToken, obfuscatedAccountId, obfuscatedProfileId].some(isText);
}
