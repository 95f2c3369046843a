import {
  type AttestationVerifier,
  appleSource,
  googlePlaySource,
  type PlatformOptions,
} from '@spendcap/server/age/sources/platform';
import { describe, expect, it, vi } from 'vitest';
import { NOW, refusal } from '../../token/token-kit.ts';

const NONCE = 'a-nonce-of-this-request';
const yes: AttestationVerifier = async () => true;

type Members = Readonly<Record<string, unknown>>;

const SOURCES = { apple: appleSource, google: googlePlaySource };

/** A signal with its nonce, attested or not. */
function shown(source: keyof typeof SOURCES, members: Members, options: PlatformOptions = {}) {
  const signal = JSON.stringify({ ...members, nonce: NONCE });
  const evidence = { signal, attestation: 'proof', nonce: NONCE };
  return SOURCES[source](options).verify(evidence, { at: NOW });
}

const APPLE = {
  platform: 'apple',
  response: 'sharing',
  ageGates: [8, 16, 18],
  lowerBound: 8,
  upperBound: 16,
  ageRangeDeclaration: 'selfDeclared',
};
const V4 = {
  platform: 'google_play',
  version: '0.0.4',
  access: 'SHARED',
  ageRangeSource: 'TIER_A',
  ageLower: 13,
  ageUpper: 15,
};
const V3 = {
  platform: 'google_play',
  version: '0.0.3',
  userStatus: 'SUPERVISED',
  ageLower: 13,
  ageUpper: 15,
};

async function rangeOf(source: keyof typeof SOURCES, members: Members): Promise<string> {
  const { range } = await shown(source, members, { attest: yes });
  return `${range.min}-${range.maxExclusive ?? ''}`;
}

describe('Apple’s declared age range', () => {
  it.each([
    ['8-16', {}],
    ['0-8', { lowerBound: null, upperBound: 8 }],
    ['0-8', { lowerBound: undefined, upperBound: 8 }],
    ['16-18', { lowerBound: 16, upperBound: 18 }],
    ['18-', { lowerBound: 18, upperBound: null }],
    // The highest gate above the age, as the documentation literally has it.
    ['8-18', { lowerBound: 8, upperBound: 18 }],
    // The gates that a law puts in the place of the app's.
    ['13-16', { ageGates: [12], lowerBound: 13, upperBound: 16 }],
    ['0-', { lowerBound: null, upperBound: null }],
    // Without a declaration nobody has declared anything.
    ['0-', { lowerBound: 18, upperBound: null, ageRangeDeclaration: null }],
    ['0-', { lowerBound: 18, upperBound: undefined, ageRangeDeclaration: undefined }],
    ['0-16', { ageRangeDeclaration: null }],
  ])('is %s for %o', async (range, members) => {
    expect(await rangeOf('apple', { ...APPLE, ...members })).toBe(range);
  });

  it.each(['declinedSharing', 'notAvailable'])('says nothing when it is %s', async (response) => {
    expect(await rangeOf('apple', { platform: 'apple', response })).toBe('0-');
  });

  it.each([
    ['selfDeclared', 'self_declared'],
    ['guardianDeclared', 'guardian'],
    ['confirmed', 'assessed'],
    ['checkedByOtherMethod', 'assessed'],
    ['governmentIDChecked', 'assessed'],
    ['paymentChecked', 'assessed'],
    ['guardianCheckedByOtherMethod', 'guardian'],
    ['guardianGovernmentIDChecked', 'guardian'],
    ['guardianPaymentChecked', 'guardian'],
  ])('%s is %s when attested, a claim when not', async (ageRangeDeclaration, assurance) => {
    const members = { ...APPLE, ageRangeDeclaration };
    expect(await shown('apple', members, { attest: yes })).toEqual({
      range: { min: 8, maxExclusive: 16 },
      asOf: NOW,
      assurance,
      kind: 'apple_age_range',
    });
    expect((await shown('apple', members)).assurance).toBe('client_claim');
  });

  it.each([
    ['malformed', { platform: 'google_play' }],
    ['malformed', { response: 'shared' }],
    ['malformed', { ageRangeDeclaration: 'to string' }],
    ['malformed', { ageRangeDeclaration: '' }],
    ['malformed', { ageRangeDeclaration: 'a'.repeat(65) }],
    ['malformed', { ageRangeDeclaration: 7 }],
    ['malformed', { ageGates: undefined }],
    ['malformed', { ageGates: [] }],
    ['malformed', { ageGates: [8, 16, 18, 21] }],
    ['malformed', { ageGates: [16, 8] }],
    ['malformed', { ageGates: [8, 8] }],
    ['malformed', { ageGates: [null] }],
    ['malformed', { ageGates: '8' }],
    ['malformed', { lowerBound: '8' }],
    ['malformed', { lowerBound: 8.5 }],
    ['malformed', { response: 'declinedSharing' }],
    ['age_claim_invalid', { lowerBound: 16, upperBound: 8 }],
    ['age_claim_invalid', { lowerBound: 16, upperBound: 16 }],
    ['age_claim_invalid', { lowerBound: 9 }],
    ['age_claim_invalid', { upperBound: 15 }],
    ['age_claim_invalid', { upperBound: 200 }],
    ['age_claim_invalid', { lowerBound: -1 }],
  ])('is %s with %o', async (why, members) => {
    const refused = refusal(shown('apple', { ...APPLE, ...members }, { attest: yes }));
    expect(await refused).toBe(`age_evidence_invalid ${why}`);
  });
});

