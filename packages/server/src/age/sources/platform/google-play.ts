import { ANY_AGE, type Assurance, assertOptions, MAX_AGE } from '@spendcap/core';
import type { AgeSource } from '../source.ts';
import {
  ageOrNull,
  assuranceOf,
  type Members,
  type PlatformEvidence,
  type PlatformOptions,
  platformInvalid,
  readPlatform,
  refuse,
  type Signal,
  word,
} from './signal.ts';

const TIERS = {
  TIER_A: 'self_declared',
  TIER_B: 'guardian',
  TIER_C: 'assessed',
  TIER_D: 'assessed',
} as const satisfies Readonly<Record<string, Assurance>>;

const STATUSES = {
  VERIFIED: 'assessed',
  DECLARED: 'self_declared',
  SUPERVISED: 'guardian',
  // The guardian has not approved a change of the app, but has stated the age.
  SUPERVISED_APPROVAL_PENDING: 'guardian',
  SUPERVISED_APPROVAL_DENIED: 'guardian',
} as const satisfies Readonly<Record<string, Assurance>>;

/** The library's version, and what follows the number of a pre-release. */
const VERSION = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:[-+][\w.-]{1,32})?$/;
const ACCESS = ['SHARED', 'NOT_SHARED', 'VERIFICATION_REQUIRED'] as const;
const NO_AGE: Signal = { range: ANY_AGE, assurance: 'client_claim' };

/**
 * Google Play Age Signals, version 0.0.4 and, with the members of that, newer ones; or 0.0.3 and
 * older ones. The app sends the library's result as JSON, with Google's own names. `ageLower` and
 * `ageUpper` are both inclusive. Google signs none of it, so it is a `client_claim` unless `attest`
 * binds it to the app.
 *
 * Not shared, unknown, or without any bound: every age. So is the status `VERIFIED` of 0.0.3 alone.
 *
 * Rejects with `age_evidence_invalid`, or `age_source_unavailable` if `attest` fails; `why` is a
 * `PlatformFault`.
 *
 * @example
 * ```ts
 * import { googlePlaySource } from '@spendcap/server/age/sources/platform';
 * const signal = JSON.stringify({
 *   platform: 'google_play',
 *   version: '0.0.4',
 *   access: 'SHARED',
 *   ageRangeSource: 'TIER_B',
 *   ageLower: 13,
 *   ageUpper: 15,
 * });
 * const finding = await googlePlaySource().verify({ signal }, { at: Date.now() });
 * finding.range; // => { min: 13, maxExclusive: 16 }
 * ```
 */
export function googlePlaySource(options: PlatformOptions = {}): AgeSource<PlatformEvidence> {
  assertOptions('googlePlaySource', options, { attest: true });
  const kind = 'google_play_age_signals';
  return {
    kind,
    verify: (evidence, { at }) => readPlatform(evidence, readGoogle, { ...options, kind, at }),
  };
}

function readGoogle(members: Members): Signal {
  word(members.platform, ['google_play']);
  if (hasTiers(members.version)) {
    refuse(members, ['userStatus']);
    return readTiers(members);
  }
  refuse(members, ['access', 'ageRangeSource']);
  const status = members.userStatus ?? null;
  const range = inclusive(members, { lower: [0, MAX_AGE], upper: [0, MAX_AGE] });
  if (status === null) return NO_AGE;
  if (status === 'UNKNOWN') return NO_AGE;
  return { range, assurance: assuranceOf(status, STATUSES) };
}

/** From 0.0.4 on. */
function hasTiers(version: unknown): boolean {
  const [, ...parts] = (typeof version === 'string' && VERSION.exec(version)) || [];
  if (parts.length === 0) throw platformInvalid('malformed');
  const [major = 0, minor = 0, patch = 0] = parts.map(Number);
  return major > 0 || minor > 0 || patch >= 4;
}

function readTiers(members: Members): Signal {
  const range = inclusive(members, { lower: [0, 18], upper: [2, 18] });
  if (word(members.access, ACCESS) !== 'SHARED') return NO_AGE;
  const tier = members.ageRangeSource ?? null;
  const saysNothing = range.min === 0 && range.maxExclusive === null;
  // Ages without a source did not come from the platform.
  if (tier === null && !saysNothing) throw platformInvalid('malformed');
  return tier === null ? NO_AGE : { range, assurance: assuranceOf(tier, TIERS) };
}

interface Bounds {
  readonly lower: readonly [number, number];
  readonly upper: readonly [number, number];
}

function inclusive({ ageLower, ageUpper }: Members, bounds: Bounds): Signal['range'] {
  const lower = ageOrNull(ageLower, bounds.lower);
  const upper = ageOrNull(ageUpper, bounds.upper);
  if (lower !== null && upper !== null && lower > upper) {
    throw platformInvalid('age_claim_invalid');
  }
  return { min: lower ?? 0, maxExclusive: upper === null ? null : upper + 1 };
}
