import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  BIRTHDATE,
  type Changes,
  digestOf,
  disclosure,
  holder,
  NONCE,
  presentation,
  publicJwk,
  root,
  shown,
  signer,
  sourceOf,
  TYPE,
} from '../server/age/sources/sd-jwt/sd-jwt-kit.ts';
import { base64url, NOW, refusal, SECOND } from '../server/age/token/token-kit.ts';
import { certified, DAY, p256 } from '../server/jwt/certificate-kit.ts';

const read = sourceOf();
const fault = async (text: string, nonce = NONCE, at = NOW) =>
  (await refusal(read(text, nonce, at))).replace('age_evidence_invalid ', '');

const stranger = certified('root', null);
const below = (by: typeof root, options = {}) => certified('other', by, options);
const signedBy = (...chain: readonly (typeof root)[]): Changes => ({
  chain,
  ...(chain[0] === undefined ? {} : { issuerKey: chain[0].key }),
});

/** Each step of the verification, broken alone. */
const BROKEN: Readonly<Record<string, readonly [string, Changes]>> = {
  'another type of token': ['type_mismatch', { header: { typ: 'vc+sd-jwt' } }],
  'no type of token': ['type_mismatch', { header: { typ: undefined } }],
  'an age token': ['type_mismatch', { header: { typ: 'age+jwt' } }],
  'alg none': ['algorithm_not_allowed', { header: { alg: 'none' } }],
  'alg HS256': ['algorithm_not_allowed', { header: { alg: 'HS256' } }],
  'alg of another key': ['algorithm_not_allowed', { header: { alg: 'ES384' } }],
  crit: ['critical_header', { header: { crit: ['b64'], b64: true } }],
  'another credential type': ['credential_type_unknown', { payload: { vct: `${TYPE} ` } }],
  'no credential type': ['credential_type_unknown', { payload: { vct: undefined } }],
  'no certificate': ['issuer_unknown', { header: { x5c: undefined } }],
  'an empty chain': ['certificate_untrusted', { chain: [] }],
  'a chain that is no list': ['certificate_untrusted', { header: { x5c: 'MIIB' } }],
  'a chain that is not base64': ['malformed', { header: { x5c: ['MI-B'] } }],
  'a certificate with bytes behind it': [
    'certificate_untrusted',
    { header: { x5c: [Buffer.concat([signer.der, Buffer.of(0)]).toString('base64')] } },
  ],
  'a root that is not pinned': ['certificate_untrusted', signedBy(below(stranger))],
  'a root that is not pinned, in the chain': [
    'certificate_untrusted',
    signedBy(below(stranger), stranger),
  ],
  'the pinned root behind a foreign chain': [
    'certificate_untrusted',
    signedBy(below(stranger), root),
  ],
  'an expired certificate': [
    'certificate_untrusted',
    signedBy(below(root, { notAfter: NOW - DAY })),
  ],
  'a certificate of tomorrow': [
    'certificate_untrusted',
    signedBy(below(root, { notBefore: NOW + DAY })),
  ],
  'a certificate under one that may not sign any': [
    'certificate_untrusted',
    signedBy(certified('leaf', signer), signer),
  ],
  'an authority that signs credentials itself': [
    'certificate_untrusted',
    signedBy(below(root, { ca: true })),
  ],
  'another key than the certificate’s': ['signature_invalid', { issuerKey: p256() }],
  'no holder key': ['holder_key_missing', { payload: { cnf: undefined } }],
  'a holder key by name': ['holder_key_missing', { payload: { cnf: { kid: 'x' } } }],
  'a shared holder key': [
    'holder_key_missing',
    { payload: { cnf: { jwk: { kty: 'oct', k: 'AAAA' } } } },
  ],
  'a holder key with a private member': [
    'holder_key_missing',
    { payload: { cnf: { jwk: { ...publicJwk(holder), priv: 'AAAA' } } } },
  ],
  expired: ['expired', { payload: { exp: SECOND - 6 } }],
  'not yet valid': ['not_yet_valid', { payload: { nbf: SECOND + 6 } }],
  'issued in the future': ['not_yet_valid', { payload: { iat: SECOND + 6 } }],
  'a date that is none': ['malformed', { payload: { exp: `${SECOND + 600}` } }],
  'a status that nobody can check': [
    'status_unchecked',
    { payload: { status: { status_list: { uri: 'https://x.example', idx: 1 } } } },
  ],
  'an unknown hash': ['algorithm_not_allowed', { payload: { _sd_alg: 'md5' } }],
  'a hash from a prototype': ['algorithm_not_allowed', { payload: { _sd_alg: 'toString' } }],
  'a disclosure twice': [
    'disclosure_invalid',
    { disclosures: [BIRTHDATE, BIRTHDATE], digests: [digestOf(BIRTHDATE)] },
  ],
  'a digest twice': ['disclosure_invalid', { digests: [digestOf(BIRTHDATE), digestOf(BIRTHDATE)] }],
  'a digest in two places': [
    'disclosure_invalid',
    { payload: { address: { _sd: [digestOf(BIRTHDATE)] } } },
  ],
  'a disclosure that nobody signed': ['disclosure_invalid', { digests: [digestOf('other')] }],
  'a digest that is no text': ['disclosure_invalid', { digests: [7] }],
  'digests that are no list': ['disclosure_invalid', { payload: { _sd: digestOf(BIRTHDATE) } }],
  'a claim that is there already': ['disclosure_invalid', { payload: { birthdate: '1990-01-01' } }],
  'a claim twice': [
    'disclosure_invalid',
    { disclosures: [BIRTHDATE, disclosure('birthdate', '1990-01-01')] },
  ],
  'a claim for an element': [
    'disclosure_invalid',
    { digests: [], payload: { list: [{ '...': digestOf(BIRTHDATE) }] } },
  ],
  'an element for a claim': ['disclosure_invalid', { disclosures: [disclosure('2014-05-01')] }],
  'an element’s mark on a claim': [
    'disclosure_invalid',
    { digests: [], payload: { address: { '...': digestOf(BIRTHDATE) } } },
  ],
  'a disclosure of more parts': [
    'disclosure_invalid',
    { disclosures: [disclosure('birthdate', '1990-01-01', 1)] },
  ],
  'a disclosure that is no JSON': ['disclosure_invalid', { disclosures: [base64url('[1,')] }],
  'a disclosure that says a name twice': [
    'disclosure_invalid',
    { disclosures: [base64url('["salt","birthdate",{"a":1,"a":2}]')] },
  ],
  'a disclosure that is no list': ['disclosure_invalid', { disclosures: [base64url('{}')] }],
  'a disclosure spelled another way': ['disclosure_invalid', { disclosures: [`${BIRTHDATE}=`] }],
  'a disclosure too deep': [
    'disclosure_invalid',
    { disclosures: [disclosure('birthdate', JSON.parse('['.repeat(20) + ']'.repeat(20)))] },
  ],
  'another type of proof': ['type_mismatch', { proofHeader: { typ: 'dpop+jwt' } }],
  'a proof without alg': ['algorithm_not_allowed', { proofHeader: { alg: 'none' } }],
  'a proof of a shared secret': ['algorithm_not_allowed', { proofHeader: { alg: 'HS256' } }],
  'a proof with crit': ['critical_header', { proofHeader: { crit: ['x'], x: 1 } }],
  'a proof by another key': ['holder_proof_invalid', { proofKey: p256() }],
  'a credential of another holder': ['holder_proof_invalid', { boundTo: p256() }],
  'a proof that brings its own key': [
    'holder_proof_invalid',
    { proofKey: signer.key, proofHeader: { jwk: publicJwk(signer.key) } },
  ],
  'another nonce': ['nonce_mismatch', { proof: { nonce: 'n-0S6_WzA2Mk' } }],
  'no nonce': ['nonce_mismatch', { proof: { nonce: undefined } }],
  'another audience': ['audience_mismatch', { proof: { aud: 'x509_san_dns:evil.example' } }],
  'several audiences': ['audience_mismatch', { proof: { aud: [AUDIENCE] } }],
  'another hash of what is shown': ['holder_proof_invalid', { proof: { sd_hash: digestOf('x') } }],
  'the older name of that hash': [
    'holder_proof_invalid',
    { proof: { sd_hash: undefined, _sd_hash: digestOf('x') } },
  ],
  'a proof without time': ['claim_missing', { proof: { iat: undefined } }],
  'a proof of long ago': ['holder_proof_stale', { proof: { iat: SECOND - 306 } }],
  'a proof of the future': ['not_yet_valid', { proof: { iat: SECOND + 6 } }],
  'a proof that has expired': ['expired', { proof: { exp: SECOND - 6 } }],
};

