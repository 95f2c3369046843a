import { assertOptions, type OptionNames } from '@spendcap/core';
import { checkNow, checkTimeout } from '../deps.ts';
import type { PurchaseIdOf } from './charges.ts';
import { type GooglePlayClient, type PlayApi, playApi } from './client.ts';
import type { Unheld } from './finish.ts';
import type { GooglePlayPush } from './push.ts';
import type { ReviewRefund } from './reviews.ts';
import type { OrderIds } from './sweep.ts';

/** How one app sells on Google Play. */
export interface GooglePlayOptions {
  /** `androidpublisher({ version: 'v3', auth })` of `@googleapis/androidpublisher`. */
  readonly play: GooglePlayClient;
  /** The app. Purchases of another one are refused. */
  readonly packageName: string;
  /** Default `google_play`. With several apps on one ledger, each needs its own. */
  readonly name?: string;
  /** Real-time developer notifications; required by `processorWebhook`. */
  readonly push?: GooglePlayPush;
  /** What becomes of a charge that no hold covers. Default `leave`. */
  readonly unheld?: Unheld;
  /**
   * True for a product that is consumed when it was held, so that it can be bought again. Default:
   * none, the app consumes them.
   */
  readonly consumes?: (productId: string) => boolean;
  /** Picks the answer to a pending refund. Default: none is given. */
  readonly reviewRefund?: ReviewRefund;
  /** Charges that `reconcile` reads again, to find refunds that nothing else shows. */
  readonly orderIds?: OrderIds;
  /**
   * Which purchase id an order paid for, for a refund so late that Google has forgotten whose it
   * was: `processorRef` of a purchase is its order. Default: such a refund of a held purchase is
   * reported and not recorded.
   */
  readonly purchaseIdOf?: PurchaseIdOf;
  /** Time limit of a call in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

export const GOOGLE_PLAY: OptionNames<GooglePlayOptions> = {
  play: true,
  packageName: true,
  name: true,
  push: true,
  unheld: true,
  consumes: true,
  reviewRefund: true,
  orderIds: true,
  purchaseIdOf: true,
  timeoutMs: true,
  now: true,
};

const PUSH: OptionNames<GooglePlayPush> = {
  audience: true,
  email: true,
  subscription: true,
  jwks: true,
  fetch: true,
};

/** Checked options, with their defaults. */
export interface PlayApp {
  readonly api: PlayApi;
  readonly name: string;
  readonly push: GooglePlayPush | undefined;
  readonly unheld: Unheld;
  readonly consumes: (productId: string) => boolean;
  readonly reviewRefund: ReviewRefund | undefined;
  readonly orderIds: OrderIds | undefined;
  readonly purchaseIdOf: PurchaseIdOf | undefined;
  readonly now: () => number;
}

const PACKAGE_NAME = /^[A-Za-z]\w*(?:\.\w+)+$/;
/** What the ledger takes as the name of a processor. */
const NAME = /^[a-z][a-z0-9_-]{0,31}$/;
const UNHELD: readonly Unheld[] = ['leave', 'refund', 'accept'];

/** @throws TypeError for an option that can never work */
export function playAppOf(owner: string, options: GooglePlayOptions): PlayApp {
  assertOptions(owner, options, GOOGLE_PLAY);
  const { play, packageName, name = 'google_play', push, unheld = 'leave' } = options;
  const { consumes = () => false, reviewRefund, orderIds, purchaseIdOf } = options;
  const { timeoutMs = 10_000, now = Date.now } = options;
  checkClient(play);
  if (!isText(packageName, PACKAGE_NAME))
    throw new TypeError('packageName: expected the id of the app');
  if (!isText(name, NAME)) {
    throw new TypeError('name must be 1 to 32 lower-case letters, digits, _ or -');
  }
  if (!UNHELD.includes(unheld)) throw new TypeError(`unheld: expected ${UNHELD.join(', ')}`);
  const functions = { consumes, reviewRefund, orderIds, purchaseIdOf };
  for (const [option, value] of Object.entries(functions)) {
    if (value !== undefined && typeof value !== 'function') {
      throw new TypeError(`${option}: expected a function`);
    }
  }
  checkTimeout(timeoutMs);
  checkNow(now);
  if (push !== undefined) checkPush(push);
  const api = playApi(play, { packageName, timeoutMs });
  return { api, name, push, unheld, now, ...functions };
}

function checkClient(play: GooglePlayClient): void {
  const isClient =
    typeof play?.purchases?.productsv2?.getproductpurchasev2 === 'function' &&
    typeof play.orders?.reviewrefund === 'function';
  if (isClient) return;
  const example = "androidpublisher({ version: 'v3', auth })";
  throw new TypeError(`play must be a client of Google Play, version 42 or later: ${example}`);
}

function checkPush(push: GooglePlayPush): void {
  assertOptions('push', push, PUSH);
  for (const name of ['audience', 'email', 'subscription'] as const) {
    if (!isText(push[name], /^\S{1,512}$/)) throw new TypeError(`push.${name}: expected a text`);
  }
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}
