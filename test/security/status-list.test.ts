import { deflateSync } from 'node:zlib';
import { type AgeTokenOptions, ageTokens } from '@spendcap/server';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  type Authority,
  authority,
  base64url,
  type Claims,
  ISSUER,
  NOW,
  refusal,
  SECOND,
} from '../server/age/token/token-kit.ts';

const LISTS = 'https://age.example/status';
const URI = `${LISTS}/1`;

let age: Authority;
let stranger: Authority;
beforeAll(async () => {
  [age, stranger] = [await authority(), await authority()];
});

const packed = (...bytes: readonly number[]) =>
  deflateSync(Uint8Array.from(bytes)).toString('base64url');

/** Tokens 0 to 7 are valid, except the second. */
const LIST = { bits: 1, lst: packed(0b10) };

const LIST_CLAIMS = { sub: URI, iss: undefined, aud: undefined, ttl: 60, status_list: LIST };

function listToken(claims: Claims = {}, header: object = {}, by = age): Promise<string> {
  return by.sign({ ...LIST_CLAIMS, ...claims }, { typ: 'statuslist+jwt', ...header });
}

/** A server of status lists that records its requests, and a verifier that uses it. */
function world(options: Partial<AgeTokenOptions> = {}) {
  const state = {
    now: NOW,
    list: listToken() as Promise<string> | null,
    requests: [] as string[],
    status: 200,
  };
  const fetch: typeof globalThis.fetch = async (url, init) => {
    state.requests.push(`${url}`);
    expect(init?.redirect).toBe('error');
    if (state.list === null) throw new TypeError('fetch failed');
    return new Response(await state.list, { status: state.status });
  };
  const statusLists = new URL(LISTS);
  const issuers = [{ issuer: ISSUER, audience: AUDIENCE, jwks: age.jwks, statusLists }];
  const verifier = ageTokens({ issuers, now: () => state.now, fetch, ...options });
  let count = 0;
  const show = async (idx: unknown, uri: unknown = URI) => {
    count += 1;
    const claims = { status: { status_list: { idx, uri } }, jti: `${count}`, exp: SECOND + 86_400 };
    const token = await age.sign(claims);
    return outcome(verifier.verify(token));
  };
  return { state, verifier, show };
}

async function outcome(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error === null ? 'valid' : refusal(Promise.reject(error));
}

const UNKNOWN = 'age_token_invalid status_unknown';
const REVOKED = 'age_token_invalid revoked';
const UNAVAILABLE = 'age_status_unavailable';

describe('a status', () => {
  it('of the draft’s examples is read as it says', async () => {
    const one = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
    const two = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];
    for (const { bits, hex, statuses } of [
      { bits: 1, hex: '78dadbb918000217015d', statuses: one },
      { bits: 2, hex: '78da3be9f2130003df0207', statuses: two },
    ]) {
      const { state, show } = world();
      const lst = Buffer.from(hex, 'hex').toString('base64url');
      state.list = listToken({ status_list: { bits, lst } });
      for (const [idx, status] of statuses.entries()) {
        expect(await show(idx), `${bits} bits, index ${idx}`).toBe(
          status === 0 ? 'valid' : REVOKED,
        );
      }
      expect(await show(statuses.length)).toBe(UNKNOWN);
    }
  });

  it.each([4, 8])('of %d bits is read in whole', async (bits) => {
    const { state, show } = world();
    state.list = listToken({ status_list: { bits, lst: packed(0b0001_0000, 0x80, 0, 0) } });
    const expected = bits === 4 ? ['valid', REVOKED, 'valid', REVOKED] : [REVOKED, REVOKED];
    for (const [idx, status] of [...expected, 'valid', 'valid'].entries()) {
      expect(await show(idx)).toBe(status);
    }
  });

  it.each<[string, unknown, unknown]>([
    ['a negative index', -1, URI],
    ['an index beyond the list', 8, URI],
    ['an enormous index', Number.MAX_SAFE_INTEGER, URI],
    ['a part of an index', 0.5, URI],
    ['an index as text', '0', URI],
    ['no index', undefined, URI],
    ['no list', 0, null],
    ['a list that is no text', 0, [URI]],
    ['a list of another host', 0, 'https://evil.example/status/1'],
    ['a list over http', 0, 'http://age.example/status/1'],
    ['a list of another port', 0, 'https://age.example:8443/status/1'],
    ['a list beside', 0, 'https://age.example/status-of-others/1'],
    ['a list above, by its dots', 0, `${LISTS}/../evil`],
    ['a list above, by coded dots', 0, `${LISTS}/%2e%2e/evil`],
    ['a list with a query', 0, `${URI}?then=evil`],
    ['a list with a fragment', 0, `${URI}#1`],
    ['a list with a user', 0, 'https://me@age.example/status/1'],
    ['a very long name', 0, `${LISTS}/${'x'.repeat(2_000)}`],
    ['a file', 0, 'file:///etc/passwd'],
  ])('with %s is none, and nothing is requested', async (_, idx, uri) => {
    const { state, show } = world();
    expect(await show(idx, uri)).toBe(UNKNOWN);
    expect(state.requests.filter((url) => url !== URI)).toEqual([]);
  });

  it.each<[string, Claims]>([
    ['absent', {}],
    ['null', { status: null }],
    ['of another kind', { status: { identifier_list: { id: 'a', uri: URI } } }],
  ])('that is %s is none, where the issuer has lists', async (_, claims) => {
    const { verifier } = world();
    expect(await outcome(verifier.verify(await age.sign(claims)))).toBe(UNKNOWN);
  });

  it('is not requested for a token that is refused anyway', async () => {
    const { state, verifier } = world();
    const status = { status_list: { idx: 0, uri: URI } };
    for (const token of [
      await stranger.sign({ status }),
      await age.sign({ status, exp: SECOND - 60 }),
      await age.sign({ status, aud: 'https://other.example' }),
    ]) {
      await refusal(verifier.verify(token));
    }
    expect(state.requests).toEqual([]);
  });
});

