import { ageRangeAt } from '@spendcap/core';
import { ageIssuer, PERSONAS } from '@spendcap/sandbox';
import { walletIssuer } from '@spendcap/sandbox/wallet';
import { ageTokens } from '@spendcap/server';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { expect, test } from 'vitest';

const now = () => Date.UTC(2026, 10, 23);
const named = { issuer: 'https://age.example', audience: 'https://limiter.example' };

async function authority() {
  const issuer = await ageIssuer({ ...named, now });
  const verifier = ageTokens({ issuers: [{ ...named, jwks: issuer.jwks }], now });
  return { issuer, verifier };
}

test.each(PERSONAS)('a token of $id states exactly $age years', async ({ id, age }) => {
  const { issuer, verifier } = await authority();
  const { statements, subject } = await verifier.verify(await issuer.tokenOf(id));
  const range = ageRangeAt(statements, now(), 'Asia/Shanghai');
  expect(range).toEqual({ min: age, maxExclusive: age + 1 });
  const issued = await verifier.verify(await issuer.issue({ subject: id, age }));
  expect(issued.subject).toBe(subject);
});

test('a persona that is not there has no token', async () => {
  const { issuer } = await authority();
  await expect(issuer.tokenOf('child-8' as 'child-7')).rejects.toThrow(TypeError);
});

test('a misspelled member of a request is refused', async () => {
  const { issuer } = await authority();
  const misspelled = { subject: 'player-12', age: 12, assurence: 'self_declared' };
  await expect(issuer.issue(misspelled)).rejects.toThrow(TypeError);
  const expired = { expiresInSecond: -1 } as object;
  await expect(issuer.tokenOf('child-7', expired)).rejects.toThrow(TypeError);
  const wallet = walletIssuer();
  const mdoc = { type: 'eu.europa.ec.av.1', elements: {}, validDay: -1 };
  await expect(wallet.mdoc(mdoc)).rejects.toThrow(TypeError);
  const sdJwt = { type: 'urn:eudi:pid:1', claims: {}, validDay: -1 };
  await expect(wallet.sdJwt(sdJwt)).rejects.toThrow(TypeError);
});

test('tokens are short-lived, of the age type, and name nobody', async () => {
  const { issuer } = await authority();
  const token = await issuer.issue({ subject: 'player-12', age: 12 });
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'age+jwt' });
  const { sub, iat = 0, exp } = decodeJwt(token);
  expect(exp).toBe(iat + 300);
  expect(sub).not.toContain('player-12');
  expect(issuer.jwks.keys[0]).not.toHaveProperty('d');
  const again = await issuer.issue({ subject: 'player-12', claims: { age_over_18: false } });
  expect(decodeJwt(again)).toMatchObject({ sub, age_over_18: false });
  const elsewhere = await ageIssuer({ ...named, audience: 'https://other.example', now });
  expect(decodeJwt(await elsewhere.issue({ subject: 'player-12' })).sub).not.toBe(sub);
});

test('an expired token is refused, and so is one of another authority', async () => {
  const { issuer, verifier } = await authority();
  const expired = await issuer.issue({ subject: 'x', age: 30, expiresInSeconds: -60 });
  await expect(verifier.verify(expired)).rejects.toMatchObject({ why: 'expired' });
  const other = await ageIssuer({ ...named, now });
  const forged = await other.issue({ subject: 'x', age: 30 });
  await expect(verifier.verify(forged)).rejects.toMatchObject({ code: 'age_token_invalid' });
});
