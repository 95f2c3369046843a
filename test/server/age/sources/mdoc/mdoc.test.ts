import { cborEncode } from '@owf/mdoc';
import { cnGame, parsePolicy } from '@spendcap/core';
import { walletIssuer } from '@spendcap/sandbox/wallet';
import {
  type MdocSession,
  type MdocSourceOptions,
  type MdocType,
  mdocSource,
} from '@spendcap/server/age/sources/mdoc';
import { describe, expect, it } from 'vitest';
import { DAY } from '../../../jwt/certificate-kit.ts';
import { NOW, refusal } from '../../token/token-kit.ts';
import {
  AV,
  deviceResponse,
  LICENCE,
  type Members,
  root,
  SESSION,
  signer,
  sourceOf,
} from './mdoc-kit.ts';

const PID = 'eu.europa.ec.eudi.pid.1';

describe('what a wallet shows', () => {
  const issuer = walletIssuer({ now: () => NOW });
  const source = mdocSource({ issuers: [{ types: [AV, LICENCE, PID], roots: issuer.roots }] });

  async function rangeOf(type: MdocType, held: Members, requested: readonly string[]) {
    const document = await issuer.mdoc({ type, elements: held });
    const reply = await document.present({ elements: requested, session: SESSION });
    return (await source.verify({ deviceResponse: reply, session: SESSION }, { at: NOW })).range;
  }

  it.each([
    // The nearest true one above, or else the nearest false one below; never rounded.
    { held: { age_over_18: true, age_over_21: true }, requested: 19, range: [21, null] },
    { held: { age_over_16: false, age_over_18: false }, requested: 18, range: [0, 18] },
    { held: { age_over_16: false, age_over_21: false }, requested: 18, range: [0, 16] },
    { held: { age_over_16: true, age_over_65: false }, requested: 16, range: [16, null] },
  ])('is a licence that answers $requested with what it has: $range', async (each) => {
    const [min, maxExclusive] = each.range;
    const range = await rangeOf(LICENCE, each.held, [`age_over_${each.requested}`]);
    expect(range).toEqual({ min, maxExclusive });
  });

  it('is both ends of an age, if two are requested', async () => {
    const held = { age_over_16: true, age_over_18: false };
    const range = await rangeOf(LICENCE, held, ['age_over_16', 'age_over_18']);
    expect(range).toEqual({ min: 16, maxExclusive: 18 });
  });

  it('is the EU’s age verification, of which nothing but age_over_NN is read', async () => {
    expect(await rangeOf(AV, { age_over_18: true }, ['age_over_18'])).toEqual({
      min: 18,
      maxExclusive: null,
    });
    const call = rangeOf(AV, { age_in_years: 30 }, ['age_in_years']);
    expect(await refusal(call)).toBe('age_evidence_invalid age_missing');
  });

  it('is a birth date, an age or a year of birth in a PID', async () => {
    const held = { birth_date: '2014-05-01', age_in_years: 12, age_birth_year: 2014 };
    const year = { min: 12, maxExclusive: 13 };
    expect(await rangeOf(PID, held, ['birth_date'])).toEqual(year);
    expect(await rangeOf(PID, held, ['age_in_years'])).toEqual(year);
    expect(await rangeOf(PID, held, ['age_birth_year'])).toEqual({ min: 11, maxExclusive: 13 });
  });

  it('may be shown in any of the exchanges', async () => {
    const document = await issuer.mdoc({ type: AV, elements: { age_over_18: true } });
    const sessions: readonly MdocSession[] = [
      { ...SESSION, jwkThumbprint: new Uint8Array(32).fill(7) },
      { protocol: 'dc-api', origin: 'https://game.example', nonce: 'n' },
      {
        protocol: 'dc-api',
        origin: 'https://game.example',
        nonce: 'n',
        jwkThumbprint: Buffer.of(1),
      },
    ];
    for (const session of sessions) {
      const reply = await document.present({ elements: ['age_over_18'], session });
      const shown = { deviceResponse: Buffer.from(reply).toString('base64url'), session };
      expect((await source.verify(shown, { at: NOW })).range.min).toBe(18);
    }
  });
});

