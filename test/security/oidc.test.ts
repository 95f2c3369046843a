import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, expect, it } from 'vitest';
import {
  CLIENT,
  NONCE,
  PROVIDER,
  type Provider,
  provider,
  sourceOf,
} from '../server/age/sources/oidc/oidc-kit.ts';
import { base64url, type Claims, NOW, refusal, SECOND } from '../server/age/token/token-kit.ts';

let id: Provider;
beforeAll(async () => {
  id = await provider();
});

const AGE = { birthdate: '2014-05-01' };
const fault = async (token: string, nonce = NONCE, at = NOW) =>
  (await refusal(sourceOf(id)(token, nonce, at))).replace('age_evidence_invalid ', '');

it.each<[string, Claims]>([
  ['issuer_unknown', { iss: 'https://evil.example' }],
  ['issuer_unknown', { iss: `${PROVIDER}/` }],
  ['claim_missing', { iss: undefined }],
  ['audience_mismatch', { aud: 'another-client' }],
  ['claim_missing', { aud: undefined }],
  ['audience_mismatch', { aud: [] }],
  // OpenID Connect Core, section 3.1.3.7: of several, the authorised party must be us.
  ['audience_mismatch', { aud: [CLIENT, 'another-client'] }],
  ['audience_mismatch', { aud: [CLIENT, 'another-client'], azp: 'another-client' }],
  ['audience_mismatch', { azp: 'another-client' }],
  ['audience_mismatch', { azp: null }],
  ['claim_missing', { exp: undefined }],
  ['claim_missing', { iat: undefined }],
  ['claim_missing', { sub: undefined }],
  ['claim_missing', { sub: '' }],
  ['claim_missing', { sub: 7 }],
  ['expired', { exp: SECOND - 6 }],
  ['not_yet_valid', { iat: SECOND + 6 }],
  ['not_yet_valid', { nbf: SECOND + 6 }],
  ['nonce_mismatch', { nonce: 'another' }],
  ['nonce_mismatch', { nonce: undefined }],
  ['nonce_mismatch', { nonce: [NONCE] }],
])('refuses an id_token, %s: %j', async (why, claims) => {
  expect(await fault(await id.sign({ ...AGE, ...claims }))).toBe(why);
});

it('accepts the id_token that each attack starts from', async () => {
  expect((await sourceOf(id)(await id.sign(AGE))).range.min).toBe(12);
  expect(await sourceOf(id)(await id.sign({ ...AGE, azp: CLIENT }))).toBeDefined();
  const shared = { ...AGE, aud: [CLIENT, 'another-client'], azp: CLIENT };
  expect(await sourceOf(id)(await id.sign(shared))).toBeDefined();
  expect(await sourceOf(id)(await id.sign(AGE, { typ: 'jwt' }))).toBeDefined();
});

it('refuses an id_token that answers another request, or a caller that lost its nonce', async () => {
  const token = await id.sign(AGE);
  expect(await fault(token, 'another')).toBe('nonce_mismatch');
  expect(await fault(await id.sign({ ...AGE, nonce: '' }), '')).toBe('nonce_mismatch');
  const unasked = await id.sign({ ...AGE, nonce: null });
  expect(await fault(unasked, null as never)).toBe('nonce_mismatch');
});

it.each([
  'age+jwt',
  'at+jwt',
  'application/at+jwt',
  'dpop+jwt',
  'logout+jwt',
  'kb+jwt',
  'dc+sd-jwt',
  '',
])('refuses a token of another kind by the same provider: typ %j', async (typ) => {
  expect(await fault(await id.sign(AGE, { typ }))).toBe('type_mismatch');
});

it.each(['none', 'None', 'HS256', 'ES256', 'RS384', 'PS256'])('refuses alg %s', async (alg) => {
  const [, payload, signature] = (await id.sign(AGE)).split('.');
  const head = base64url({ alg, kid: 'rsa-1' });
  expect(await fault(`${head}.${payload}.${signature}`)).toBe('algorithm_not_allowed');
});

it('uses no key that the token brings', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const claims = { ...AGE, iss: PROVIDER, aud: CLIENT, sub: 'u', nonce: NONCE };
  const forged = await new SignJWT({ ...claims, iat: SECOND, exp: SECOND + 60 })
    .setProtectedHeader({ alg: 'RS256', kid: 'rsa-1', jwk: await exportJWK(publicKey) })
    .sign(privateKey);
  expect(await fault(forged)).toBe('signature_invalid');
});

it.each([undefined, null, 7, {}, '', 'a.b', 'a.b.c', `${'A'.repeat(20_000)}.e30.`])(
  'refuses what is no id_token: %j',
  async (token) => {
    expect(await fault(token as string)).toMatch(/^(malformed|too_large)$/);
  },
);
