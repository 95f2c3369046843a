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

/** By `ageRangeDeclaration`, including those that iOS 26.2 deprecates. */
const ASSURANCE = {
  selfDeclared: 'self_declared',
  guardianDeclared: 'guardian',
  confirmed: 'assessed',
  checkedByOtherMethod: 'assessed',
  governmentIDChecked: 'assessed',
  paymentChecked: 'assessed',
  // The guardian was checked; the age is still the guardian's statement.
  guardianCheckedByOtherMethod: 'guardian',
  guardianGovernmentIDChecked: 'guardian',
  guardianPaymentChecked: 'guardian',
} as const satisfies Readonly<Record<string, Assurance>>;

const RESPONSES = ['sharing', 'declinedSharing', 'notAvailable'] as const;
/** Which Apple uses instead of an app's own gates where a law requires them. */
const REGULATED_GATES: readonly number[] = [13, 16, 18];
const NO_AGE: Signal = { range: ANY_AGE, assurance: 'client_claim' };

/**
 * Apple's Declared Age Range (iOS 26). The app sends the result of `requestAgeRange` as JSON, with
 * Apple's own names and the gates that it requested. `lowerBound` is inclusive, `upperBound`
 * exclusive. Apple signs none of it, so it is a `client_claim` unless `attest` binds it to the app.
 *
 * Declined, not available, or without any bound: every age. Of a range without a declaration, which
 * some libraries invent where the platform has none, only the upper end is read.
 *
 * Rejects with `age_evidence_invalid`, or `age_source_unavailable` if `attest` fails; `why` is a
 * `PlatformFault`.
 *
 * @example
 * ```ts
 * import { appleSource } from '@spendcap/server/age/sources/platform';
 * const signal = JSON.stringify({
 *   platform: 'apple',
 *   response: 'sharing',
 *   ageGates: [8, 16, 18],
 *   lowerBound: 8,
 *   upperBound: 16,
 *   ageRangeDeclaration: 'guardianDeclared',
 * });
 * const finding = await appleSource().verify({ signal }, { at: Date.now() });
 * finding.range; // => { min: 8, maxExclusive: 16 }
 * finding.assurance; // => 'client_claim'
 * ```
 */
export function appleSource(options: PlatformOptions = {}): AgeSource<PlatformEvidence> {
  assertOptions('appleSource', options, { attest: true });
  const kind = 'apple_age_range';
  return {
    kind,
    verify: (evidence, { at }) => readPlatform(evidence, readApple, { ...options, kind, at }),
  };
}

function readApple(members: Members): Signal {
  word(members.platform, ['apple']);
  if (word(members.response, RESPONSES) !== 'sharing') {
    refuse(members, ['ageGates', 'lowerBound', 'upperBound', 'ageRangeDeclaration']);
    return NO_AGE;
  }
  const gates = [...gatesOf(members.ageGates), ...REGULATED_GATES];
  const lower = boundOf(members.lowerBound, gates);
  const upper = boundOf(members.upperBound, gates);
  if (lower !== null && upper !== null && lower >= upper) {
    throw platformInvalid('age_claim_invalid');
  }
  const declaration = members.ageRangeDeclaration ?? null;
  if (declaration === null) {
    return { ...NO_AGE, range: { min: 0, maxExclusive: upper } };
  }
  const range = { min: lower ?? 0, maxExclusive: upper };
  return { range, assurance: assuranceOf(declaration, ASSURANCE) };
}

/** One to three ages, each above the one before. */
function gatesOf(value: unknown): readonly number[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > 3) {
    throw platformInvalid('malformed');
  }
  const gates = value.map((gate) => ageOrNull(gate, [1, MAX_AGE]) ?? 0);
  if (gates.every((gate, index) => gate > (gates[index - 1] ?? 0))) return gates;
  throw platformInvalid('malformed');
}

/** Bounds are always gates, so any other value did not come from the platform. */
function boundOf(value: unknown, gates: readonly number[]): number | null {
  const bound = ageOrNull(value, [1, MAX_AGE]);
  if (bound === null || gates.includes(bound)) return bound;
  throw platformInvalid('age_claim_invalid');
}
