import { hash } from 'node:crypto';
import { SpendcapError } from '@spendcap/core';
import { memoryNppaStore } from '@spendcap/server/age/sources/nppa';
import {
  type AttestationVerifier,
  appleSource,
  googlePlaySource,
} from '@spendcap/server/age/sources/platform';
import { statementSource } from '@spendcap/server/age/sources/statement';
import { expect, it } from 'vitest';
import { nppaWorld } from '../server/age/sources/nppa/nppa-kit.ts';
import { authority, ISSUER, NOW, SECOND } from '../server/age/token/token-kit.ts';
import { mutantBytes, mutantTokens, refusalsOf } from './mutate.ts';

const INVALID = 'age_evidence_invalid';
const YI_YI = { name: '某一一', idNumber: '110000190101010001' };
const PI = '1fffbjzos82bs9cnyj1dna7d6d29zg4esnh99u';

it('accepts none of 50,000 mutants of a statement', async () => {
  const guardian = await authority();
  const audience = 'https://authority.example';
  const source = statementSource({
    by: 'guardian',
    issuers: [{ issuer: ISSUER, jwks: guardian.jwks }],
    audience,
  });
  const claims = { aud: [audience, 'x'], jti: 's', exp: SECOND + 60, age_over_18: true };
  const statement = await guardian.sign(claims, { typ: 'age-statement+jwt' });
  const show = (text: string) =>
    source.verify({ statement: text, account: 'player-1' }, { at: NOW });
  await show(statement);
  const mutants = mutantTokens(statement, { seed: 4, count: 50_000 });
  const refusals = await refusalsOf(mutants, show, INVALID);
  expect([...refusals.keys()]).toEqual(
    expect.arrayContaining(['malformed', 'algorithm_not_allowed', 'key_unknown', 'issuer_unknown']),
  );
  expect(refusals.get('signature_invalid')).toBeGreaterThan(10_000);
}, 120_000);

it('opens none of 30,000 mutants of a kept record of the real-name system', async () => {
  const store = memoryNppaStore();
  let [key, text] = ['', ''];
  const { verify, sourceWith } = nppaWorld({
    store: {
      get: store.get,
      swap: (name, from, to) => {
        [key, text] = [name, to ?? ''];
        return store.swap(name, from, to);
      },
    },
  });
  await verify({ account: 'a', ...YI_YI });
  const record = Buffer.from(text, 'base64');
  let changed = text;
  const get = async (name: string) => (name === key ? changed : null);
  const source = sourceWith({ store: { get, swap: async () => false } });
  const show = (mutant: Uint8Array) => {
    changed = Buffer.from(mutant).toString('base64');
    // Read at once, so that each mutant is seen although many are shown together.
    return source.verify({ account: 'a' }, { at: NOW });
  };
  expect((await show(record)).range.min).toBe(18);
  const mutants = mutantBytes(record, { seed: 5, count: 30_000 });
  const refusals = await refusalsOf(mutants, show, 'age_source_unavailable');
  expect([...refusals]).toEqual([['store_failed', 30_000]]);
}, 120_000);

it('takes none of 20,000 mutants of the real-name system’s answer for more than it says', async () => {
  const data = { result: { status: 0, pi: PI } };
  const answer = JSON.stringify({ errcode: 0, errmsg: 'OK', data });
  let time = NOW;
  let text = answer;
  const { source } = nppaWorld({
    store: { get: async () => null, swap: async () => true },
    fetch: async () => new Response(text),
    // Past the minute's block that some mutants ask for.
    now: () => (time += 20_000),
  });
  let accepted = 0;
  for (const mutant of mutantBytes(Buffer.from(answer), { seed: 6, count: 20_000 })) {
    text = Buffer.from(mutant).toString();
    const outcome = await source.verify({ account: 'a', ...YI_YI }, { at: NOW }).catch((e) => e);
    if (SpendcapError.isInstance(outcome)) continue;
    // No answer is signed, so another pi may pass; but only where it is one, of a success.
    const { errcode, data } = JSON.parse(text);
    expect(errcode === 0 && data.result.status === 0).toBe(true);
    expect(data.result.pi).toMatch(/^[0-9a-p]{6}[0-9a-z]{32}$/);
    expect(outcome).toMatchObject({ kind: 'nppa', assurance: 'verified' });
    accepted += 1;
  }
  expect(accepted).toBeGreaterThan(100);
  expect(accepted).toBeLessThan(10_000);
}, 120_000);

it.each([
  [
    'Apple’s',
    appleSource,
    {
      platform: 'apple',
      response: 'sharing',
      ageGates: [8, 16, 18],
      lowerBound: 16,
      upperBound: 18,
      ageRangeDeclaration: 'confirmed',
    },
  ],
  [
    'Google’s',
    googlePlaySource,
    {
      platform: 'google_play',
      version: '0.0.4',
      access: 'SHARED',
      ageRangeSource: 'TIER_D',
      ageLower: 16,
      ageUpper: 17,
    },
  ],
] as const)(
  'accepts none of 20,000 mutants of %s attested signal',
  async (_, sourceOf, members) => {
    const nonce = 'a-nonce-of-this-request';
    const signal = JSON.stringify({ ...members, nonce });
    const attestation = hash('sha256', signal);
    const attest: AttestationVerifier = async (asked) =>
      hash('sha256', asked.signal) === asked.attestation;
    const source = sourceOf({ attest });
    const show = (text: string) => source.verify({ signal: text, attestation, nonce }, { at: NOW });
    expect((await show(signal)).assurance).toBe('assessed');
    const bytes = [...mutantBytes(Buffer.from(signal), { seed: 7, count: 20_000 })];
    const mutants = bytes.map((mutant) => Buffer.from(mutant).toString('latin1'));
    const refusals = await refusalsOf(mutants, show, INVALID);
    expect(refusals.get('attestation_invalid')).toBeGreaterThan(20);
    // Unattested, what is of the right form is a claim and no more.
    for (const mutant of mutants) {
      const outcome = await sourceOf()
        .verify({ signal: mutant }, { at: NOW })
        .catch((error) => error);
      if (SpendcapError.isInstance(outcome)) expect(outcome.code).toBe(INVALID);
      else expect(outcome.assurance).toBe('client_claim');
    }
  },
  120_000,
);