describe('Google Play’s age signals', () => {
  it.each([
    ['13-16', {}],
    ['0-13', { ageLower: 0, ageUpper: 12 }],
    ['0-13', { ageLower: null, ageUpper: 12 }],
    ['18-', { ageLower: 18, ageUpper: null }],
    ['16-18', { ageLower: 16, ageUpper: 17 }],
    ['13-14', { ageLower: 13, ageUpper: 13 }],
    ['0-', { ageLower: null, ageUpper: null }],
    ['0-', { ageLower: null, ageUpper: null, ageRangeSource: null }],
    ['0-', { access: 'NOT_SHARED', ageLower: null, ageUpper: null, ageRangeSource: null }],
    ['0-', { access: 'VERIFICATION_REQUIRED', ageLower: undefined, ageUpper: undefined }],
    ['0-', { access: 'NOT_SHARED', ageLower: 18, ageUpper: null }],
  ])('of 0.0.4 are %s for %o', async (range, members) => {
    expect(await rangeOf('google', { ...V4, ...members })).toBe(range);
  });

  it.each([
    ['13-16', {}],
    ['18-', { userStatus: 'VERIFIED', ageLower: 18, ageUpper: null }],
    ['0-', { userStatus: 'VERIFIED', ageLower: null, ageUpper: null }],
    ['0-', { userStatus: 'UNKNOWN', ageLower: 18, ageUpper: null }],
    ['0-', { userStatus: null, ageLower: 18, ageUpper: null }],
    ['0-', { userStatus: undefined, ageLower: undefined, ageUpper: undefined }],
  ])('of 0.0.3 are %s for %o', async (range, members) => {
    expect(await rangeOf('google', { ...V3, ...members })).toBe(range);
  });

  it.each([
    [{ ...V4, ageRangeSource: 'TIER_A' }, 'self_declared'],
    [{ ...V4, ageRangeSource: 'TIER_B' }, 'guardian'],
    [{ ...V4, ageRangeSource: 'TIER_C' }, 'assessed'],
    [{ ...V4, ageRangeSource: 'TIER_D' }, 'assessed'],
    [{ ...V3, userStatus: 'VERIFIED' }, 'assessed'],
    [{ ...V3, userStatus: 'DECLARED' }, 'self_declared'],
    [{ ...V3, userStatus: 'SUPERVISED' }, 'guardian'],
    [{ ...V3, userStatus: 'SUPERVISED_APPROVAL_PENDING' }, 'guardian'],
    [{ ...V3, userStatus: 'SUPERVISED_APPROVAL_DENIED' }, 'guardian'],
  ])('%o is %s when attested, a claim when not', async (members, assurance) => {
    const attested = await shown('google', members, { attest: yes });
    expect(attested).toMatchObject({ assurance, kind: 'google_play_age_signals', asOf: NOW });
    expect((await shown('google', members)).assurance).toBe('client_claim');
  });

  it.each([
    ['malformed', { ...V4, version: '0.0.x' }],
    ['malformed', { ...V4, version: 'latest' }],
    ['malformed', { ...V4, version: 4 }],
    ['malformed', { ...V4, version: '0.0.2' }],
    ['malformed', { ...V3, version: '0.1.0' }],
    ['malformed', { ...V4, access: 'SHARED_IN_PART' }],
    ['malformed', { ...V4, version: undefined }],
    ['malformed', { ...V4, access: undefined }],
    ['malformed', { ...V4, ageRangeSource: 'TIER E' }],
    ['malformed', { ...V4, ageRangeSource: null }],
    ['malformed', { ...V4, userStatus: 'VERIFIED' }],
    ['malformed', { ...V4, ageLower: true }],
    ['malformed', { ...V3, access: 'SHARED' }],
    ['malformed', { ...V3, userStatus: '' }],
    ['malformed', { ...V3, userStatus: 0 }],
    ['age_claim_invalid', { ...V4, ageLower: 19, ageUpper: null }],
    ['age_claim_invalid', { ...V4, ageLower: null, ageUpper: 1 }],
    ['age_claim_invalid', { ...V4, ageUpper: 19 }],
    ['age_claim_invalid', { ...V4, ageLower: 15, ageUpper: 13 }],
    ['age_claim_invalid', { ...V3, ageUpper: 151 }],
  ])('are %s with %o', async (why, members) => {
    const refused = refusal(shown('google', members, { attest: yes }));
    expect(await refused).toBe(`age_evidence_invalid ${why}`);
  });
});

