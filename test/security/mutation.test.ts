import { generatePermitKey, permits, permitVerifier } from '@spendcap/server';
import { beforeAll, expect, it } from 'vitest';
import { type Authority, authority, verifierOf } from '../server/age/token/token-kit.ts';
import { mutantBytes, mutantTokens, refusalsOf } from './mutate.ts';

let age: Authority;
beforeAll(async () => {
  age = await authority();
});

it('accepts none of 100,000 mutants of an age token, and answers each with a known error', async () => {
  const verifier = verifierOf(age, { cacheSize: 10 });
  const token = await age.sign({ age_over_18: true, aud: ['https://limiter.example', 'x'] });
  await verifier.verify(token);
  const mutants = mutantTokens(token, { seed: 42, count: 100_000 });
  const refusals = await refusalsOf(mutants, verifier.verify, 'age_token_invalid');
  // Of every layer: form, header, claims and signature.
  expect([...refusals.keys()]).toEqual(
    expect.arrayContaining([
      'malformed',
      'algorithm_not_allowed',
      'key_unknown',
      'issuer_unknown',
      'signature_invalid',
    ]),
  );
  expect(refusals.get('signature_invalid')).toBeGreaterThan(20_000);
}, 120_000);

it('accepts none of 50,000 mutants of a permit, and answers each with a known error', async () => {
  const parties = { issuer: 'https://limiter.example', audience: 'https://pay.example' };
  const signer = permits({ key: await generatePermitKey(), ...parties });
  const permit = await signer.sign({
    purchaseId: 'order-1',
    amount: '48.00',
    currency: 'CNY',
    app: null,
    policy: 'cn-game',
    expiresAt: Date.now() + 600_000,
  });
  const verify = permitVerifier({ jwks: signer.jwks, ...parties });
  const charge = (shown: string) => verify(shown, { id: 'order-1', amount: '48', currency: 'CNY' });
  await charge(permit);
  const mutants = mutantTokens(permit, { seed: 43, count: 50_000 });
  const refusals = await refusalsOf(mutants, charge, 'permit_invalid');
  expect(refusals.get('signature_invalid')).toBeGreaterThan(5_000);
}, 120_000);

it('makes as many mutants as requested, the same for a seed, and never the token itself', () => {
  const token = 'eyJhIjoxfQ.eyJiIjoyfQ.c2ln~ZGlzYw~';
  const some = (seed: number) => [...mutantTokens(token, { seed, count: 2_000 })];
  expect(some(1)).toHaveLength(2_000);
  expect(some(1)).toEqual(some(1));
  expect(some(1)).not.toEqual(some(2));
  expect(some(1)).not.toContain(token);
  const bytes = Uint8Array.of(1, 2, 3);
  const mutants = [...mutantBytes(bytes, { seed: 1, count: 2_000 })];
  expect(mutants).toHaveLength(2_000);
  expect(mutants).not.toContainEqual(bytes);
});

it('finds what is accepted, and an error of another kind', async () => {
  const verdict = (verify: () => Promise<unknown>) =>
    refusalsOf(['mutant'], verify, 'age_token_invalid');
  await expect(verdict(async () => 'evidence')).rejects.toThrow('accepted: "mutant"');
  await expect(verdict(() => Promise.reject(new TypeError('oops')))).rejects.toThrow('oops');
});
