import { createClient } from '@spendcap/client';
import { deviceSigner } from '@spendcap/client/device-key';
import { explainRefusal } from '@spendcap/client/explain';
import { cnGame } from '@spendcap/core';
import { ageIssuer } from '@spendcap/sandbox';
import { ageTokens, createHandler, createLimiter } from '@spendcap/server';
import { calculateJwkThumbprint } from 'jose';
import { expect, test } from 'vitest';
import { authorityWith, NAMED, verifierFor } from '../server/age/authority/authority-kit.ts';
import { anyStore } from '../support/any-store.ts';

const named = { issuer: 'https://age.example', audience: 'https://limiter.example' };
const API_KEY = 'a-key-of-the-back-end';
const now = () => Date.UTC(2026, 10, 23);

/** The client against the real HTTP API, in process. */
async function world(age: number) {
  const issuer = await ageIssuer({ ...named, now });
  const verifier = ageTokens({ issuers: [{ ...named, jwks: issuer.jwks }], now });
  const limiter = createLimiter({
    policy: cnGame(),
    store: anyStore(),
    ageTokens: verifier,
    now,
  });
  const handler = createHandler(limiter, { apiKeys: [API_KEY] });
  const ageToken = () => issuer.issue({ subject: 'player', age });
  const url = 'http://limiter.example';
  const client = createClient({
    url,
    ageToken,
    fetch: (to, init) => handler(new Request(to, init)),
  });
  /** The game's own back end. */
  async function pay(purchase: { id: string; amount: string; currency: string }) {
    const body = JSON.stringify({ ...purchase, ageToken: await ageToken() });
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
    return handler(new Request(`${url}/v1/purchases`, { method: 'POST', headers, body }));
  }
  return { client, pay };
}

const price = (amount: string) => ({ amount, currency: 'CNY' });

test('allowance, check and checkout speak the language of the server', async () => {
  const { client, pay } = await world(12);
  const caps = (await client.allowance()).limits.map(({ period, cap }) => `${period} ${cap}`);
  expect(caps).toEqual(['transaction 50.00', 'day 100.00', 'month 200.00']);
  expect(await client.check(price('48.00'))).toMatchObject({ allowed: true });
  expect((await client.allowance()).limits[1]).toMatchObject({ used: '0.00' });

  const done = await client.checkout({ ...price('48.00'), id: 'order-1' }, pay);
  expect(done).toMatchObject({ status: 'paid', id: 'order-1', result: { status: 201 } });
  expect((await client.allowance()).limits[1]).toMatchObject({ used: '48.00' });

  const refused = await client.checkout(price('60.00'), pay);
  if (refused.status !== 'refused') expect.unreachable();
  expect(refused.reasons.map(({ code }) => code)).toEqual([
    'transaction_cap_exceeded',
    'day_cap_exceeded',
  ]);
  expect(explainRefusal(refused, { locale: 'en' })).toContain('up to CN¥50.00 in one go');
});

test('the last word is the back end’s: what was free at the check may be gone at the hold', async () => {
  const { client, pay } = await world(12);
  await client.checkout(price('50.00'), pay);
  const outcomes = await Promise.all(
    ['a', 'b'].map((id) => client.checkout({ ...price('30.00'), id }, pay)),
  );
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['paid', 'refused']);
});

test('a wrong amount is an error with the server’s own code', async () => {
  const { client } = await world(30);
  await expect(client.check(price('0.00'))).rejects.toMatchObject({
    code: 'invalid_amount',
    status: 400,
    retryable: false,
  });
});

test('a token bound to a key of the device is shown with proofs, from allowance to checkout', async () => {
  const authority = await authorityWith({ now });
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['sign', 'verify'],
  );
  const { kty = '', crv = '', x = '', y = '' } = await crypto.subtle.exportKey('jwk', publicKey);
  const jwk = { kty, crv, x, y };
  const limiter = createLimiter({
    policy: cnGame(),
    store: anyStore(),
    ageTokens: verifierFor(authority, { now }),
    now,
  });
  // The address that players know has a name in other letters; the back end has another one.
  const publicUrl = 'https://pay.example/充值';
  const handler = createHandler(limiter, { apiKeys: [API_KEY], publicUrl });
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const confirm = { jkt: await calculateJwkThumbprint(jwk) };
  const client = createClient({
    url: publicUrl,
    ageToken: () => authority.issue({ desk: {} }, { ...NAMED, confirm }),
    signer: deviceSigner({
      algorithm: 'ES256',
      publicKey: jwk,
      sign: (data) => crypto.subtle.sign(algorithm, privateKey, data),
      now,
    }),
    fetch: (to, init) => handler(new Request(to.replace(publicUrl, 'http://internal'), init)),
  });

  const { limits } = await client.allowance({ category: 'gems' });
  expect(limits.map(({ cap }) => cap)).toEqual(['50.00', '100.00', '200.00']);
  const bought = await client.checkout({ ...price('48.00'), id: 'order-1' }, (purchase) => {
    expect(purchase).toMatchObject({ id: 'order-1', ageToken: expect.any(String) });
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(purchase) };
    return handler(new Request('http://internal/v1/purchases', init));
  });
  expect(bought).toMatchObject({ status: 'paid', result: { status: 201 } });
});
