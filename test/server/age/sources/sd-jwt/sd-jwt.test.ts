import { KeyObject } from 'node:crypto';
import { walletIssuer } from '@spendcap/sandbox/wallet';
import { type SdJwtSourceOptions, sdJwtSource } from '@spendcap/server/age/sources/sd-jwt';
import { describe, expect, it } from 'vitest';
import { authority, type Claims, NOW, refusal, SECOND } from '../../token/token-kit.ts';
import {
  AUDIENCE,
  digestOf,
  disclosure,
  NONCE,
  presentation,
  publicJwk,
  root,
  signer,
  sourceOf,
  TYPE,
} from './sd-jwt-kit.ts';

it('a status check that fails makes the source unavailable, and says nothing of it', async () => {
  const status = { status_list: { uri: 'https://pid.example/status/1', idx: 1 } };
  const text = presentation({ payload: { status } });
  const throws = () => {
    throw new Error('secret');
  };
  for (const check of [throws, async () => throws()]) {
    const error = await sourceOf({ status: check })(text).catch((fault) => fault);
    expect(error).toMatchObject({ code: 'age_source_unavailable' });
    expect(error.cause).toBeUndefined();
    expect(error.message).not.toContain('secret');
  }
});

describe('what issuers of the EU also do', () => {
  it.each(['sha3-256', 'sha3-384', 'sha3-512'])('digests by %s are read', async (name) => {
    const text = presentation({ hash: name, payload: { _sd_alg: name } });
    expect((await sourceOf()(text)).range).toEqual((await sourceOf()(presentation())).range);
  });

  it('the older type is accepted by option only', async () => {
    const text = presentation({ header: { typ: 'vc+sd-jwt' } });
    const issuer = { types: [TYPE], roots: [root.pem] };
    const accepting = sourceOf({ issuers: [{ ...issuer, acceptVcSdJwt: true }] });
    expect((await accepting(text)).assurance).toBe('verified');
    expect((await accepting(presentation())).assurance).toBe('verified');
    const other = presentation({ header: { typ: 'age+jwt' } });
    expect(await refusal(accepting(other))).toBe('age_evidence_invalid type_mismatch');
    expect(() => sourceOf({ issuers: [{ ...issuer, acceptVcSdJwt: 1 as never }] })).toThrow(
      'acceptVcSdJwt',
    );
  });
});

describe('what a wallet shows', () => {
  const issuer = walletIssuer({ now: () => NOW });
  const source = sdJwtSource({
    issuers: [{ types: [TYPE, 'urn:eudi:pid:de:1'], roots: issuer.roots }],
    audience: AUDIENCE,
  });

  async function rangeOf(claims: Claims, requested: readonly string[], type = TYPE) {
    const held = await issuer.sdJwt({ type, claims });
    const text = await held.present({ claims: requested, nonce: NONCE, audience: AUDIENCE });
    return (await source.verify({ presentation: text, nonce: NONCE }, { at: NOW })).range;
  }

  it('is a birth date in today’s PID', async () => {
    const claims = { birthdate: '2014-05-01', family_name: 'Muster' };
    expect(await rangeOf(claims, ['birthdate'])).toEqual({ min: 12, maxExclusive: 13 });
  });

  it('is whether an age is reached in the German one, of which only some is shown', async () => {
    const claims = { age_equal_or_over: { 12: true, 14: true, 16: false, 18: false } };
    const read = (...requested: string[]) => rangeOf(claims, requested, 'urn:eudi:pid:de:1');
    expect(await read('age_equal_or_over.16')).toEqual({ min: 0, maxExclusive: 16 });
    expect(await read('age_equal_or_over.12', 'age_equal_or_over.16')).toEqual({
      min: 12,
      maxExclusive: 16,
    });
  });

  it('is an age or a year of birth in the older PID', async () => {
    const claims = { age_in_years: 12, age_birth_year: 2014 };
    expect(await rangeOf(claims, ['age_in_years'])).toEqual({ min: 12, maxExclusive: 13 });
    expect(await rangeOf(claims, ['age_birth_year'])).toEqual({ min: 11, maxExclusive: 13 });
  });

  it('is refused if it states no age, or a contradictory one', async () => {
    const none = rangeOf({ birthdate: '2014-05-01', nationality: 'UT' }, ['nationality']);
    expect(await refusal(none)).toBe('age_evidence_invalid age_missing');
    const both = rangeOf({ birthdate: '1990-05-01', age_in_years: 12 }, [
      'birthdate',
      'age_in_years',
    ]);
    expect(await refusal(both)).toBe('age_evidence_invalid age_contradictory');
  });
});