it('accepts the presentation that each attack starts from', async () => {
  expect((await read(presentation())).range).toEqual({ min: 12, maxExclusive: 13 });
  const viaAnother = certified('middle', root, { ca: true });
  const chain = signedBy(below(viaAnother), viaAnother);
  expect(await read(presentation(chain))).toBeDefined();
});

it.each(Object.entries(BROKEN))('refuses %s', async (_, [why, changes]) => {
  expect(await fault(presentation(changes))).toBe(why);
});

it.each(['iss', 'exp', 'nbf', 'cnf', 'status', 'iat'])(
  'refuses that %s is disclosed, and so might have been hidden',
  async (name) => {
    const disclosures = [BIRTHDATE, disclosure(name, 1)];
    const made = presentation({ disclosures, payload: { [name]: undefined } });
    expect(await fault(made)).toBe('disclosure_invalid');
  },
);

describe('a presentation that was accepted', () => {
  it('is refused for the next request', async () => {
    const text = presentation();
    expect(await fault(text, 'the-nonce-of-another')).toBe('nonce_mismatch');
    expect(await fault(text, '')).toBe('nonce_mismatch');
    expect(await fault(text, null as never)).toBe('nonce_mismatch');
    expect(await fault(text, NONCE, NOW + 306_000)).toBe('holder_proof_stale');
  });

  it('is refused without its proof, or with less or more shown than was proved', async () => {
    const text = presentation();
    const [credential = '', birthdate = '', proof = ''] = text.split('~');
    expect(await fault(`${credential}~${birthdate}~`)).toBe('holder_proof_missing');
    expect(await fault(`${credential}`)).toBe('holder_proof_missing');
    expect(await fault(`${credential}~${proof}`)).toBe('holder_proof_invalid');
    const more = disclosure('age_in_years', 30);
    expect(await fault(`${credential}~${birthdate}~${more}~${proof}`)).toBe('disclosure_invalid');
  });

  it('lends its credential to no one with another key', async () => {
    const [credential = '', birthdate = ''] = presentation().split('~');
    const stolen = shown(`${credential}~${birthdate}~`, { proofKey: p256() });
    expect(await fault(stolen)).toBe('holder_proof_invalid');
  });

  it('lends its proof to no other credential of the same holder', async () => {
    const proof = presentation().split('~').at(-1) ?? '';
    const older = disclosure('birthdate', '1990-01-01');
    const parts = presentation({ disclosures: [older] }).split('~');
    expect(await fault([...parts.slice(0, -1), proof].join('~'))).toBe('holder_proof_invalid');
  });
});

