import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Authority,
  authority,
  base64url,
  faultOf,
  verifierOf,
} from '../server/age/token/token-kit.ts';

let age: Authority;
let stranger: Authority;
beforeAll(async () => {
  age = await authority();
  stranger = await authority();
});
afterEach(() => vi.restoreAllMocks());

const fault = (token: string, options = {}) => faultOf(age, token, options);

describe('the key comes from the configuration (RFC 8725, 3.10)', () => {
  it('never uses or fetches a key that a token brings', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch');
    const { publicJwk } = stranger;
    for (const header of [
      { jwk: publicJwk },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example/chain' },
      { x5c: ['MIIB'] },
    ]) {
      expect(await fault(await stranger.sign({}, header))).toBe('signature_invalid');
      expect(await verifierOf(age).verify(await age.sign({}, header))).toBeDefined();
    }
    expect(fetched).not.toHaveBeenCalled();
  });

  it.each([
    '../../etc/passwd',
    '/dev/null',
    "x' UNION SELECT 'key",
    'key-1\0',
    '__proto__',
    'constructor',
    '',
    'k'.repeat(5_000),
  ])('takes kid %j as a name and nothing else', async (kid) => {
    expect(await fault(await age.sign({}, { kid }))).toBe('key_unknown');
  });

  it('refuses a kid that is no text', async () => {
    for (const kid of [1, null, ['key-1'], { toString: 'key-1' }]) {
      const head = base64url({ alg: 'ES256', typ: 'age+jwt', kid });
      expect(await fault((await age.sign()).replace(/^[^.]+/, head))).toBe('key_unknown');
    }
  });

  it('is the one that the token names, whatever the others are', async () => {
    const other = await authority('key-2');
    const jwks = { keys: [age.publicJwk, other.publicJwk] };
    await verifierOf({ jwks }).verify(await other.sign());
    expect(await fault(await other.sign({}, { kid: 'key-1' }), { issuer: { jwks } })).toBe(
      'signature_invalid',
    );
  });
});

describe('several keys that fit a token', () => {
  const unnamed = { kid: undefined as unknown as string };

  it('are all tried, without a kid or with one that is there twice', async () => {
    const others = await Promise.all([authority('key-1'), authority('key-2')]);
    const keys = [...others.map(({ publicJwk }) => publicJwk), age.publicJwk];
    for (const jwks of [{ keys }, { keys: keys.toReversed() }]) {
      const verifier = verifierOf({ jwks });
      await verifier.verify(await age.sign({ sub: 'player-1' }, unnamed));
      await verifier.verify(await age.sign({ sub: 'player-2' }));
      const token = await stranger.sign({}, unnamed);
      expect(await fault(token, { issuer: { jwks } })).toBe('signature_invalid');
    }
  });

  it('are at most ten', async () => {
    const others = await Promise.all(Array.from({ length: 10 }, () => authority()));
    const keys = others.map(({ publicJwk }) => publicJwk);
    const token = await age.sign({}, unnamed);
    const tenth = { keys: [...keys.slice(0, 9), age.publicJwk, ...keys.slice(9)] };
    await verifierOf({ jwks: tenth }).verify(token);
    const eleventh = { keys: [...keys, age.publicJwk] };
    expect(await fault(token, { issuer: { jwks: eleventh } })).toBe('signature_invalid');
  });
});

describe('a configured key set', () => {
  it('may hold keys of unknown kinds, which are passed over', async () => {
    const akp = { kty: 'AKP', alg: 'ML-DSA-44', kid: 'key-1', pub: 'AAAA' };
    const jwks = { keys: [akp, { kty: 'NEW', kid: 'key-1' }, age.publicJwk] };
    await verifierOf(age, { issuer: { jwks } }).verify(await age.sign());
    for (const keys of [[akp], []]) {
      expect(() => verifierOf(age, { issuer: { jwks: { keys } } })).toThrow(TypeError);
    }
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])(
    'is refused if any key, of whatever kind, has the private member %s',
    (member) => {
      for (const kty of ['EC', 'RSA', 'AKP', 'NEW']) {
        const keys = [age.publicJwk, { kty, kid: 'key-2', alg: 'ML-DSA-44', [member]: 'AA' }];
        expect(() => verifierOf(age, { issuer: { jwks: { keys } } })).toThrow(
          new TypeError(`jwks must hold public keys only, and one has the member "${member}"`),
        );
      }
    },
  );

  it.each([
    ['kty', 1],
    ['kid', 1],
    ['alg', ['ES256']],
    ['use', null],
    ['key_ops', 'verify'],
    ['key_ops', ['verify', 'verify']],
    ['key_ops', [1]],
    ['ext', 'true'],
  ])('is refused if the member %s of a key is %j (RFC 7517, section 4)', (member, value) => {
    for (const key of [age.publicJwk, { kty: 'NEW' }]) {
      const keys = [age.publicJwk, { ...key, [member]: value }];
      expect(() => verifierOf(age, { issuer: { jwks: { keys } } })).toThrow(
        new TypeError(`jwks holds a key whose member "${member}" is malformed`),
      );
    }
  });

  it('passes over keys for other purposes and unknown algorithms, but not if all are', async () => {
    const others = [{ alg: 'FOO' }, { use: 'enc' }, { key_ops: ['encrypt'] }].map((member) => ({
      ...stranger.publicJwk,
      ...member,
    }));
    const jwks = { keys: [...others, age.publicJwk] };
    await verifierOf(age, { issuer: { jwks } }).verify(await age.sign());
    for (const key of others) {
      expect(() => verifierOf(age, { issuer: { jwks: { keys: [key] } } })).toThrow(TypeError);
    }
  });

  it('is refused with 10,000 keys, or with one that is secret, weak or no key', () => {
    const { publicJwk } = age;
    const many = Array.from({ length: 10_000 }, (_, kid) => ({ ...publicJwk, kid: `${kid}` }));
    // 1032 bits, and 2064 if repeated.
    const modulus = Buffer.alloc(129, 0xff).toString('base64url');
    for (const keys of [
      many,
      [publicJwk, { ...publicJwk, d: 'AA' }],
      [publicJwk, { kty: 'oct', k: 'AA' }],
      [publicJwk, { kty: 'oct' }],
      [publicJwk, { ...publicJwk, x: publicJwk.y }],
      [publicJwk, { kty: 'RSA', n: modulus, e: 'AQAB' }],
      // With the exponent 1 a signature is its own message: anyone can make it.
      [publicJwk, { kty: 'RSA', n: modulus.repeat(2), e: 'AQ' }],
      [publicJwk, {}],
      [publicJwk, null],
    ]) {
      expect(() => verifierOf(age, { issuer: { jwks: { keys } } })).toThrow(TypeError);
    }
  });
});