describe('the finding', () => {
  it('keeps a range and an end, and nothing else', async () => {
    expect(await sourceOf()(presentation())).toEqual({
      range: { min: 12, maxExclusive: 13 },
      asOf: NOW,
      assurance: 'verified',
      kind: 'sd_jwt_vc',
      expiresAt: (SECOND + 86_400) * 1000,
    });
  });

  it('counts what is not a birth date from when the issuer signed', async () => {
    const held = { disclosures: [disclosure('age_in_years', 12)] };
    const found = await sourceOf()(presentation(held));
    expect(found).toMatchObject({ range: { min: 12, maxExclusive: 13 }, asOf: NOW - 86_400_000 });
    const undated = presentation({ ...held, payload: { iat: undefined, exp: undefined } });
    expect(await sourceOf()(undated)).toEqual({
      range: { min: 12, maxExclusive: 13 },
      asOf: NOW,
      assurance: 'verified',
      kind: 'sd_jwt_vc',
    });
  });
});

describe('an issuer', () => {
  it('may be named as well as certified', async () => {
    const issuers = [{ types: [TYPE], roots: [root.pem], issuer: 'https://pid.example' }];
    const read = sourceOf({ issuers });
    expect(await read(presentation({ payload: { iss: 'https://pid.example' } }))).toBeDefined();
    expect(await refusal(read(presentation()))).toBe('age_evidence_invalid issuer_unknown');
  });

  it('may be known by a key set, then without a certificate', async () => {
    const { publicJwk: jwk, privateKey } = await authority('pid-1');
    const issuers = [{ types: [TYPE], issuer: 'https://pid.example', jwks: { keys: [jwk] } }];
    const made = presentation({
      header: { x5c: undefined, kid: 'pid-1' },
      payload: { iss: 'https://pid.example' },
      issuerKey: KeyObject.from(privateKey),
    });
    expect((await sourceOf({ issuers })(made)).range.min).toBe(12);
    const certified = presentation({ payload: { iss: 'https://pid.example' } });
    expect(await refusal(sourceOf({ issuers })(certified))).toBe(
      'age_evidence_invalid issuer_unknown',
    );
  });
});

it('may nest what is disclosed, hide the rest, and use a longer hash', async () => {
  const inner = disclosure('18', false);
  const sha512 = (text: string) => digestOf(text, 'sha512');
  const outer = disclosure('age_equal_or_over', { 12: true, _sd: [sha512(inner), sha512('?')] });
  const element = disclosure('UT');
  const made = presentation({
    hash: 'sha512',
    disclosures: [inner, outer, element],
    digests: [sha512(outer), sha512('decoy')],
    payload: {
      _sd_alg: 'sha-512',
      nationalities: [{ '...': sha512(element) }, { '...': sha512('hidden') }],
    },
  });
  expect((await sourceOf()(made)).range).toEqual({ min: 12, maxExclusive: 18 });
});

describe('status', () => {
  const status = { status_list: { uri: 'https://pid.example/status/1', idx: 7 } };
  const held = presentation({ payload: { status } });

  it('is checked, and decides', async () => {
    const checked: unknown[] = [];
    const answering = (answer: 'valid' | 'revoked' | 'unknown') =>
      sourceOf({
        status: async (...question) => {
          checked.push(question);
          return answer;
        },
      });
    expect((await answering('valid')(held)).range.min).toBe(12);
    expect(await refusal(answering('revoked')(held))).toBe('age_evidence_invalid revoked');
    const unknown = 'age_evidence_invalid status_unchecked';
    expect(await refusal(answering('unknown')(held))).toBe(unknown);
    expect(await refusal(sourceOf()(held))).toBe(unknown);
    expect(checked[0]).toEqual([status, { at: NOW }]);
    await answering('valid')(presentation());
    expect(checked).toHaveLength(3);
  });
});

const ISSUER = { types: [TYPE], roots: [root.pem] };
it.each<Partial<SdJwtSourceOptions>>([
  { issuers: [] },
  { issuers: [{ ...ISSUER, types: [] }] },
  { issuers: [{ ...ISSUER, roots: [] }] },
  { issuers: [{ ...ISSUER, roots: ['not a certificate'] }] },
  { issuers: [{ ...ISSUER, roots: [root.pem + signer.pem] }] },
  { issuers: [{ ...ISSUER, algorithms: ['none'] }] },
  { issuers: [{ types: [TYPE], jwks: { keys: [publicJwk(root.key)] } }] },
  { issuers: [{ types: [TYPE] }] },
  { audience: [] },
  { audience: '' },
  { maxAgeSeconds: 0 },
  { timeZone: '+01:00' },
])('refuses options that can never work: %j', (options) => {
  const whole = { issuers: [ISSUER], audience: AUDIENCE, ...options };
  expect(() => sdJwtSource(whole)).toThrow(TypeError);
});
