import type { DeviceProcessor } from '@spendcap/core';
import { type AppleApp, type AppleOptions, appOf } from './app.ts';
import { outcomeOf } from './calls.ts';
import type { AppleCharge } from './charges.ts';
import { answerQuestion } from './consumption.ts';
import { appleNotifications, readTransaction } from './notifications.ts';
import { appAccountTokenOf } from './reference.ts';
import { sweepHistory } from './sweep.ts';
import { invalidTransaction, verifyTransaction } from './verify.ts';

/** The App Store, see `appleProcessor`. */
export interface AppleProcessor extends DeviceProcessor<AppleCharge> {
  /**
   * What a signed transaction says; one charge for each part of its refunds.
   *
   * @throws SpendcapError `transaction_invalid` with `why`, `outcome_unknown`
   */
  readTransaction(signedTransaction: string): Promise<readonly [AppleCharge, ...AppleCharge[]]>;
}

/** Ask to Buy waits a day for a parent, and the answer may take an hour to arrive. */
const HOLD_SECONDS = 25 * 3_600;

/**
 * The App Store, for `guardApple`, `processorWebhook` and `reconcile`. It starts no payment and
 * can stop none: what was charged is committed, whatever became of its hold.
 *
 * @example
 * ```ts
 * import {
 *   AppStoreServerAPIClient,
 *   Environment,
 *   SignedDataVerifier,
 * } from '@apple/app-store-server-library';
 * import { fakeAppStore } from '@spendcap/sandbox';
 * import { appleProcessor } from '@spendcap/server/payments/apple';
 * const { bundleId, key, rootCertificates } = fakeAppStore(); // in production: Apple's roots
 * const environment = Environment.SANDBOX;
 * const { signingKey, keyId, issuerId } = key;
 * const processor = appleProcessor({
 *   ...{ bundleId, environment },
 *   verifier: new SignedDataVerifier([...rootCertificates], false, environment, bundleId),
 *   api: new AppStoreServerAPIClient(signingKey, keyId, issuerId, bundleId, environment),
 * });
 * processor.name; // => 'app_store'
 * ```
 * @throws TypeError for an option that can never work
 */
export function appleProcessor(options: AppleOptions): AppleProcessor {
  const app = appOf(options);
  return {
    name: 'app_store',
    traits: {
      startedBy: 'device',
      reference: appAccountTokenOf,
      holdSeconds: HOLD_SECONDS,
      refunds: 'partial',
    },
    outcomeOf,
    notifications: appleNotifications(app),
    sweep: (since) => sweepHistory(app, since),
    finish: (charge, applied) => answerQuestion(app, charge, applied),
    readTransaction: (signed) => readSigned(app, signed),
  };
}

async function readSigned(app: AppleApp, signed: string) {
  const transaction = await verifyTransaction(app, signed);
  if (transaction === 'refused') {
    throw invalidTransaction('other_app', 'A transaction is for another app or environment.');
  }
  if (transaction === null) {
    throw invalidTransaction('signature', 'The signature of a transaction is wrong.');
  }
  return readTransaction(app, transaction);
}