describe('a list is not used', () => {
  it.each<[string, () => Promise<string>]>([
    ['with a wrong signature', () => listToken({}, {}, stranger)],
    ['of the type of age tokens', () => listToken({}, { typ: 'age+jwt' })],
    ['of no type', () => listToken({}, { typ: undefined })],
    ['for another address', () => listToken({ sub: `${LISTS}/2` })],
    ['for no address', () => listToken({ sub: undefined })],
    ['that has expired', () => listToken({ exp: SECOND })],
    ['of the future', () => listToken({ iat: SECOND + 6 })],
    ['of no time', () => listToken({ iat: undefined })],
    ['with a ttl of nothing', () => listToken({ ttl: 0 })],
    ['with a ttl that is no number', () => listToken({ ttl: '60' })],
    ['with three bits', () => listToken({ status_list: { ...LIST, bits: 3 } })],
    ['without bits', () => listToken({ status_list: { lst: LIST.lst } })],
    ['without a list', () => listToken({ status_list: undefined })],
    ['that is not packed', () => listToken({ status_list: { bits: 1, lst: base64url('abc') } })],
    [
      'that unpacks to a thousand times its size',
      () => listToken({ status_list: { bits: 1, lst: bomb(64 * 2 ** 20) } }),
    ],
    ['that is huge', () => listToken({ padding: 'x'.repeat(2 ** 20) })],
    ['that is an age token', () => age.sign({ sub: URI })],
    ['that is no token', async () => '<html>'],
    ['without a signature', async () => `${(await listToken()).split('.').slice(0, 2).join('.')}.`],
  ])('%s', async (_, make) => {
    const { state, show } = world();
    state.list = make();
    expect(await show(0)).toBe(UNAVAILABLE);
    expect(state.requests).toEqual([URI]);
  });

  it('from an answer that is no 200, or none at all', async () => {
    const { state, show } = world();
    for (const status of [404, 500, 206]) {
      state.status = status;
      state.now += 10_000;
      expect(await show(0)).toBe(UNAVAILABLE);
    }
    state.list = null;
    state.now += 10_000;
    expect(await show(0)).toBe(UNAVAILABLE);
    expect(state.requests).toHaveLength(4);
  });

  it('that is older than the one before: a revocation cannot be taken back by a replay', async () => {
    const { state, show } = world();
    const old = listToken({ status_list: { bits: 1, lst: packed(0) }, iat: SECOND - 60 });
    expect(await show(1)).toBe(REVOKED);
    state.list = old;
    state.now += 61_000;
    expect(await show(1)).toBe(REVOKED);
    expect(state.requests).toHaveLength(2);
  });
});

function bomb(size: number): string {
  return deflateSync(new Uint8Array(size), { level: 9 }).toString('base64url');
}

