import { cborEncode, DateOnly } from '@owf/mdoc';
import type { MdocSession } from '@spendcap/server/age/sources/mdoc';
import { describe, expect, it } from 'vitest';
import {
  AV,
  type Changes,
  deviceResponse,
  item,
  LICENCE,
  root,
  SESSION,
  signer,
  sourceOf,
  transcript,
} from '../server/age/sources/mdoc/mdoc-kit.ts';
import { NOW, refusal } from '../server/age/token/token-kit.ts';
import { certified, DAY, p256 } from '../server/jwt/certificate-kit.ts';

const read = sourceOf();
const fault = async (bytes: Uint8Array | string, session: MdocSession = SESSION, at = NOW) =>
  (await refusal(read(bytes, session, at))).replace('age_evidence_invalid ', '');

const stranger = certified('root', null);
const below = (by: typeof root, options = {}) => certified('other', by, options);
const signedBy = (...chain: readonly (typeof root)[]): Changes => ({
  chain,
  ...(chain[0] === undefined ? {} : { issuerKey: chain[0].key }),
});
const constrained = certified('ca', root, { ca: true, critical: ['2.5.29.30'] });
/** The reply with a text of the same length in place of each other one, in what is signed too. */
const replaced = (bytes: Uint8Array, from: string, to: string) =>
  Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(from, to), 'latin1');
const algorithm = (...entries: readonly (readonly [number, unknown])[]) => new Map(entries);

/** Each step of the verification, broken alone. */
const BROKEN: Readonly<Record<string, readonly [string, Changes]>> = {
  'no signer’s certificate': ['certificate_untrusted', { chain: [] }],
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
    signedBy(below(root, { notAfter: NOW - DAY / 2 })),
  ],
  'a certificate of tomorrow': [
    'certificate_untrusted',
    signedBy(below(root, { notBefore: NOW + DAY })),
  ],
  'a certificate under one that may not sign any': [
    'certificate_untrusted',
    signedBy(certified('leaf', signer), signer),
  ],
  'an authority that signs documents itself': [
    'certificate_untrusted',
    signedBy(below(root, { ca: true })),
  ],
  'a certificate with a critical extension that is not supported': [
    'certificate_untrusted',
    signedBy(below(root, { critical: ['2.16.840.1.101.2.1.12.2'] })),
  ],
  'an authority with critical name constraints': [
    'certificate_untrusted',
    signedBy(certified('leaf', constrained), constrained),
  ],
  'a certificate for encryption only': [
    'certificate_untrusted',
    signedBy(below(root, { usage: 0x20 })),
  ],
  'a document signed before its certificate': [
    'certificate_untrusted',
    { validity: { signed: new Date(NOW - 200 * DAY) } },
  ],
  'another key than the certificate’s': ['signature_invalid', { issuerKey: p256() }],
  'another algorithm': ['algorithm_not_allowed', { issuerHeader: algorithm([1, -35]) }],
  'no algorithm': ['algorithm_not_allowed', { issuerHeader: algorithm() }],
  'a MAC for a signature': ['algorithm_not_allowed', { issuerHeader: algorithm([1, 5]) }],
  crit: ['critical_header', { issuerHeader: algorithm([1, -7], [2, [99]], [99, 1]) }],
  'a document of another type': ['credential_type_unknown', { docType: 'eu.europa.ec.av.2' }],
  'a type with a blank behind it': ['credential_type_unknown', { docType: `${AV} ` }],
  'a type that its issuer may not issue': ['credential_type_unknown', { docType: LICENCE }],
  'another type than the issuer signed': ['type_mismatch', { signedType: LICENCE }],
  'ages in another namespace': ['age_missing', { namespace: 'org.iso.18013.5.1' }],
  expired: ['expired', { validity: { validUntil: new Date(NOW - 6_000) } }],
  'not yet valid': ['not_yet_valid', { validity: { validFrom: new Date(NOW + 6_000) } }],
  'signed in the future': ['not_yet_valid', { validity: { signed: new Date(NOW + 6_000) } }],
  'no validity': ['malformed', { signed: { validityInfo: undefined } }],
  'an unknown hash': ['malformed', { signed: { digestAlgorithm: 'MD5' } }],
  'another version': ['malformed', { signed: { version: '2.0' } }],
  // What the issuer signs is a byte string, so it needs a check of its own.
  'a signed number with a fraction': ['malformed', { signed: { extra: 1.5 } }],
  'signed undefined': ['malformed', { signed: { extra: [undefined] } }],
  'no digests': ['disclosure_invalid', { signed: { valueDigests: new Map() } }],
  'another value than was signed': [
    'disclosure_invalid',
    {
      elements: { age_over_18: false },
      shown: ([one]) => [{ ...item('', 0, 0), ...one, elementValue: true }],
    },
  ],
  'another name than was signed': [
    'disclosure_invalid',
    {
      elements: { age_over_16: true },
      shown: ([one]) => [{ ...item('', 0, 0), ...one, elementIdentifier: 'age_over_18' }],
    },
  ],
  'digests of two elements swapped': [
    'disclosure_invalid',
    {
      elements: { age_over_16: true, age_over_18: false },
      shown: (items) => items.map((each) => ({ ...each, digestID: 1 - each.digestID })),
    },
  ],
  'an element that nobody signed': [
    'disclosure_invalid',
    { shown: (items) => [...items, item('age_over_21', true, 1)] },
  ],
  'an element twice': ['disclosure_invalid', { shown: (items) => [...items, ...items] }],
  'ages that exclude each other': [
    'age_contradictory',
    { elements: { age_over_18: true, age_over_16: false } },
  ],
  'an age that is no answer': ['age_claim_invalid', { elements: { age_over_18: 1 } }],
  'an age of three digits': ['age_missing', { elements: { age_over_180: false } }],
  'an age without a number': ['age_missing', { elements: { age_over_: true } }],
  'no age': ['age_missing', { elements: { issuing_country: 'UT' } }],
  'a status that nobody can check': [
    'status_unchecked',
    { signed: { status: new Map([['status_list', new Map()]]) } },
  ],
  'a document of another device': ['holder_proof_invalid', { boundTo: p256() }],
  'a device that signs with another key': ['holder_proof_invalid', { deviceKey: p256() }],
  'a device that signs for another exchange': [
    'holder_proof_invalid',
    { session: transcript({ ...SESSION, nonce: 'another' } as never) },
  ],
  'a device of another algorithm': ['algorithm_not_allowed', { deviceHeader: algorithm([1, -36]) }],
  'a device with crit': ['critical_header', { deviceHeader: algorithm([1, -7], [2, [99]]) }],
  'no device key': ['malformed', { signed: { deviceKeyInfo: undefined } }],
  'no device signature': ['holder_proof_missing', { deviceAuth: { deviceSignature: undefined } }],
  'a device’s MAC': [
    'holder_proof_missing',
    {
      deviceAuth: {
        deviceSignature: undefined,
        deviceMac: [cborEncode(new Map([[1, 5]])), new Map(), null, Buffer.alloc(32)],
      },
    },
  ],
  'a status of the reply': ['malformed', { response: { status: 10 } }],
  'another version of the reply': ['malformed', { response: { version: '2.0' } }],
  'no document': ['malformed', { response: { documents: [] } }],
};

