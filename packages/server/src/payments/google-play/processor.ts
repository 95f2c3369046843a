import type { DeviceProcessor } from '@spendcap/core';
import type { GooglePlayCharge } from './charges.ts';
import { outcomeOf } from './errors.ts';
import { finishCharge } from './finish.ts';
import { playNotifications } from './notifications.ts';
import { type GooglePlayOptions, type PlayApp, playAppOf } from './options.ts';
import { sweepVoided } from './sweep.ts';

/** A pending purchase completes within three days; an hour later its notification is here. */
const HOLD_SECONDS = 3 * 86_400 + 3_600;

/** What Google takes as an obfuscated id, and no more. */
const MAX_ID_LENGTH = 64;

/**
 * Google Play, for `reconcile` and, with `push`, `processorWebhook`. `guardGooglePlay` makes one
 * of its own.
 *
 * @throws TypeError for an invalid option
 */
export function googlePlayProcessor(options: GooglePlayOptions): DeviceProcessor<GooglePlayCharge> {
  return processorOf(playAppOf('googlePlayProcessor', options));
}

export function processorOf(app: PlayApp): DeviceProcessor<GooglePlayCharge> {
  return {
    name: app.name,
    traits: {
      startedBy: 'device',
      reference(purchaseId) {
        if (purchaseId.length <= MAX_ID_LENGTH) return purchaseId;
        throw new TypeError(`id: Google Play takes at most ${MAX_ID_LENGTH} characters`);
      },
      holdSeconds: HOLD_SECONDS,
      refunds: 'partial',
      listsCharges: false,
    },
    outcomeOf,
    ...(app.push === undefined ? {} : { notifications: playNotifications(app.push, app) }),
    sweep: (since) => sweepVoided(app, since),
    finish: (charge, applied) => finishCharge(app, charge, applied),
  };
}
