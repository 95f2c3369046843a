import { assertOptions } from '../option-names.ts';
import { type Policy, parsePolicy } from '../policy.ts';

const TEXAS = 'Texas SB 2420, Business & Commerce Code chapter 121 (App Store Accountability Act)';

/**
 * App stores and their developers in Texas, the first such statute in effect: below 18 a guardian
 * approves each purchase; amounts are not limited. The age categories are child (under 13), younger
 * teenager (13 to 15), older teenager (16 and 17) and adult. In effect since 2026-05-28, when the
 * injunction was stayed. It has no options.
 *
 * @throws TypeError for any option
 */
export function usAppStore(options: Readonly<Record<never, never>> = {}): Policy {
  assertOptions('usAppStore', options, {});
  const band = (minAge: number, maxAgeExclusive: number) => ({
    minAge,
    maxAgeExclusive,
    limits: [],
    guardianApproval: {
      id: `us-app-store.${minAge}-${maxAgeExclusive - 1}.guardian`,
      citation: TEXAS,
      status: 'law',
      effectiveFrom: '2026-05-28',
    },
  });
  return parsePolicy({
    id: 'us-app-store',
    version: '2026-05-28',
    effectiveFrom: '2026-05-28',
    jurisdiction: 'US-TX',
    currency: 'USD',
    timeZone: 'America/Chicago',
    scope: 'enterprise',
    unverified: 'refuse',
    refunds: 'original_window',
    bands: [
      band(0, 13),
      band(13, 16),
      band(16, 18),
      { minAge: 18, maxAgeExclusive: null, limits: [] },
    ],
  });
}
