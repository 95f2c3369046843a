import {
  type AppliedCharge,
  assertOptions,
  checkFields,
  type OptionNames,
  type Purchase,
  type Refused,
  SpendcapError,
} from '@spendcap/core';
import type { Player } from '../../limiter/types.ts';
import { applyDeviceCharge } from '../apply-charge.ts';
import {
  beginDevicePurchase,
  type DevicePurchase,
  type DeviceReservation,
} from '../begin-device.ts';
import { checkDeviceDeps, type DeviceDeps } from '../deps.ts';
import { callError } from '../outcome.ts';
import { type AccountTokens, accountTokens } from './accounts.ts';
import { chargeOfProduct, chargesOfSubscription } from './charges.ts';
import type { PlayApi } from './client.ts';
import { GOOGLE_PLAY, type GooglePlayOptions, playAppOf } from './options.ts';
import { processorOf } from './processor.ts';

/** Options of `guardGooglePlay`: the app, the limiter, and what only the guard needs. */
export interface GuardGooglePlayOptions extends GooglePlayOptions, Omit<DeviceDeps, 'processor'> {
  /**
   * Secret of 16 bytes or more. With it, `obfuscatedAccountId` names the player, encrypted, so that
   * a purchase without a hold is counted for its player. Never change it.
   */
  readonly accountKey?: Uint8Array | string;
}

/** A purchase whose sheet is about to be opened. Its id has at most 64 characters. */
export interface GooglePlayPurchase extends DevicePurchase {
  /**
   * The app's own obfuscated id of the account, for `playerOf`: at most 64 characters, no personal
   * data. Default: a token by `accountKey`.
   */
  readonly account?: string;
}

/** A held purchase, and what `BillingFlowParams` takes. */
export interface GooglePlayReservation extends Omit<DeviceReservation, 'reference'> {
  /** `null` if there is none: without `accountKey` and `account`. */
  readonly obfuscatedAccountId: string | null;
  /** The purchase id. */
  readonly obfuscatedProfileId: string;
}

/** A purchase that the device reports. */
export interface GooglePlayConfirmation extends Player {
  readonly productId: string;
  readonly purchaseToken: string;
  /** As in `ProductType`. Default `inapp`. */
  readonly type?: 'inapp' | 'subs';
}

/** Google Play behind a limiter, see `guardGooglePlay`. */
export interface GuardedGooglePlay {
  /** Reserves before the sheet opens; a refusal is a value. */
  begin(purchase: GooglePlayPurchase): Promise<Refused | GooglePlayReservation>;
  /**
   * Reads a purchase, counts it, and acknowledges or consumes it if it was held. Deliver only if
   * `wasHeld`. It may be repeated. A player who is named must be the one of the hold.
   */
  confirm(confirmation: GooglePlayConfirmation): Promise<AppliedCharge>;
  /**
   * The device reports that its sheet was closed without a purchase: gives the allowance back. What
   * is charged nevertheless is late, and not acknowledged.
   */
  abandon(purchaseId: string, player?: Player): Promise<Purchase>;
  /** For `processorWebhook` and `reconcile`. */
  readonly engine: DeviceDeps;
}

const OPTIONS: OptionNames<GuardGooglePlayOptions> = {
  ...GOOGLE_PLAY,
  limiter: true,
  onProblem: true,
  playerOf: true,
  accountKey: true,
};

const CONFIRMATION: OptionNames<GooglePlayConfirmation> = {
  productId: true,
  purchaseToken: true,
  type: true,
  ageToken: true,
  proof: true,
  evidence: true,
};

const ACCOUNT = /^[\w.:-]{1,64}$/;
const TOKEN = /^[\x21-\x7e]{1,1024}$/;

/**
 * Purchases of one app on Google Play. The hold comes before the sheet, its id travels inside the
 * purchase, and only what was held is acknowledged: Google gives everything else back after three
 * days. What was bought past a hold still counts.
 *
 * @example
 * ```ts
 * import { androidpublisher, auth } from '@googleapis/androidpublisher';
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { guardGooglePlay } from '@spendcap/server/payments/google-play';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const play = androidpublisher({ version: 'v3', auth: new auth.GoogleAuth() });
 * const google = guardGooglePlay({
 *   ...{ play, packageName: 'com.example.game', limiter, accountKey: 'example-secret-of-the-app' },
 * });
 * const answer = await google.begin({ id: 'order-1', amount: '5.00', currency: 'CNY' });
 * answer.allowed; // => false
 * ```
 * @throws TypeError for an invalid option
 */
