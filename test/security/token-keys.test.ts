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

  it('does not guess between several keys', async () => {
    const other = await authority('key-2');
    const jwks = { keys: [age.publicJwk, other.publicJwk] };
    const unnamed = await age.sign({}, { kid: undefined as unknown as string });
    expect(await fault(unnamed, { issuer: { jwks } })).toBe('key_unknown');
    await verifierOf({ jwks }).verify(await other.sign());
    expect(await fault(await other.sign({}, { kid: 'key-1' }), { issuer: { jwks } })).toBe(
      'signature_invalid',
    );
  });
});
