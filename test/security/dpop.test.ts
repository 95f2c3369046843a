import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { ageTokens, cnGame, createHandler, createLimiter } from '@spendcap/server';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { authorityWith, NAMED, verifierFor } from '../server/age/authority/authority-kit.ts';
import { type Device, device, type ProofParts, PUBLIC_URL } from '../server/age/token/dpop-kit.ts';
import {
  AUDIENCE,
  base64url,
  ISSUER,
  NOW,
  authority as plainAuthority,
  refusal,
  SECOND,
  verifierOf,
} from '../server/age/token/token-kit.ts';
import { anyStore } from '../support/any-store.ts';

const API_KEY = 'an-example-key-of-a-test';
const ALLOWANCE = ['GET', '/v1/allowance'] as const;
const PURCHASES = ['POST', '/v1/purchases'] as const;

let authority: Awaited<ReturnType<typeof authorityWith>>;
let phone: Device;
let thief: Device;
let token: string;
beforeAll(async () => {
  authority = await authorityWith();
  [phone, thief] = [await device(), await device()];
  token = await issueFor(phone);
});

function issueFor({ jkt }: Pick<Device, 'jkt'>): Promise<string> {
  return authority.issue({ desk: {} }, { ...NAMED, confirm: { jkt } });
}

let clock = NOW;
function api(options: { publicUrl?: string } = { publicUrl: PUBLIC_URL }) {
  const ageTokens = verifierFor(authority, { now: () => clock });
  const limiter = createLimiter({
    policy: cnGame(),
    store: anyStore(),
    ageTokens,
    now: () => clock,
  });
  clock = NOW;
  return createHandler(limiter, { apiKeys: [API_KEY], ...options });
}

function allowance(
  handler: ReturnType<typeof api>,
  {
    ageToken = token,
    proof,
    scheme = 'DPoP',
  }: { ageToken?: string; proof?: string; scheme?: string },
) {
  const headers = { authorization: `${scheme} ${ageToken}`, ...(proof && { dpop: proof }) };
  return handler(new Request('http://internal/v1/allowance?category=gems', { headers }));
}

function reserve(handler: ReturnType<typeof api>, body: object, path = '/v1/purchases') {
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
  const purchase = { amount: '10.00', currency: 'CNY', ageToken: token, ...body };
  const init = { method: 'POST', headers, body: JSON.stringify(purchase) };
  return handler(new Request(`http://internal${path}`, init));
}

/** Status and fault of a response, for example `401 proof_missing`. */
async function outcomeOf(answer: Promise<Response> | Response): Promise<string> {
  const response = await answer;
  const { why, code } = (await response.json()) as { why?: string; code?: string };
  return `${response.status} ${why ?? code ?? 'ok'}`;
}

