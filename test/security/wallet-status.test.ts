import { deflateSync } from 'node:zlib';
import { type StatusListSigner, statusListCheck } from '@spendcap/server/age/sources';
import { describe, expect, it } from 'vitest';
import {
  jws,
  presentation,
  publicJwk,
  root,
  signer,
  sourceOf,
} from '../server/age/sources/sd-jwt/sd-jwt-kit.ts';
import { type Claims, NOW, refusal, SECOND } from '../server/age/token/token-kit.ts';
import { certified, DAY, p256 } from '../server/jwt/certificate-kit.ts';

const LISTS = 'https://pid.example/status';
const URI = `${LISTS}/1`;
const key = p256();
const UNAVAILABLE = 'age_source_unavailable';

/** Of eight credentials the second is revoked. */
const CLAIMS = {
  sub: URI,
  iat: SECOND,
  status_list: { bits: 1, lst: deflateSync(Buffer.of(0b10)).toString('base64url') },
};

/** A verifier that finds a list at its address. */
function reading(list: string, options: Partial<StatusListSigner> = {}) {
  const fetch = async () => new Response(list);
  const now = () => NOW;
  const own = { lists: new URL(LISTS), roots: [root.pem], now, fetch };
  return sourceOf({ status: statusListCheck({ ...own, ...options }) });
}

function listBy(by: typeof signer, header: Claims = {}): string {
  const x5c = [by.der.toString('base64')];
  return jws({ alg: 'ES256', typ: 'statuslist+jwt', x5c, ...header }, CLAIMS, by.key);
}

const held = (idx: number, uri = URI) =>
  presentation({ payload: { status: { status_list: { idx, uri } } } });

describe('a credential’s status', () => {
  it('is read in a list under a pinned root', async () => {
    const read = reading(listBy(signer));
    expect((await read(held(0))).range.min).toBe(12);
    expect(await refusal(read(held(1)))).toBe('age_evidence_invalid revoked');
  });

  it('is read in a list of a pinned key set', async () => {
    const list = jws({ alg: 'ES256', typ: 'statuslist+jwt', kid: 'list-1' }, CLAIMS, key);
    const jwks = { keys: [{ ...publicJwk(key), kid: 'list-1', alg: 'ES256' }] };
    const fetch = async () => new Response(list);
    const status = statusListCheck({ lists: new URL(LISTS), jwks, fetch });
    expect((await sourceOf({ status })(held(0))).range.min).toBe(12);
    expect(await refusal(sourceOf({ status })(held(1)))).toBe('age_evidence_invalid revoked');
  });

  it.each([
    [99, URI],
    [0, 'https://evil.example/status/1'],
    [0, `${LISTS}s/1`],
    [-1, URI],
    [0, 7],
  ])('at no place of a known list is refused: %j in %s', async (idx, uri) => {
    const call = reading(listBy(signer))(held(idx, uri as string));
    expect(await refusal(call)).toBe('age_evidence_invalid status_unchecked');
  });

  it.each([null, {}, 'valid', { assertion: 'x' }, { status_list: null }])(
    'of another mechanism is refused: %j',
    async (status) => {
      const call = reading(listBy(signer))(presentation({ payload: { status } }));
      expect(await refusal(call)).toBe('age_evidence_invalid status_unchecked');
    },
  );

  it.each<[string, string]>([
    ['signed by a stranger', listBy(certified('stranger', null))],
    ['signed under an expired certificate', listBy(certified('x', root, { notAfter: NOW - DAY }))],
    ['signed with another key', listBy({ ...signer, key })],
    ['of another type', listBy(signer, { typ: 'jwt' })],
    ['of no certificate', listBy(signer, { x5c: undefined })],
    ['that is none', 'nothing'],
  ])('in a list %s is not known, and nobody is let in', async (_, list) => {
    expect(await refusal(reading(list)(held(0)))).toBe(UNAVAILABLE);
  });

  it('in a list that cannot be fetched is not known', async () => {
    const fetch = () => Promise.reject(new TypeError('fetch failed'));
    expect(await refusal(reading('', { fetch })(held(0)))).toBe(UNAVAILABLE);
  });
});

it.each([
  { roots: undefined },
  { jwks: { keys: [publicJwk(key)] } },
  { roots: [] },
  { lists: new URL('http://pid.example/status') },
  { algorithms: ['none'] },
])('refuses options that can never work: %j', (options) => {
  const own = { lists: new URL(LISTS), roots: [root.pem] };
  expect(() => statusListCheck({ ...own, ...(options as object) })).toThrow(TypeError);
});