describe('the exchange', () => {
  // OpenID4VP 1.0, appendix B.2.6: the transcripts of its examples.
  const nonce = 'exc7gBkxjx1rdc9udRrveKvSsJIq80avlXeLHhGwqtA';
  const jwkThumbprint = Buffer.from(
    '4283ec927ae0f208daaa2d026a814f2b22dca52cf85ffa8f3f8626c6bd669047',
    'hex',
  );

  it.each<{ session: MdocSession; hash: string; name: string }>([
    {
      session: {
        protocol: 'openid4vp',
        clientId: 'x509_san_dns:example.com',
        responseUri: 'https://example.com/response',
        nonce,
        jwkThumbprint,
      },
      name: 'OpenID4VPHandover',
      hash: '048bc053c00442af9b8eed494cefdd9d95240d254b046b11b68013722aad38ac',
    },
    {
      session: { protocol: 'dc-api', origin: 'https://example.com', nonce, jwkThumbprint },
      name: 'OpenID4VPDCAPIHandover',
      hash: 'fbece366f4212f9762c74cfdbf83b8c69e371d5d68cea09cb4c48ca6daab761a',
    },
  ])('is signed as OpenID4VP has it: $name', async ({ session, name, hash }) => {
    const transcript = [null, null, [name, Buffer.from(hash, 'hex')]];
    const reply = deviceResponse({ session: transcript });
    expect((await sourceOf()(reply, session)).range.min).toBe(18);
    expect(await refusal(sourceOf()(reply))).toBe('age_evidence_invalid holder_proof_invalid');
  });

  it('may be of another protocol, by its transcript', async () => {
    const parts = [null, null, ['dcapi', Buffer.alloc(32, 1)]];
    const reply = deviceResponse({ session: parts });
    const session = { protocol: 'transcript', transcript: cborEncode(parts) } as const;
    expect((await sourceOf()(reply, session)).range.min).toBe(18);
  });
});

describe('the finding', () => {
  it('keeps a range, when it was signed, an end, and nothing else', async () => {
    expect(await sourceOf()(deviceResponse())).toEqual({
      range: { min: 18, maxExclusive: null },
      asOf: NOW - DAY,
      assurance: 'verified',
      kind: 'mdoc',
      expiresAt: NOW + DAY,
    });
  });
});

describe('status', () => {
  const list = new Map<string, unknown>([
    ['idx', 7],
    ['uri', 'https://av.example/status/1'],
  ]);
  const held = deviceResponse({ signed: { status: new Map([['status_list', list]]) } });

  it('is checked, and decides', async () => {
    const checked: unknown[] = [];
    const answering = (answer: 'valid' | 'revoked') =>
      sourceOf({
        status: async (...question) => {
          checked.push(question);
          return answer;
        },
      });
    expect((await answering('valid')(held)).range.min).toBe(18);
    expect(await refusal(answering('revoked')(held))).toBe('age_evidence_invalid revoked');
    expect(checked[0]).toEqual([
      { status_list: { idx: 7, uri: 'https://av.example/status/1' } },
      { at: NOW },
    ]);
    expect(await refusal(sourceOf()(held))).toBe('age_evidence_invalid status_unchecked');
  });
});

it('leaves the words of other libraries’ errors alone', () => {
  expect(() => parsePolicy({ ...cnGame(), version: 'x'.repeat(51) })).toThrow(
    'Too big: expected string to have <=50 characters',
  );
});

const ISSUER = { types: [AV], roots: [root.pem] } as const;
it.each<{ [Name in keyof MdocSourceOptions]?: unknown }>([
  { issuers: [] },
  { issuers: [{ ...ISSUER, types: [] }] },
  // As the samples of the specification have it.
  { issuers: [{ ...ISSUER, types: ['eu.europa.ec.av.1 '] }] },
  { issuers: [{ ...ISSUER, types: ['toString'] }] },
  { issuers: [{ ...ISSUER, roots: [] }] },
  { issuers: [{ ...ISSUER, roots: [signer.der.toString('base64')] }] },
  { issuers: [{ ...ISSUER, algorithms: [] }] },
  { issuers: [{ ...ISSUER, algorithms: ['EdDSA'] }] },
  { timeZone: 'Mars/Olympus' },
])('refuses options that can never work: %j', (options) => {
  const whole = { issuers: [ISSUER], ...options } as MdocSourceOptions;
  expect(() => mdocSource(whole)).toThrow(TypeError);
});