describe('a bound token', () => {
  it.each(['ES256', 'EdDSA', 'PS256', 'RS256'])(
    'is good with a %s proof of its key',
    async (alg) => {
      const own = await device(alg);
      const ageToken = await issueFor(own);
      const proof = await own.prove(ageToken, ALLOWANCE);
      expect(await outcomeOf(allowance(api(), { ageToken, proof }))).toBe('200 ok');
    },
  );

  it('is worth nothing to who stole it without the key', async () => {
    const handler = api();
    const stolen = await allowance(handler, { scheme: 'Bearer' });
    expect(stolen.headers.get('www-authenticate')).toBe(
      'DPoP error="invalid_token", algs="ES256 EdDSA Ed25519 PS256 RS256"',
    );
    expect(await outcomeOf(stolen)).toBe('401 proof_missing');
    // A proof beside a bearer is no proof: RFC 9449, section 7.1, wants the DPoP scheme.
    const proof = await phone.prove(token, ALLOWANCE);
    expect(await outcomeOf(allowance(handler, { scheme: 'Bearer', proof }))).toBe(
      '401 proof_missing',
    );
    expect(await outcomeOf(allowance(handler, {}))).toBe('401 proof_invalid');
    const ofThief = await allowance(handler, { proof: await thief.prove(token, ALLOWANCE) });
    expect(ofThief.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_dpop_proof"/);
    expect(await outcomeOf(ofThief)).toBe('401 proof_invalid');
    expect(await outcomeOf(reserve(handler, { id: 'order-1' }))).toBe('422 proof_missing');
    expect(await outcomeOf(reserve(handler, {}, '/v1/decisions'))).toBe('422 proof_missing');
  });

  it('is refused in process too', async () => {
    const ageTokens = verifierFor(authority);
    expect(await refusal(ageTokens.verify(token))).toBe('age_token_invalid proof_missing');
    const url = 'https://game.example/buy';
    const jwt = await phone.prove(token, ['POST', ''], { claims: { htu: url } });
    const proof = { jwt, method: 'POST', url };
    const limiter = createLimiter({
      policy: cnGame(),
      store: anyStore(),
      ageTokens,
      now: () => NOW,
    });
    const order = { id: 'order-1', amount: '10.00', currency: 'CNY', ageToken: token };
    expect(await refusal(limiter.reserve(order))).toBe('age_token_invalid proof_missing');
    expect((await limiter.reserve({ ...order, proof })).allowed).toBe(true);
    const other = { ...order, id: 'order-2', proof };
    expect(await refusal(limiter.reserve(other))).toBe('age_token_invalid proof_replayed');
  });
});

describe('a proof is refused', () => {
  it.each<[string, ProofParts]>([
    ['for another method', { claims: { htm: 'POST' } }],
    ['for a method in another case', { claims: { htm: 'get' } }],
    ['for another path', { claims: { htu: `${PUBLIC_URL}/v1/decisions` } }],
    ['for another host', { claims: { htu: 'https://evil.example/spendcap/v1/allowance' } }],
    ['for another scheme', { claims: { htu: 'http://pay.example/spendcap/v1/allowance' } }],
    [
      'for where the request seems to have gone',
      { claims: { htu: 'http://internal/v1/allowance' } },
    ],
    ['for no address', { claims: { htu: undefined } }],
    ['for an address that is none', { claims: { htu: 'pay.example' } }],
    ['for another token', { claims: { ath: base64url('another') } }],
    ['for no token', { claims: { ath: undefined } }],
    ['without a name', { claims: { jti: undefined } }],
    ['with an empty name', { claims: { jti: '' } }],
    ['with a name that is no text', { claims: { jti: 7 } }],
    ['with a name that is too long', { claims: { jti: 'x'.repeat(257) } }],
    ['without a time', { claims: { iat: undefined } }],
    ['with a time that is no number', { claims: { iat: String(SECOND) } }],
    ['of another type', { header: { typ: 'jwt' } }],
    ['of no type', { header: { typ: undefined } }],
    ['of the type of age tokens', { header: { typ: 'age+jwt' } }],
    ['without a key', { header: { jwk: undefined } }],
    ['with a key by its address', { header: { jwk: undefined, jku: 'https://evil.example/jwks' } }],
  ])('%s', async (_, parts) => {
    const proof = await phone.prove(token, ALLOWANCE, parts);
    expect(await outcomeOf(allowance(api(), { proof }))).toBe('401 proof_invalid');
  });

  it('with an extension that is not understood', async () => {
    const proof = await new SignJWT({ htm: 'GET' })
      .setProtectedHeader({
        typ: 'dpop+jwt',
        alg: 'ES256',
        jwk: phone.jwk,
        crit: ['b64'],
        b64: true,
      })
      .sign(phone.privateKey);
    expect(await outcomeOf(allowance(api(), { proof }))).toBe('401 proof_invalid');
  });

  it('with a private key in its header', async () => {
    for (const jwk of [phone.privateJwk, { ...phone.jwk, d: 'AA' }, { ...phone.jwk, k: 'AA' }]) {
      const proof = await phone.prove(token, ALLOWANCE, { header: { jwk } });
      expect(await outcomeOf(allowance(api(), { proof }))).toBe('401 proof_invalid');
    }
  });

  it('with a symmetric algorithm, or none', async () => {
    const [, payload] = (await phone.prove(token, ALLOWANCE)).split('.');
    const secret = new TextEncoder().encode(JSON.stringify(phone.jwk));
    const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString());
    for (const jwk of [phone.jwk, { kty: 'oct', k: base64url(JSON.stringify(phone.jwk)) }]) {
      const proof = await new SignJWT(claims)
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk })
        .sign(secret);
      expect(await outcomeOf(allowance(api(), { proof }))).toBe('401 proof_invalid');
    }
    const unsigned = base64url({ typ: 'dpop+jwt', alg: 'none', jwk: phone.jwk });
    expect(await outcomeOf(allowance(api(), { proof: `${unsigned}.${payload}.` }))).toBe(
      '401 proof_invalid',
    );
  });

  it('with a symmetric key to which a token was bound', async () => {
    const jwk = { kty: 'oct', k: base64url('a secret that both sides know') };
    const ageToken = await issueFor({ jkt: await calculateJwkThumbprint(jwk) });
    const proof = await new SignJWT({ htm: 'GET' })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk })
      .sign(new TextEncoder().encode('a secret that both sides know'));
    expect(await outcomeOf(allowance(api(), { ageToken, proof }))).toBe('401 proof_invalid');
  });

  it('with an RSA key of 1024 bits', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const jwk = publicKey.export({ format: 'jwk' });
    const ageToken = await issueFor({ jkt: await calculateJwkThumbprint(jwk) });
    const claims = {
      jti: randomUUID(),
      htm: 'GET',
      htu: `${PUBLIC_URL}/v1/allowance`,
      iat: SECOND,
      ath: createHash('sha256').update(ageToken).digest('base64url'),
    };
    const input = `${base64url({ typ: 'dpop+jwt', alg: 'RS256', jwk })}.${base64url(claims)}`;
    const signature = sign('sha256', Buffer.from(input), privateKey).toString('base64url');
    const proof = `${input}.${signature}`;
    expect(await outcomeOf(allowance(api(), { ageToken, proof }))).toBe('401 proof_invalid');
  });

  it('that is the token itself, two proofs, huge, or no JWT', async () => {
    const handler = api();
    const one = await phone.prove(token, ALLOWANCE);
    for (const proof of [token, `${one}, ${one}`, 'a', `${one}.x`, `${'a'.repeat(9_000)}.b.c`]) {
      expect(await outcomeOf(allowance(handler, { proof }))).toBe('401 proof_invalid');
    }
  });

  it('beside a token that is bound to nothing', async () => {
    const ageToken = await authority.issue({ desk: {} }, NAMED);
    const handler = api();
    const proof = await phone.prove(ageToken, ALLOWANCE);
    expect(await outcomeOf(allowance(handler, { ageToken, proof }))).toBe('401 proof_invalid');
    expect(await outcomeOf(allowance(handler, { ageToken, scheme: 'Bearer' }))).toBe('200 ok');
  });

  it('where it cannot be known what players call this server', async () => {
    const handler = api({});
    const proof = await phone.prove(token, ALLOWANCE, {
      claims: { htu: 'http://internal/v1/allowance' },
    });
    expect(await outcomeOf(allowance(handler, { proof }))).toBe('401 unauthorized');
    expect(await outcomeOf(reserve(handler, { id: 'order-1', proof }))).toBe('400 invalid_request');
    expect(await outcomeOf(allowance(handler, { scheme: 'Bearer' }))).toBe('401 proof_missing');
  });
});

