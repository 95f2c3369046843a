import type { AppliedCharge, Refused, Reservation } from '@spendcap/core';
import { assertOptions } from '@spendcap/core';
import type { Player } from '../../limiter/types.ts';
import { applyDeviceCharge } from '../apply-charge.ts';
import { beginDevicePurchase, type DevicePurchase } from '../begin-device.ts';
import { ANY_DEPS, checkDeviceDeps, type DeviceDeps } from '../deps.ts';
import { callError } from '../outcome.ts';
import type { AppleProcessor } from './processor.ts';
import type { AppleTransaction } from './types.ts';

/** Options of `guardApple`, which `processorWebhook` and `reconcile` take too. */
export interface GuardAppleOptions extends DeviceDeps {
  /** `appleProcessor(...)`. */
  readonly processor: AppleProcessor;
}

/** An allowed purchase, and what the app opens its sheet with. */
export interface AppleReservation extends Reservation {
  /** For `Product.purchase(options: [.appAccountToken(...)])`: the purchase id. */
  readonly appAccountToken: string;
}

/** A confirmed transaction, and what became of it. */
export interface ConfirmedApple extends AppliedCharge {
  readonly transaction: AppleTransaction;
}

/** The App Store behind the limiter, see `guardApple`. */
export interface GuardedApple {
  /**
   * Reserves, before the app opens the sheet. A refused purchase must open none.
   *
   * @throws TypeError for an id that is no UUID in lower case
   * @throws SpendcapError `purchase_ended`, and what the limiter's `reserve` throws
   */
  begin(purchase: DevicePurchase): Promise<AppleReservation | Refused>;
  /**
   * Counts a transaction that a device got, after its sheet or at a later launch. Deliver if it was
   * held, or as you see fit; then let the app finish it.
   *
   * @param player who is logged in there
   * @throws SpendcapError `transaction_invalid` with `why`; `outcome_unknown` if Apple cannot be
   *   queried about a refund, or about who began a subscription; and what the ledger throws
   */
  confirm(signedTransaction: string, player?: Player): Promise<ConfirmedApple>;
}

/**
 * In-app purchases of the App Store. The hold comes before the sheet and its id travels inside the
 * transaction; nothing can stop the charge once the sheet is open, so that whatever was charged is
 * counted, past the caps if need be.
 *
 * @example
 * ```ts
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { guardApple } from '@spendcap/server/payments/apple';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * import type { AppleProcessor } from '@spendcap/server/payments/apple';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const guarded = (processor: AppleProcessor) => guardApple({ processor, limiter });
 * ```
 * @throws TypeError for an invalid option
 */
export function guardApple(deps: GuardAppleOptions): GuardedApple {
  assertOptions('guardApple', deps, ANY_DEPS);
  checkDeviceDeps(deps);
  const { processor } = deps;
  if (typeof processor.readTransaction !== 'function') {
    throw new TypeError('processor must be an appleProcessor(...)');
  }
  return {
    async begin(purchase) {
      const begun = await beginDevicePurchase(deps, purchase);
      if (!begun.allowed) return begun;
      const { reference: appAccountToken, ...reservation } = begun;
      return { ...reservation, appAccountToken };
    },
    async confirm(signedTransaction, player) {
      const charges = await read(processor, signedTransaction);
      const by = player === undefined ? {} : { player };
      const [first, ...rest] = charges;
      let applied = await applyDeviceCharge(deps, first, by);
      for (const charge of rest) applied = await applyDeviceCharge(deps, charge, by);
      return { ...applied, transaction: first.transaction };
    },
  };
}

async function read(processor: AppleProcessor, signedTransaction: string) {
  try {
    return await processor.readTransaction(signedTransaction);
  } catch (error) {
    throw callError(processor, error);
  }
}
