import type { DeviceStore } from './flow.ts';

/** The part of `CdvPurchase.store` (13.16 and later, StoreKit 2) that is used. */
export interface CordovaStore {
  applicationUsername?: unknown;
  obfuscator?: unknown;
  validator?: unknown;
  get(
    id: string,
  ): { getOffer(): { order(data: object): Promise<unknown> } | undefined } | undefined;
  when(): CordovaEvents;
  off(listener: unknown): void;
}

/** The events that are used. */
export interface CordovaEvents {
  approved(listener: (transaction: { verify(): unknown }) => void): CordovaEvents;
  verified(listener: (receipt: { finish(): unknown }) => void): CordovaEvents;
  pending(listener: (transaction: CordovaTransaction) => void): CordovaEvents;
  initiated(listener: (transaction: CordovaTransaction) => void): CordovaEvents;
}

/** The part of a transaction that is used. */
export interface CordovaTransaction {
  readonly products: readonly { readonly id: string }[];
  readonly isPending?: boolean;
}

interface ValidatorBody {
  readonly id?: string;
  readonly transaction?: {
    readonly id?: string;
    readonly jwsRepresentation?: string;
    readonly purchaseToken?: string;
  };
}

/** `CdvPurchase.ErrorCode.PAYMENT_CANCELLED`. */
const CANCELED = 6_777_006;

/**
 * `cordova-plugin-purchase`, for Cordova and Capacitor. It replaces the store's validator. Call it
 * before `store.initialize`: the plugin approves unfinished transactions again at each start.
 */
export function cordovaStore(store: CordovaStore): DeviceStore {
  let cancel = (_product: string | null, _how: 'failed' | 'unknown') => {};
  return {
    watch({ confirm, ended }) {
      cancel = ended;
      store.validator = async (body: ValidatorBody, answer: (payload: object) => void) => {
        const { jwsRepresentation, purchaseToken = '', id } = body.transaction ?? {};
        // Of Apple the body names the app, and the transaction the product.
        const product = (jwsRepresentation === undefined ? body.id : id) ?? '';
        const isCounted = await confirm({ product, token: jwsRepresentation ?? purchaseToken });
        const data = { id: body.id, latest_receipt: true, transaction: body.transaction };
        answer(isCounted ? { ok: true, data } : { ok: false, message: 'not confirmed' });
      };
      const approved = (transaction: { verify(): unknown }) => void transaction.verify();
      const verified = (receipt: { finish(): unknown }) => void receipt.finish();
      const waits = ({ products }: CordovaTransaction) => ended(products[0]?.id ?? null, 'pending');
      // Google Play has no event of its own for a pending purchase.
      const initiated = (each: CordovaTransaction) => (each.isPending ? waits(each) : undefined);
      store.when().approved(approved).verified(verified).pending(waits).initiated(initiated);
      return () => [approved, verified, waits, initiated].forEach((each) => void store.off(each));
    },
    async buy(product, { appAccountToken, obfuscatedAccountId, obfuscatedProfileId }) {
      store.applicationUsername = () => appAccountToken;
      // The default would hash the token.
      store.obfuscator = 'disabled';
      const googlePlay = { accountId: obfuscatedAccountId, profileId: obfuscatedProfileId };
      const offer = store.get(product)?.getOffer();
      if (offer === undefined) return cancel(product, 'failed');
      const error = (await offer.order({ googlePlay })) as { readonly code?: number } | undefined;
      if (error) cancel(product, error.code === CANCELED ? 'failed' : 'unknown');
    },
  };
}