describe('a proof is accepted', () => {
  it.each<[string, ProofParts]>([
    [
      'with a query and a fragment in its address',
      { claims: { htu: `${PUBLIC_URL}/v1/allowance?a#b` } },
    ],
    [
      'with its host in another case',
      { claims: { htu: 'https://PAY.example:443/spendcap/v1/allowance' } },
    ],
    ['with its type in another case', { header: { typ: 'DPoP+JWT' } }],
  ])('%s', async (_, parts) => {
    const proof = await phone.prove(token, ALLOWANCE, parts);
    expect(await outcomeOf(allowance(api(), { proof }))).toBe('200 ok');
  });
});

describe('the age of a proof', () => {
  it.each([
    [-65, '200 ok'],
    [-66, '401 proof_expired'],
    [5, '200 ok'],
    [6, '401 proof_expired'],
    [-86_400, '401 proof_expired'],
    [86_400, '401 proof_expired'],
  ])('of %d seconds from now', async (seconds, outcome) => {
    const proof = await phone.prove(token, ALLOWANCE, { claims: { iat: SECOND + seconds } });
    expect(await outcomeOf(allowance(api(), { proof }))).toBe(outcome);
  });

  it.each([
    [{ exp: SECOND - 6 }, '401 proof_expired'],
    [{ nbf: SECOND + 6 }, '401 proof_expired'],
    [{ exp: SECOND + 60, nbf: SECOND }, '200 ok'],
    [{ exp: 'soon' }, '401 proof_invalid'],
  ])('that names more times: %j', async (times, outcome) => {
    const proof = await phone.prove(token, ALLOWANCE, { claims: times });
    expect(await outcomeOf(allowance(api(), { proof }))).toBe(outcome);
  });
});