it('accepts the reply that each attack starts from', async () => {
  expect((await read(deviceResponse())).range).toEqual({ min: 18, maxExclusive: null });
  const viaAnother = certified('middle', root, { ca: true });
  expect(await read(deviceResponse(signedBy(below(viaAnother), viaAnother)))).toBeDefined();
});

it.each(Object.entries(BROKEN))('refuses %s', async (_, [why, changes]) => {
  expect(await fault(deviceResponse(changes))).toBe(why);
});

describe('a reply that was accepted', () => {
  const reply = deviceResponse();

  it.each<MdocSession>([
    { ...SESSION, nonce: 'another' },
    { ...SESSION, clientId: 'x509_san_dns:evil.example' },
    { ...SESSION, responseUri: 'https://evil.example/response' },
    { ...SESSION, jwkThumbprint: new Uint8Array(32) },
    { protocol: 'dc-api', origin: 'https://game.example', nonce: SESSION.nonce },
    { protocol: 'transcript', transcript: cborEncode([null, null, null]) },
  ])('is refused for another exchange: %j', async (session) => {
    expect(await fault(reply, session)).toBe('holder_proof_invalid');
  });

  it.each([
    null,
    {},
    { ...SESSION, nonce: '' },
    { ...SESSION, nonce: undefined },
    { protocol: 'dc-api', origin: '', nonce: 'n' },
    { protocol: 'transcript', transcript: 'text' },
    { protocol: 'transcript', transcript: Buffer.of(0xff) },
  ])('is refused by a caller that lost its exchange: %j', async (session) => {
    expect(await fault(reply, session as never)).toBe('nonce_mismatch');
  });

  it('is not replayed inside a signature that carries its own text', async () => {
    // What the device once signed for another exchange, given as the payload of this one.
    const parts = ['DeviceAuthentication', transcript(SESSION), AV];
    const devicePayload = cborEncode(parts);
    expect(await fault(deviceResponse({ devicePayload }))).toBe('holder_proof_invalid');
  });
});

