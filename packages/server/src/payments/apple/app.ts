import { assertOptions, type OptionNames } from '@spendcap/core';
import { checkNow, checkTimeout } from '../deps.ts';
import type { ConsumptionRule } from './consumption-rule.ts';
import type { AppleApi, AppleVerifier } from './types.ts';

/** A parent has withdrawn the consent to the app for a child (RESCIND_CONSENT). */
export interface ConsentRescinded {
  /** The customer, as transactions name it too; `null` if Apple does not say. */
  readonly appTransactionId: string | null;
  /** When Apple signed it, epoch milliseconds. */
  readonly at: number;
  /** Apple's id of the message, equal in every delivery. */
  readonly messageId: string | null;
}

/** Where signed data comes from. `Xcode` and `LocalTesting` sign nothing. */
export type AppleEnvironment = 'Production' | 'Sandbox' | 'Xcode' | 'LocalTesting';

/** Options of `appleProcessor`. */
export interface AppleOptions {
  /**
   * `new SignedDataVerifier(...)` of `@apple/app-store-server-library`, with Apple's root
   * certificates, this bundle id and this environment.
   */
  readonly verifier: AppleVerifier;
  /** `new AppStoreServerAPIClient(...)` of the same library. */
  readonly api: AppleApi;
  readonly bundleId: string;
  /** The one environment whose data is accepted, whatever the data says. */
  readonly environment: AppleEnvironment;
  /** Required for `Xcode` and `LocalTesting`, whose data anybody can write. Default false. */
  readonly acceptUnsigned?: boolean;
  /** Answers Apple's question about a refund; `null` without the customer's consent. */
  readonly consumption?: ConsumptionRule;
  /** Freezes a player, say. It may be called several times for one message, until it succeeds. */
  readonly onConsentRescinded?: (event: ConsentRescinded) => unknown;
  /**
   * For `reconcile`: one transaction id of each customer whose transaction history is to be read
   * too, since an instant (epoch milliseconds). Default: none.
   */
  readonly customers?: (since: number) => Iterable<string> | AsyncIterable<string>;
  /**
   * Time limit in milliseconds of a call of the API, and of a verification that queries Apple about
   * certificates: the library has none, or one of 30 seconds. Default 5,000.
   */
  readonly timeoutMs?: number;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

const OPTIONS: OptionNames<AppleOptions> = {
  verifier: true,
  api: true,
  bundleId: true,
  environment: true,
  acceptUnsigned: true,
  consumption: true,
  onConsentRescinded: true,
  customers: true,
  timeoutMs: true,
  now: true,
};

/** Checked options, with their defaults. */
export interface AppleApp extends Omit<AppleOptions, 'acceptUnsigned'> {
  readonly timeoutMs: number;
  readonly now: () => number;
}

const ENVIRONMENTS: readonly AppleEnvironment[] = [
  'Production',
  'Sandbox',
  'Xcode',
  'LocalTesting',
];
const VERIFIES = [
  'verifyAndDecodeTransaction',
  'verifyAndDecodeNotification',
  'verifyAndDecodeAppTransaction',
] as const;
const CALLS = [
  'getNotificationHistory',
  'getTransactionInfo',
  'getTransactionHistory',
  'sendConsumptionInformation',
] as const;

/** @throws TypeError for an option that can never work */
export function appOf(options: AppleOptions): AppleApp {
  assertOptions('appleProcessor', options, OPTIONS);
  const { acceptUnsigned = false, ...app } = options;
  const { verifier, api, bundleId, environment, timeoutMs = 5_000, now = Date.now } = app;
  if (!VERIFIES.every((name) => typeof verifier?.[name] === 'function')) {
    throw new TypeError('verifier: expected a SignedDataVerifier');
  }
  if (!CALLS.every((name) => typeof api?.[name] === 'function')) {
    throw new TypeError('api: expected an AppStoreServerAPIClient');
  }
  if (typeof bundleId !== 'string' || !/^[\w.-]{1,255}$/.test(bundleId)) {
    throw new TypeError('bundleId: expected a bundle id such as com.example.game');
  }
  if (!ENVIRONMENTS.includes(environment)) {
    throw new TypeError(`environment: expected one of ${ENVIRONMENTS.join(', ')}`);
  }
  const isSigned = environment === 'Production' || environment === 'Sandbox';
  if (!isSigned && acceptUnsigned !== true) {
    throw new TypeError(`environment: ${environment} signs nothing; needs acceptUnsigned: true`);
  }
  for (const name of ['consumption', 'onConsentRescinded', 'customers'] as const) {
    if (app[name] !== undefined && typeof app[name] !== 'function') {
      throw new TypeError(`${name}: expected a function`);
    }
  }
  checkTimeout(timeoutMs);
  checkNow(now);
  return { ...app, timeoutMs, now };
}