describe('the time of a list', () => {
  it('is its ttl: then it is fetched again, once for all who wait', async () => {
    const { state, show } = world();
    expect(await show(0)).toBe('valid');
    state.now += 59_999;
    state.list = listToken({ status_list: { bits: 1, lst: packed(1) }, iat: SECOND + 30 });
    expect(await show(0)).toBe('valid');
    expect(state.requests).toHaveLength(1);
    state.now += 1;
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => show(0)));
    expect(new Set(outcomes)).toEqual(new Set([REVOKED]));
    expect(state.requests).toHaveLength(2);
  });

  it('is not prolonged by a clock that is set back', async () => {
    const { state, show } = world();
    state.now = NOW + 300_000;
    expect(await show(0)).toBe('valid');
    state.now = NOW;
    state.list = null;
    expect(await show(0)).toBe(UNAVAILABLE);
    state.now += 5_000;
    state.list = listToken({ status_list: { bits: 1, lst: packed(0b11) } });
    expect(await show(0)).toBe(REVOKED);
  });

  it('ends for tokens that were verified before as well', async () => {
    const { state, verifier } = world();
    const token = await age.sign({ status: { status_list: { idx: 0, uri: URI } } });
    const evidence = await verifier.verify(token);
    expect(await verifier.verify(token)).toBe(evidence);
    state.list = listToken({ status_list: { bits: 1, lst: packed(1) } });
    state.now += 60_000;
    expect(await outcome(verifier.verify(token))).toBe(REVOKED);
  });

  it('goes on for five minutes where it cannot be fetched, and then no more', async () => {
    const { state, show } = world();
    await show(0);
    state.list = null;
    for (const seconds of [60, 61, 65, 200, 359]) {
      state.now = NOW + seconds * 1000;
      expect(await show(0)).toBe('valid');
      expect(await show(1)).toBe(REVOKED);
    }
    // In 299 seconds it was requested at most once in five.
    expect(state.requests.length).toBeLessThanOrEqual(5);
    state.now = NOW + 360_000;
    expect(await show(0)).toBe(UNAVAILABLE);
    state.now += 5_000;
    state.list = listToken();
    expect(await show(0)).toBe('valid');
  });

  it('ends with its own exp, however it cannot be fetched', async () => {
    const { state, show } = world();
    state.list = listToken({ exp: SECOND + 90 });
    await show(0);
    state.list = null;
    state.now = NOW + 89_999;
    expect(await show(0)).toBe('valid');
    state.now = NOW + 90_000;
    expect(await show(0)).toBe(UNAVAILABLE);
  });

  it('is bounded, whatever its ttl says', async () => {
    const { state, show } = world();
    state.list = listToken({ ttl: 1e-9 });
    await show(0);
    state.now += 4_999;
    await show(0);
    expect(state.requests).toHaveLength(1);
    state.list = listToken({ ttl: 1e12 });
    state.now += 1;
    await show(0);
    state.now += 3_600_000;
    await show(0);
    expect(state.requests).toHaveLength(3);
  });
});

describe('what is kept', () => {
  it('is bounded: of very many lists the longest unused goes', async () => {
    const { state, verifier } = world();
    const showIn = async (list: number) => {
      const uri = `${LISTS}/${list}`;
      state.list = listToken({ sub: uri });
      const status = { status_list: { idx: 0, uri } };
      return outcome(verifier.verify(await age.sign({ status })));
    };
    for (let list = 0; list < 65; list += 1) expect(await showIn(list)).toBe('valid');
    expect(state.requests).toHaveLength(65);
    expect(await showIn(64)).toBe('valid');
    expect(state.requests).toHaveLength(65);
    expect(await showIn(0)).toBe('valid');
    expect(state.requests).toHaveLength(66);
  });
});

describe('the address of the lists', () => {
  it('is https or on this machine, and says nothing secret', () => {
    for (const address of [
      'http://age.example/status',
      'ftp://age.example/status',
      'https://me:secret@age.example/status',
    ]) {
      const issuer = { issuer: ISSUER, audience: AUDIENCE, jwks: age.jwks };
      const issuers = [{ ...issuer, statusLists: new URL(address) }];
      expect(() => ageTokens({ issuers })).toThrow(TypeError);
    }
    const issuers = [{ issuer: ISSUER, audience: AUDIENCE, jwks: age.jwks }];
    expect(() => ageTokens({ issuers, statusStaleSeconds: 3_601 })).toThrow(TypeError);
  });
});