it('holds a licence’s signer to the purpose that ISO 18013-5 gives it', async () => {
  const licences = sourceOf({ issuers: [{ types: [LICENCE], roots: [root.pem] }] });
  const licence = (changes: Changes) => licences(deviceResponse({ docType: LICENCE, ...changes }));
  expect(await refusal(licence({}))).toBe('age_evidence_invalid certificate_untrusted');
  const reader = signedBy(below(root, { purposes: ['1.0.18013.5.1.6'] }));
  expect(await refusal(licence(reader))).toBe('age_evidence_invalid certificate_untrusted');
  const meant = signedBy(below(root, { purposes: ['1.0.18013.5.1.2'] }));
  expect((await licence(meant)).range.min).toBe(18);
});

describe('CBOR', () => {
  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

  it.each([
    ['nothing', ''],
    ['bytes behind it', 'a0 00'],
    ['a length that is longer than it need be', 'b8 00'],
    ['a number that is longer than it need be', '18 17'],
    ['an endless map', 'bf ff'],
    ['an endless text', '7f 61 61 ff'],
    ['a length beyond what is there', '5a ff ff ff ff'],
    ['a list beyond what is there', '9a ff ff ff ff'],
    ['a map beyond what is there', 'ba ff ff ff ff'],
    ['a number of eight bytes', '1b 00 00 00 01 00 00 00 00'],
    ['a floating point number', 'f9 3c 00'],
    ['undefined', 'f7'],
    ['a reserved head', '1c'],
    ['a key twice', 'a2 61 61 01 61 61 02'],
    ['text that is not UTF-8', '61 ff'],
    ['an unknown tag', 'c2 41 01'],
    ['an embedded item with bytes behind it', 'd8 18 42 01 01'],
    ['an embedded item that is no bytes', 'd8 18 61 61'],
    ['a date that is none', 'd9 03 ec 6a 32 30 31 34 2f 30 35 2f 30 31'],
    ['a depth without end', `${'81'.repeat(5_000)}00`],
    ['embedded items without end', 'd8 18 58 20 '.repeat(40)],
  ])('of a reply: %s', async (_, bytes) => {
    expect(await fault(hex(bytes))).toBe('malformed');
  });

  it('is refused as anything but bytes or base64url', async () => {
    for (const text of ['', 'a+b/', 'ab==', ' ']) expect(await fault(text)).toBe('malformed');
    for (const other of [undefined, null, 7, {}, []]) {
      expect(await fault(other as never)).toBe('malformed');
    }
    expect(await fault(new Uint8Array(64 * 1024 + 1))).toBe('too_large');
    expect(await fault('A'.repeat(200_000))).toBe('too_large');
  });
});

describe('impossible dates', () => {
  const born = { elements: { age_over_18: true, birth_date: new DateOnly('2010-05-01') } };
  const made = { elements: { age_over_18: true, issued: new Date('2016-12-31T23:59:59Z') } };

  it('takes the real ones', async () => {
    expect(await read(deviceResponse(born))).toMatchObject({ range: { min: 18 } });
    expect(await read(deviceResponse(made))).toMatchObject({ range: { min: 18 } });
  });

  it.each(['2010-00-01', '2010-13-01', '2010-02-30', '2010-05-00', '2010-05-32'])(
    'refuses the date %s',
    async (date) => {
      const bytes = replaced(deviceResponse(born), '2010-05-01', date);
      expect(await fault(bytes)).toBe('malformed');
    },
  );

  it.each(['2016-12-31T23:59:60Z', '2016-02-30T23:59:59Z', '2016-12-31T24:00:00Z'])(
    'refuses the instant %s',
    async (instant) => {
      const bytes = replaced(deviceResponse(made), '2016-12-31T23:59:59Z', instant);
      expect(await fault(bytes)).toBe('malformed');
    },
  );

  it('refuses them in the validity', async () => {
    const until = new Date(NOW + DAY).toISOString().replace('.000Z', 'Z');
    const bytes = replaced(deviceResponse(), until, `${until.slice(0, 5)}02-30${until.slice(10)}`);
    expect(await fault(bytes)).toBe('malformed');
  });
});

it('takes certificates with the critical extensions that it supports', async () => {
  const certificate = below(root, { critical: ['2.5.29.32'], usage: 0x40 });
  expect(await read(deviceResponse(signedBy(certificate)))).toMatchObject({ range: { min: 18 } });
});