describe('a replay', () => {
  it('of a proof is refused, also at the end of its life, and also after it', async () => {
    const handler = api();
    const proof = await phone.prove(token, ALLOWANCE, { claims: { iat: SECOND + 5 } });
    expect(await outcomeOf(allowance(handler, { proof }))).toBe('200 ok');
    for (const seconds of [0, 1, 30, 69, 70]) {
      clock = NOW + seconds * 1000;
      expect(await outcomeOf(allowance(handler, { proof }))).toBe('401 proof_replayed');
    }
    clock = NOW + 71_000;
    expect(await outcomeOf(allowance(handler, { proof }))).toBe('401 proof_expired');
  });

  it('of a name is refused, whatever else the proof says; of another key it is another name', async () => {
    const handler = api();
    const claims = { jti: 'a name' };
    await allowance(handler, { proof: await phone.prove(token, ALLOWANCE, { claims }) });
    const again = await phone.prove(token, ALLOWANCE, { claims: { ...claims, iat: SECOND - 1 } });
    expect(await outcomeOf(allowance(handler, { proof: again }))).toBe('401 proof_replayed');
    const ageToken = await issueFor(thief);
    const proof = await thief.prove(ageToken, ALLOWANCE, { claims });
    expect(await outcomeOf(allowance(handler, { ageToken, proof }))).toBe('200 ok');
  });

  it('of two at the same time lets one through', async () => {
    const handler = api();
    const proof = await phone.prove(token, ALLOWANCE);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => outcomeOf(allowance(handler, { proof }))),
    );
    expect(outcomes.filter((each) => each === '200 ok')).toHaveLength(1);
  });

  it('of a purchase is a retry: the same id again, and no other', async () => {
    const handler = api();
    const proof = await phone.prove(token, PURCHASES);
    expect(await outcomeOf(reserve(handler, { id: 'order-1', proof }))).toBe('201 ok');
    expect(await outcomeOf(reserve(handler, { id: 'order-1', proof }))).toBe('200 ok');
    expect(await outcomeOf(reserve(handler, { id: 'order-2', proof }))).toBe('422 proof_replayed');
    expect(await outcomeOf(reserve(handler, { proof }, '/v1/decisions'))).toBe('422 proof_invalid');
  });

  it('is not forgotten because many others were shown', async () => {
    const issuers = [{ issuer: ISSUER, audience: AUDIENCE, jwks: authority.jwks() }];
    let at = NOW;
    const verifier = ageTokens({ issuers, now: () => at, proofCacheSize: 3 });
    const show = async (jti: string) => {
      const claims = { jti, iat: at / 1000 };
      const jwt = await phone.prove(token, ALLOWANCE, { claims });
      const proof = { jwt, method: 'GET', url: `${PUBLIC_URL}/v1/allowance` };
      return verifier.verify(token, { proof });
    };
    for (const jti of ['1', '2', '3']) await show(jti);
    // Rather than forget one, it takes no more until the oldest is too old to be shown.
    expect(await refusal(show('4'))).toBe('overloaded');
    expect(await refusal(show('1'))).toBe('age_token_invalid proof_replayed');
    at = NOW + 71_000;
    await show('4');
  });
});

describe('a flood of proofs', () => {
  it('of one player shuts out nobody else, and them until the proofs are too old', async () => {
    const issuers = [{ issuer: ISSUER, audience: AUDIENCE, jwks: authority.jwks() }];
    let at = NOW;
    const verifier = ageTokens({ issuers, now: () => at });
    const show = async (player: Device, ageToken: string) => {
      const jwt = await player.prove(ageToken, ALLOWANCE, { claims: { iat: at / 1000 } });
      const proof = { jwt, method: 'GET', url: `${PUBLIC_URL}/v1/allowance` };
      return verifier.verify(ageToken, { proof });
    };
    const flooding = await issueFor(thief);
    for (let shown = 0; shown < 1_000; shown += 1) await show(thief, flooding);
    expect(await refusal(show(thief, flooding))).toBe('too_many_proofs');
    // A new token for the same key is no way round it.
    expect(await refusal(show(thief, await issueFor(thief)))).toBe('too_many_proofs');
    await show(phone, token);
    at = NOW + 71_000;
    await show(thief, flooding);
  });
});

describe('a binding that is not understood', () => {
  it.each([
    ['by an embedded key', { jwk: { kty: 'oct', k: 'AA' } }],
    ['by a certificate', { 'x5t#S256': 'A'.repeat(43) }],
    ['by a thumbprint that is none', { jkt: 'short' }],
    ['by nothing', {}],
    ['null', null],
    ['that is a text', 'key'],
  ])('is refused: %s', async (_, cnf) => {
    const other = await plainAuthority();
    const call = verifierOf(other).verify(await other.sign({ cnf }));
    expect(await refusal(call)).toBe('age_token_invalid binding_unknown');
  });
});