export function guardGooglePlay(options: GuardGooglePlayOptions): GuardedGooglePlay {
  assertOptions('guardGooglePlay', options, OPTIONS);
  const { limiter, onProblem, playerOf, accountKey, ...own } = options;
  const app = playAppOf('guardGooglePlay', own);
  const accounts = accountKey === undefined ? null : accountTokens(accountKey);
  const engine: DeviceDeps = {
    ...{ processor: processorOf(app), limiter, now: app.now },
    ...(onProblem === undefined ? {} : { onProblem }),
    async playerOf(charge) {
      const payer = await playerOf?.(charge);
      if (payer != null || charge.account === null) return payer ?? null;
      const evidence = accounts?.playerOf(charge.account) ?? null;
      return evidence === null ? null : { evidence };
    },
  };
  checkDeviceDeps({ ...engine, ...(playerOf === undefined ? {} : { playerOf }) });
  return {
    begin: (purchase) => begin(engine, accounts, purchase),
    confirm: (given) => confirm(engine, app.api, given),
    abandon: (purchaseId, player) => abandon(engine, purchaseId, player),
    engine,
  };
}

async function begin(
  engine: DeviceDeps,
  accounts: AccountTokens | null,
  { account, ...purchase }: GooglePlayPurchase,
): Promise<Refused | GooglePlayReservation> {
  if (account !== undefined && !(typeof account === 'string' && ACCOUNT.test(account))) {
    throw new TypeError('account: 1 to 64 letters, digits or . _ : -');
  }
  const { ageToken, proof, evidence: given, ...rest } = purchase;
  const player = { ...(ageToken === undefined ? {} : { ageToken }), ...(proof && { proof }) };
  const isVerified = given !== undefined || accounts === null;
  const evidence = isVerified ? given : await engine.limiter.verifyAge(player);
  const reservation = await beginDevicePurchase(
    engine,
    evidence == null ? purchase : { ...rest, evidence },
  );
  if (!reservation.allowed) return reservation;
  const { reference: obfuscatedProfileId, ...allowed } = reservation;
  const token = evidence == null ? null : (accounts?.tokenOf(evidence.subject) ?? null);
  return { ...allowed, obfuscatedAccountId: account ?? token, obfuscatedProfileId };
}

async function confirm(
  engine: DeviceDeps,
  api: PlayApi,
  given: GooglePlayConfirmation,
): Promise<AppliedCharge> {
  const { productId, purchaseToken, type = 'inapp', ...player } = checkFields(given, CONFIRMATION);
  if (typeof productId !== 'string') throw new TypeError('productId: expected a text');
  if (type !== 'inapp' && type !== 'subs') throw new TypeError('type: expected inapp or subs');
  if (typeof purchaseToken !== 'string' || !TOKEN.test(purchaseToken)) throw unknownToken();
  const isNamed = Object.keys(player).length > 0;
  try {
    const charges =
      type === 'subs'
        ? await chargesOfSubscription(api, purchaseToken)
        : [await chargeOfProduct(api, purchaseToken)];
    const other = charges.find(({ product }) => product !== productId);
    if (other !== undefined) {
      const message = 'The purchase is of another product than the device says.';
      throw new SpendcapError('purchase_conflict', message);
    }
    let applied: AppliedCharge | undefined;
    for (const charge of charges) {
      applied = await applyDeviceCharge(engine, charge, isNamed ? { player } : {});
    }
    if (applied === undefined) throw unknownToken();
    return applied;
  } catch (error) {
    if (engine.processor.outcomeOf(error) === 'rejected') throw unknownToken();
    throw callError(engine.processor, error);
  }
}

/** Also of another app. Nothing has changed. */
function unknownToken(): SpendcapError {
  const message = 'Google Play knows no such purchase of this app.';
  return new SpendcapError('purchase_not_found', message);
}

async function abandon(
  { limiter, processor }: DeviceDeps,
  purchaseId: string,
  player: Player | undefined,
): Promise<Purchase> {
  const purchase = await limiter.get(purchaseId, player);
  if (purchase === null || purchase.processor !== processor.name) {
    const message = 'The ledger has no such purchase of this store.';
    throw new SpendcapError('purchase_not_found', message);
  }
  if (purchase.state !== 'reserved' || purchase.processorRef !== null) return purchase;
  return limiter.release(purchaseId, { reason: `${processor.name}_abandoned` });
}