describe('a newer library', () => {
  it.each([
    ['apple', { ...APPLE, consent: { given: true } }],
    ['google', { ...V4, installId: 'x', significantChange: null }],
    ['google', { ...V3, installId: 'x' }],
    ['google', { ...V4, version: '0.0.5' }],
    ['google', { ...V4, version: '0.1.0-beta02' }],
    ['google', { ...V4, version: '1.0.0' }],
    ['google', { ...V3, version: '0.0.2' }],
  ] as const)('of %s, %o, is read as the known one', async (source, members) => {
    const known = source === 'apple' ? APPLE : 'access' in members ? V4 : V3;
    const found = await shown(source, members, { attest: yes });
    expect(found).toEqual(await shown(source, known, { attest: yes }));
  });

  it.each([
    ['apple', { ...APPLE, ageRangeDeclaration: 'schoolChecked' }, 8],
    ['apple', { ...APPLE, ageRangeDeclaration: 'toString' }, 8],
    ['google', { ...V4, ageRangeSource: 'TIER_E' }, 13],
    ['google', { ...V3, userStatus: 'SUPERVISED_BY_SCHOOL' }, 13],
    ['google', { ...V3, userStatus: 'constructor' }, 13],
  ] as const)('of %s with an unknown origin, %o, makes a claim', async (source, members, min) => {
    expect(await shown(source, members, { attest: yes })).toMatchObject({
      range: { min, maxExclusive: 16 },
      assurance: 'client_claim',
    });
  });
});

describe.each([
  ['apple', APPLE],
  ['google', V4],
] as const)('an attestation for %s', (source, members) => {
  const signal = JSON.stringify({ ...members, nonce: NONCE });
  const verify = (evidence: object, attest: AttestationVerifier = yes) =>
    SOURCES[source]({ attest }).verify({ signal, ...evidence }, { at: NOW });

  it('is checked over exactly the bytes that were sent, and their nonce', async () => {
    const attest = vi.fn(yes);
    const spaced = ` ${signal}\n`;
    const attestation = Uint8Array.of(1);
    await verify({ signal: spaced, attestation, nonce: NONCE }, attest);
    expect(attest.mock.calls).toEqual([
      [{ attestation, signal: Buffer.from(spaced), nonce: NONCE }],
    ]);
  });

  it('that is refused, or answers anything but true, refuses the signal', async () => {
    for (const answer of [false, undefined, 1, 'true', {}]) {
      const attest = (async () => answer) as unknown as AttestationVerifier;
      const refused = refusal(verify({ attestation: 'x', nonce: NONCE }, attest));
      expect(await refused).toBe('age_evidence_invalid attestation_invalid');
    }
  });

  it.each([
    ['of another request', { nonce: 'a-nonce-of-another-one' }],
    ['that is not given', {}],
    ['that is short, and so guessed', { nonce: 'short' }],
    ['that is no text', { nonce: 7 }],
  ])('counts for nothing with a nonce %s', async (_, evidence) => {
    const attest = vi.fn(yes);
    const refused = refusal(verify({ attestation: 'x', ...evidence }, attest));
    expect(await refused).toBe('age_evidence_invalid nonce_mismatch');
    expect(attest).not.toHaveBeenCalled();
  });

  it('that cannot be checked now says so, and not why', async () => {
    const attest = () => Promise.reject(new Error(signal));
    const error = await verify({ attestation: 'x', nonce: NONCE }, attest).catch((e) => e);
    expect(error).toMatchObject({
      code: 'age_source_unavailable',
      why: 'attestation_unavailable',
    });
    expect(error.cause).toBeUndefined();
  });

  it('that is missing leaves a claim', async () => {
    expect((await verify({})).assurance).toBe('client_claim');
  });

  it.each([
    ['null', null],
    ['no signal', { signal: undefined }],
    ['a signal that is an object', { signal: members }],
    ['no JSON', { signal: '{' }],
    ['a list', { signal: '[]' }],
    ['JSON’s null', { signal: 'null' }],
    ['4 KiB and more', { signal: signal.padEnd(4097) }],
  ])('and %s are refused', async (_, evidence) => {
    const shown = evidence === null ? null : { attestation: 'x', nonce: NONCE, ...evidence };
    const refused = refusal(SOURCES[source]().verify(shown as never, { at: NOW }));
    expect(await refused).toBe('age_evidence_invalid malformed');
  });
});
