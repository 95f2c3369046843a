import { generatePermitKey, permits, permitVerifier } from '@spendcap/server';
import { type StatementOptions, statementSource } from '@spendcap/server/age/sources/statement';
import type { JWTHeaderParameters } from 'jose';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Authority,
  authority,
  type Claims,
  ISSUER,
  NOW,
  refusal,
  SECOND,
  verifierOf,
} from '../../token/token-kit.ts';

const AUDIENCE = 'https://authority.example';
const ACCOUNT = 'player-1';

let guardian: Authority;
beforeAll(async () => {
  guardian = await authority();
});

const sourceOf = (options: Partial<StatementOptions> = {}) =>
  statementSource({
    by: 'guardian',
    issuers: [{ issuer: ISSUER, jwks: guardian.jwks }],
    audience: AUDIENCE,
    ...options,
  });

const CLAIMS = { aud: AUDIENCE, jti: 'statement-1', age_range: { min: 12, max_exclusive: 13 } };

const signed = (claims: Claims = {}, header: Partial<JWTHeaderParameters> = {}) =>
  guardian.sign({ ...CLAIMS, ...claims }, { typ: 'age-statement+jwt', ...header });

async function verify(
  claims: Claims = {},
  {
    account = ACCOUNT,
    at = NOW,
    ...options
  }: Partial<
    StatementOptions & {
      account: string;
      at: number;
    }
  > = {},
) {
  return sourceOf(options).verify({ statement: await signed(claims), account }, { at });
}

const fault = async (...args: Parameters<typeof verify>) =>
  (await refusal(verify(...args))).replace('age_evidence_invalid ', '');

describe('a statement', () => {
  it('of a guardian yields the range that it states, until it expires', async () => {
    expect(await verify({ exp: SECOND + 100 })).toEqual({
      range: { min: 12, maxExclusive: 13 },
      asOf: NOW,
      assurance: 'guardian',
      kind: 'guardian_statement',
      expiresAt: NOW + 100_000,
    });
  });

  it('of the operator has the configured assurance, whatever it claims', async () => {
    const by = { operator: 'assessed' } as const;
    const finding = await verify({ assurance: 'verified' }, { by });
    expect(finding).toMatchObject({ assurance: 'assessed', kind: 'operator_statement' });
  });

  it.each([
    [{ age_range: { min: 16 } }, '16-'],
    [{ age_range: undefined, age_equal_or_over: { 16: true, 18: false } }, '16-18'],
    [{ age_range: undefined, birthdate: '2014-11-24' }, '11-12'],
    [{ age_range: undefined }, '0-'],
    [{ iat: SECOND - 366 * 86_400, exp: SECOND + 60 }, '13-15'],
  ])('with %o says %s today', async (claims, range) => {
    const { range: found } = await verify(claims);
    expect(`${found.min}-${found.maxExclusive ?? ''}`).toBe(range);
  });

  it('counts birthdays in the calendar of its time zone', async () => {
    const claims = { age_range: undefined, birthdate: '2014-11-24' };
    const at = NOW + 4 * 3_600_000;
    const later = { iat: SECOND, exp: SECOND + 86_400, ...claims };
    expect((await verify(later, { at })).range.min).toBe(11);
    expect((await verify(later, { at, timeZone: 'Asia/Shanghai' })).range.min).toBe(12);
  });

  it.each([
    ['claim_missing', { jti: undefined }],
    ['claim_missing', { iat: undefined }],
    ['claim_missing', { exp: undefined }],
    ['claim_missing', { sub: undefined }],
    ['claim_missing', { aud: undefined }],
    ['claim_missing', { iss: undefined }],
    ['issuer_unknown', { iss: 'https://other.example' }],
    ['audience_mismatch', { aud: 'https://limiter.example' }],
    ['expired', { exp: SECOND - 5 }],
    ['not_yet_valid', { iat: SECOND + 6 }],
    ['not_yet_valid', { nbf: SECOND + 6 }],
    ['account_mismatch', { sub: 'player-2' }],
    ['account_mismatch', { sub: ['player-1'] }],
    ['malformed', { jti: 7 }],
    ['malformed', { jti: '' }],
    ['age_claim_invalid', { age_range: { min: -1 } }],
    ['age_claim_invalid', { age_over_18: 'yes' }],
    ['age_contradictory', { age_over_18: true }],
  ])('is refused as %s with %o', async (why, claims) => {
    expect(await fault(claims)).toBe(why);
  });

  it('is refused where a token is wanted for another account than its own', async () => {
    const shown = { statement: await signed(), account: ACCOUNT };
    const verifyFor = (subject: string) => sourceOf().verify(shown, { at: NOW, subject });
    expect(await verifyFor(ACCOUNT)).toMatchObject({ assurance: 'guardian' });
    expect(await refusal(verifyFor('player-2'))).toBe('age_evidence_invalid account_mismatch');
  });

  it('is refused once it was withdrawn, and when that cannot be found out', async () => {
    const isRevoked = vi.fn(async () => true);
    expect(await fault({}, { isRevoked })).toBe('revoked');
    expect(isRevoked).toHaveBeenCalledWith({ issuer: ISSUER, jti: 'statement-1' });
    const silent = (async () => undefined) as unknown as () => Promise<boolean>;
    expect(await fault({}, { isRevoked: silent })).toBe('revoked');
    const failing = () => Promise.reject(new Error('the statement was …'));
    const error = await verify({}, { isRevoked: failing }).catch((reason) => reason);
    expect(error.code).toBe('age_source_unavailable');
    expect(error.cause).toBeUndefined();
  });

  it('is not found out when its keys cannot be read', async () => {
    const jwks = new URL('https://family.example/jwks');
    const fetch = () => Promise.reject(new Error('no network'));
    const issuers = [{ issuer: ISSUER, jwks }];
    expect(await refusal(verify({}, { issuers, fetch }))).toBe('age_source_unavailable');
  });
});