it('refuses an HMAC with the certificate’s key as the secret', async () => {
  const x5c = [signer.der.toString('base64')];
  const head = base64url({ alg: 'HS256', typ: 'dc+sd-jwt', x5c });
  const [, payload = ''] = presentation().split('.');
  for (const secret of [signer.pem, JSON.stringify(publicJwk(signer.key)), signer.der]) {
    const input = `${head}.${payload}`;
    const signature = createHmac('sha256', secret).update(input).digest('base64url');
    expect(await fault(shown(`${input}.${signature}~${BIRTHDATE}~`))).toBe('algorithm_not_allowed');
  }
});

it('reads nothing of what is too large', async () => {
  expect(await fault('x'.repeat(64 * 1024 + 1))).toBe('too_large');
  const many = Array.from({ length: 101 }, (_, index) => disclosure(`claim${index}`, index));
  expect(await fault(presentation({ disclosures: many }))).toBe('too_large');
});

it.each([undefined, null, 7, {}, [], '', '~', '~~', 'a.b.c~', '.~.~.'])(
  'refuses what is no presentation: %j',
  async (text) => {
    expect(await fault(text as string)).toMatch(/^(malformed|holder_proof_missing)$/);
  },
);

it('demands the configured key purpose', async () => {
  const purpose = '1.3.6.1.5.5.7.3.99';
  const issuers = [{ types: [TYPE], roots: [root.pem], keyPurpose: purpose }];
  const strict = sourceOf({ issuers });
  expect(await refusal(strict(presentation()))).toBe('age_evidence_invalid certificate_untrusted');
  const meant = below(root, { purposes: [purpose] });
  expect((await strict(presentation(signedBy(meant)))).range.min).toBe(12);
});
