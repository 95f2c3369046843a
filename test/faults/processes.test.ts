import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Allowance, Purchase, Reservation } from '@spendcap/core';
import { ageIssuer } from '@spendcap/sandbox';
import { generatePermitKey } from '@spendcap/server';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import {
  freePort,
  type RunningServer,
  startServer,
} from '../../packages/sandbox/src/spendcap-server.ts';
import type { OwnServer } from '../support/stores/entry.ts';
import { ownServers } from '../support/stores.ts';
import { removeTemporaryFiles, temporaryFile } from '../support/temporary.ts';
import { type Fact, NO_DAMAGE, NOTHING, type Order, type Till, underLoad } from './load.ts';

const API_KEY = 'an-example-key-of-a-test';
const NAMED = { issuer: 'https://age.example', audience: 'https://limiter.example' };
const PLAYERS = 12;
/** Of a player of 17 by `cn-game`, in cents: the day's is the tighter one. */
const CAP = 20_000;
/** How long the database is down: longer than a call waits for it. */
const DOWN_MS = 2_500;
const CALL_TIMEOUT_MS = 10_000;

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
afterAll(removeTemporaryFiles);

/** No answer, or one that asks for a retry. */
class NoAnswer extends Error {}

interface Served {
  readonly url: string;
  readonly tokens: readonly string[];
}

async function call({ url }: Served, path: string, request: { body?: object; key?: string }) {
  const { body, key = API_KEY } = request;
  const init = {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  };
  try {
    const response = await fetch(`${url}${path}`, init);
    const answer: unknown = await response.json();
    if (response.status < 500) return { status: response.status, answer };
  } catch {
    // Cut off, or no server there.
  }
  throw new NoAnswer(path);
}

const cents = (amount: string): number => Math.round(Number(amount) * 100);
const units = (amount: number): string => (amount / 100).toFixed(2);

/** One of the processes as somewhere to buy. */
function servedTill(served: Served): Till {
  const token = ({ player }: Pick<Order, 'player'>) => served.tokens[player] ?? '';
  return {
    async hold(order) {
      const { id, amount } = order;
      const body = { id, ageToken: token(order), amount: units(amount), currency: 'CNY' };
      const { status, answer } = await call(served, '/v1/purchases', { body });
      if (status === 403) return { held: false };
      if (status > 201) throw new Error(`reserve of ${id}: ${status}`);
      const day = (answer as Reservation).allowance.limits.find(({ period }) => period === 'day');
      return { held: true, used: cents(day?.used ?? 'NaN') };
    },
    async settle(order, verb) {
      const { id, amount } = order;
      const charge = { ageToken: token(order), amount: units(amount), currency: 'CNY' };
      const bodies = {
        ...{ commit: [{}], release: [{}], record: [charge] },
        refund: [amount / 2, amount].map((total) => ({ id: 'all', total: units(total) })),
      };
      for (const body of bodies[verb]) {
        const { status } = await call(served, `/v1/purchases/${id}/${verb}`, { body });
        if (status !== 200) throw new Error(`${verb} of ${id}: ${status}`);
      }
    },
    async find({ id }): Promise<Fact> {
      const { status, answer } = await call(served, `/v1/purchases/${id}`, {});
      if (status === 404) return NOTHING;
      const { state, refunded } = answer as Purchase;
      return { state, refunded: cents(refunded) };
    },
    async used(player) {
      const { answer } = await call(served, '/v1/allowance', { key: token({ player }) });
      const { limits } = answer as Allowance;
      return cents(limits.find(({ period }) => period === 'day')?.used ?? 'NaN');
    },
  };
}

/** Three `spendcap serve` over one store, and what each is as somewhere to buy. */
async function threeServers(store: string) {
  const issuer = await ageIssuer(NAMED);
  const jwksFile = temporaryFile('jwks.json');
  writeFileSync(jwksFile, JSON.stringify(issuer.jwks));
  const secrets = {
    ...{ apiKey: API_KEY, subjectKey: 'sixteen bytes or more' },
    permitKey: JSON.stringify(await generatePermitKey()),
  };
  const names = Array.from({ length: 2 * PLAYERS }, (_, index) => `player-${index}`);
  const tokens = await Promise.all(names.map((subject) => issuer.issue({ subject, age: 17 })));
  const servers: RunningServer[] = [];
  for (let index = 0; index < 3; index += 1) {
    const port = await freePort(0);
    const server = await startServer({
      ...{ port, policy: 'cn-game', store, age: { ...NAMED, jwksFile }, secrets },
    });
    undo.push(() => server.crash());
    servers.push(server);
  }
  return { servers, tills: servers.map(({ url }) => servedTill({ url, tokens })) };
}

async function check(database: OwnServer, how: string): Promise<void> {
  const { servers, tills } = await threeServers(database.address);
  const mayRetry = (error: unknown) => error instanceof NoAnswer;
  const load = { tills, cap: CAP, players: PLAYERS, ordersEach: 30, mayRetry };

  const kill = { after: 120, strike: async () => servers[1]?.crash() };
  expectNoDamage(await underLoad({ ...load, fault: kill }));

  // The two that are left recover automatically when the database is back.
  const strike = async () => {
    await database.stop(how);
    await sleep(DOWN_MS);
    await database.start();
  };
  const left = tills.filter((_, index) => index !== 1);
  expectNoDamage(
    await underLoad({ ...load, tills: left, from: PLAYERS, fault: { after: 120, strike } }),
  );
}

function expectNoDamage(found: Awaited<ReturnType<typeof underLoad>>): void {
  expect(found.damage).toEqual(NO_DAMAGE);
  expect(found.held).toBeGreaterThan(200);
  expect(found.refused).toBeGreaterThan(0);
  expect(found.unanswered).toBeGreaterThan(0);
}

const SERVERS = ownServers({ newest: true });

describe.skipIf(SERVERS.length === 0)('several processes', () => {
  describe.each(SERVERS)('over one $name', ({ stops, create }) => {
    test('kill -9 of one of three serving processes in mid-batch, then of the database: no damage', async () => {
      const database = await create();
      const how = stops.at(-1) ?? stops[0];
      await database.start();
      undo.push(() => database.stop(how));
      // Where the store has a schema, this makes it.
      await database.openLedger();
      await check(database, how);
    }, 120_000);
  });
});