describe('no other token passes for one', () => {
  const shown = async (token: string) =>
    refusal(sourceOf().verify({ statement: token, account: ACCOUNT }, { at: NOW }));

  it.each(['age+jwt', 'permit+jwt', 'JWT', 'at+jwt', 'dpop+jwt', undefined])(
    'typ %s',
    async (typ) => {
      const token = await signed({}, { typ } as Partial<JWTHeaderParameters>);
      expect(await shown(token)).toBe('age_evidence_invalid type_mismatch');
    },
  );

  it('signed with a stranger’s key, or not at all', async () => {
    const stranger = await authority();
    const forged = await stranger.sign(CLAIMS, { typ: 'age-statement+jwt' });
    expect(await shown(forged)).toBe('age_evidence_invalid signature_invalid');
    expect(await shown('')).toBe('age_evidence_invalid malformed');
    expect(await shown(null as never)).toBe('age_evidence_invalid malformed');
    const nothing = sourceOf().verify(null as never, { at: NOW });
    expect(await refusal(nothing)).toBe('age_evidence_invalid malformed');
    expect(await shown(`${await signed()}${'x'.repeat(8192)}`)).toBe(
      'age_evidence_invalid too_large',
    );
  });

  it('and it passes for none of them, even from one issuer with one key', async () => {
    const statement = await signed({ aud: ['https://limiter.example', AUDIENCE] });
    expect(await refusal(verifierOf(guardian).verify(statement))).toBe(
      'age_token_invalid type_mismatch',
    );
    const key = await generatePermitKey();
    const parties = { issuer: ISSUER, audience: AUDIENCE };
    const { jwks } = permits({ key, ...parties });
    const verifyPermit = permitVerifier({
      jwks: { keys: [...jwks.keys, guardian.publicJwk] },
      ...parties,
      now: () => NOW,
    });
    const purchase = { id: 'order-1', amount: '1.00', currency: 'CNY' };
    expect(await refusal(verifyPermit(await signed(), purchase))).toBe(
      'permit_invalid type_mismatch',
    );
  });
});

it.each([
  ['audience', { audience: '' }],
  ['issuers', { issuers: [] }],
  ['issuer', { issuers: [{ issuer: '', jwks: { keys: [] } }] }],
  ['jwks', { issuers: [{ issuer: 'x', jwks: { keys: [] } }] }],
  ['by', { by: 'anyone' }],
  ['by', { by: { operator: 'certain' } }],
])('an invalid %s is refused at construction', (name, options) => {
  expect(() => sourceOf(options as never)).toThrow(new RegExp(`^${name}`));
  expect(() => sourceOf(options as never)).toThrow(TypeError);
});
