import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Allowance, Reservation } from '@spendcap/core';
import { ageIssuer } from '@spendcap/sandbox';
import { generatePermitKey } from '@spendcap/server';
import { afterAll, afterEach, expect, test } from 'vitest';
import {
  freePort,
  type RunningServer,
  startServer,
} from '../../packages/sandbox/src/spendcap-server.ts';
import { removeTemporaryFiles, temporaryFile } from '../support/temporary.ts';

const API_KEY = 'an-example-key-of-a-test';
/** Purchases in flight: ten each of two players. */
const LANES = 20;
const NAMED = { issuer: 'https://age.example', audience: 'https://limiter.example' };

let running: RunningServer | undefined;
afterEach(() => running?.crash());
afterAll(removeTemporaryFiles);

/** A served ledger in a file, which can be killed and started again on the same file and port. */
async function world() {
  const issuer = await ageIssuer(NAMED);
  const jwksFile = temporaryFile('jwks.json');
  writeFileSync(jwksFile, JSON.stringify(issuer.jwks));
  const permitKey = JSON.stringify(await generatePermitKey());
  const options = {
    port: await freePort(0),
    policy: 'cn-game',
    store: `sqlite:${temporaryFile('ledger.db')}`,
    age: { ...NAMED, jwksFile },
    secrets: { apiKey: API_KEY, subjectKey: 'sixteen bytes or more', permitKey },
  };
  const tokenOf = (subject: string, age = 17) => issuer.issue({ subject, age });
  const start = async () => {
    running = await startServer(options);
    return running;
  };

  const call = async (path: string, body?: object, key = API_KEY) => {
    const response = await fetch(`${running?.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const buy = (id: string, ageToken: string, amount = '10.00') =>
    call('/v1/purchases', { id, ageToken, amount, currency: 'CNY' });
  const usedThisMonth = async (ageToken: string): Promise<string | undefined> => {
    const { body } = await call('/v1/allowance', undefined, ageToken);
    return (body as Allowance).limits.find(({ period }) => period === 'month')?.used;
  };
  return { start, call, buy, tokenOf, usedThisMonth };
}

test('kill -9 between any two verbs loses nothing and doubles nothing', async () => {
  const { start, call, buy, tokenOf, usedThisMonth } = await world();
  const token = await tokenOf('player');
  const restart = async () => {
    await running?.crash();
    await start();
  };
  await start();

  const first = await buy('order-1', token, '40.00');
  expect(first.status).toBe(201);
  await restart();
  expect(await usedThisMonth(token)).toBe('40.00');
  const again = await buy('order-1', token, '40.00');
  expect(again.status).toBe(200);
  expect((again.body as Reservation).purchase).toEqual((first.body as Reservation).purchase);
  expect((await buy('order-1', token, '41.00')).status).toBe(409);

  expect((await call('/v1/purchases/order-1/commit', { amount: '30.00' })).status).toBe(200);
  await restart();
  expect(await usedThisMonth(token)).toBe('30.00');
  const repeated = await call('/v1/purchases/order-1/commit', { amount: '30.00' });
  expect(repeated.body).toMatchObject({ state: 'committed', committed: '30.00', late: false });

  await call('/v1/purchases/order-1/refund', { id: 'refund-1', amount: '12.00' });
  await restart();
  await call('/v1/purchases/order-1/refund', { id: 'refund-1', amount: '12.00' });
  expect(await usedThisMonth(token)).toBe('18.00');

  await call('/v1/purchases/order-1/refund', { id: 'all', total: '4.00' });
  await restart();
  await call('/v1/purchases/order-1/refund', { id: 'all', total: '4.00' });
  await call('/v1/purchases/order-1/refund', { id: 'all', total: '3.00' });
  expect(await usedThisMonth(token)).toBe('14.00');

  const renewal = { ageToken: token, amount: '4.00', currency: 'CNY', processor: 'acme_pay' };
  await call('/v1/purchases/renewal-1/record', renewal);
  await restart();
  const recorded = await call('/v1/purchases/renewal-1/record', renewal);
  expect(recorded.body).toMatchObject({ state: 'committed', late: true, processor: 'acme_pay' });
  expect(await usedThisMonth(token)).toBe('18.00');

  await buy('order-2', token);
  await call('/v1/purchases/order-2/release', {});
  await restart();
  await call('/v1/purchases/order-2/release', {});
  expect(await usedThisMonth(token)).toBe('18.00');
  expect((await call('/v1/purchases/order-2')).body).toMatchObject({ state: 'released' });
}, 60_000);

test('kill -9 in the middle of a burst: every answered hold is there, and none counts twice', async () => {
  const { start, call, buy, tokenOf, usedThisMonth } = await world();
  await start();
  for (let round = 0; round < 3; round += 1) {
    const players = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => ({
        token: await tokenOf(`player-${round}-${index}`),
        ids: Array.from({ length: 10 }, () => randomUUID()),
      })),
    );
    const answered = new Set<string>();
    let killed: Promise<void> | undefined;
    const orders = players.flatMap(({ token, ids }) => ids.map((id) => ({ token, id })));
    // In lanes, since one group commit could answer all of them before the kill.
    const burst = Array.from({ length: LANES }, async (_, lane) => {
      for (const { token, id } of orders.filter((_, index) => index % LANES === lane)) {
        const result = await buy(id, token).catch(() => undefined);
        if (result?.status === 201) answered.add(id);
        if (answered.size >= 25 + round * 40) killed ??= running?.crash();
      }
    });
    await Promise.all(burst);
    await killed;
    expect(answered.size).toBeGreaterThan(0);
    expect(answered.size).toBeLessThan(200);
    await start();

    for (const { token, ids } of players) {
      const states = await Promise.all(ids.map((id) => call(`/v1/purchases/${id}`)));
      const kept = ids.filter((_, index) => states[index]?.status === 200);
      expect(ids.filter((id) => answered.has(id) && !kept.includes(id))).toEqual([]);
      expect(await usedThisMonth(token)).toBe(`${kept.length * 10}.00`);
      // The caller retries everything, as it must when an answer is lost: nothing counts twice.
      const retried = await Promise.all(ids.map((id) => buy(id, token)));
      expect(retried.every(({ status }) => status === 200 || status === 201)).toBe(true);
      expect(await usedThisMonth(token)).toBe('100.00');
    }
  }
}, 120_000);
