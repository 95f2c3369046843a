import { postgresStore } from '@spendcap/server/stores/postgres';
import { describe, expect, test } from 'vitest';
import { capped, NOON, purchase, TODAY } from '../../../../packages/server/src/testing/fixtures.ts';
import { interceptedPool, poolAnswering } from '../../../support/postgres.ts';
import { url, world } from './postgres-kit.ts';

const windows = [capped(TODAY, 10_000)];
const buy = (id: string, subject = 'subject-a') => purchase(id, { subject, windows });
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'no error',
    ({ code }: { code: string }) => code,
  );
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const conflict = (code: string) =>
  Promise.reject(Object.assign(new Error('rolled back'), { code }));

const isBatch = (text: string): boolean => /^SELECT .*_batch\(/.test(text);

describe.skipIf(url === null)('a call that times out', () => {
  test('before it has a connection was not done, and is never sent', async () => {
    const made = await world();
    const taken = await Promise.all(Array.from({ length: 8 }, () => made.pool.connect()));
    const store = made.open({ timeoutMs: 100 });
    expect(await codeOf(store.reserve(buy('p')))).toBe('store_unavailable');
    for (const client of taken) client.release();
    await made.pool.query('SELECT 1');
    expect(await made.query('SELECT FROM @purchases')).toEqual([]);
    expect((await store.reserve(buy('p'))).outcome).toBe('held');
  });

  test('in a statement that others still wait for goes alone', async () => {
    const made = await world();
    const { store, begin } = made;
    await store.reserve(buy('before'));
    const other = await begin();
    await other.query(`SELECT FROM @accounts FOR UPDATE`);
    const late = made.open({ timeoutMs: 2_000 });
    await late.ready();
    // The first is sent; the next two wait for it and share the next statement.
    const first = codeOf(late.reserve(buy('first')));
    await sleep(700);
    const second = codeOf(late.reserve(buy('second')));
    await sleep(700);
    const third = late.reserve(buy('third'));
    expect(await first).toBe('outcome_unknown');
    expect(await second).toBe('outcome_unknown');
    await other.end('ROLLBACK');
    expect(await third).toMatchObject({ outcome: 'held' });
  });

  test('between a rollback and its retry was not done', async () => {
    const made = await world();
    const pool = interceptedPool(made.pool, (query, send) =>
      isBatch(query.text) ? conflict('40001') : send(query),
    );
    const store = postgresStore({ pool, schema: made.schema, timeoutMs: 40 });
    await store.ready();
    for (let round = 0; round < 5; round += 1) {
      expect(await codeOf(store.reserve(buy('p')))).toBe('store_unavailable');
    }
  });
});

describe.skipIf(url === null)('a conflict', () => {
  test.each(['40001', '40P01', '23505'])(
    '%s that does not end is unavailable, since each attempt was rolled back',
    async (code) => {
      const made = await world();
      let attempts = 0;
      const pool = interceptedPool(made.pool, (query, send) => {
        if (!isBatch(query.text)) return send(query);
        attempts += 1;
        return conflict(code);
      });
      const store = postgresStore({ pool, schema: made.schema });
      expect(await codeOf(store.reserve(buy('p')))).toBe('store_unavailable');
      expect(attempts).toBe(6);
    },
  );

  test('keeps its connection, and a connection that failed does not come back', async () => {
    const made = await world();
    const released: (boolean | undefined)[] = [];
    let errors = [conflict('40001'), Promise.reject(new Error('cut'))];
    for (const error of errors) error.catch(() => undefined);
    const pool = interceptedPool(made.pool, (query, send) =>
      isBatch(query.text) ? (errors.shift() ?? send(query)) : send(query),
    );
    const counted = {
      async connect() {
        const client = await pool.connect();
        const release = (destroy?: boolean) => {
          released.push(destroy);
          client.release(destroy);
        };
        return { ...client, release };
      },
    };
    const store = postgresStore({ pool: counted, schema: made.schema });
    await store.ready();
    released.length = 0;
    expect(await codeOf(store.reserve(buy('p')))).toBe('outcome_unknown');
    errors = [];
    expect((await store.reserve(buy('p'))).outcome).toBe('held');
    expect(released).toEqual([false, true, false]);
  });
});

test('a reply that lacks a call leaves that one unknown, and no other', async () => {
  const server = { version: 150_000, replica: false, read_only: false, durability: 'on' };
  let batches = 0;
  const pool = poolAnswering(async ({ text }) => {
    if (!isBatch(text)) return { rows: [{ ...server, migrated: true, reached: 1 }] };
    batches += 1;
    // The second is left out, and then not answered in order either.
    const replies = batches === 1 ? '[[1],[{"purchase":null,"expired":[]}]]' : '[[],[]]';
    return { rows: [{ replies }] };
  });
  const store = postgresStore({ pool });
  const calls = ['p', 'q'].map((id) => store.get({ id, at: NOON }));
  expect(await calls[0]).toEqual({ purchase: null, expired: [] });
  expect(await codeOf(calls[1] ?? Promise.resolve())).toBe('outcome_unknown');
  expect(batches).toBe(2);
});

test('a call that cannot be encoded fails alone, and its connection is kept', async () => {
  const server = { version: 150_000, replica: false, read_only: false, durability: 'on' };
  const released: (boolean | undefined)[] = [];
  const answering = poolAnswering(async ({ text }) =>
    isBatch(text)
      ? { rows: [{ replies: '[[1],[{"outcome":"held","replayed":false,"used":[0]}]]' }] }
      : { rows: [{ ...server, migrated: true, reached: 1 }] },
  );
  const connect = async () => ({
    ...(await answering.connect()),
    release: (destroy?: boolean) => released.push(destroy),
  });
  const store = postgresStore({ pool: { connect } });
  const unprintable = Object.create(null) as number;
  const calls = [store.reserve({ ...buy('p'), expiresAt: unprintable }), store.reserve(buy('q'))];
  expect(await Promise.all(calls.map(codeOf))).toEqual(['invalid_request', 'no error']);
  expect(released).not.toContain(true);
});

test('a pool that throws, now or when a late connection is returned, makes a call unavailable', async () => {
  const throws = (): never => {
    throw new Error('a fault of the pool');
  };
  const server = { version: 150_000, replica: false, read_only: false, durability: 'on' };
  const good = poolAnswering(async () => ({ rows: [{ ...server, migrated: true, reached: 1 }] }));
  let connect: () => ReturnType<typeof good.connect> = () => good.connect();
  const throwing = postgresStore({ pool: { connect: () => connect() } });
  await throwing.ready();
  connect = throws;
  expect(await codeOf(throwing.reserve(buy('p')))).toBe('store_unavailable');

  const late = { ...(await poolAnswering(throws).connect()), release: throws };
  const slow = { connect: () => sleep(60).then(() => late) };
  const store = postgresStore({ pool: slow, timeoutMs: 20 });
  expect(await codeOf(store.reserve(buy('p')))).toBe('store_unavailable');
  // What is thrown then is nobody's to catch, and would end the process.
  await sleep(80);
});

test.each([
  ['a pooler that lost its server', { code: '08P01', severity: 'FATAL' }],
  ['a connection exception', { code: '08000', severity: 'ERROR' }],
  ['a server that crashed', { code: 'XX000', severity: 'PANIC' }],
])('the outcome is unknown after %s', async (_, details) => {
  const server = { version: 150_000, replica: false, read_only: false, durability: 'on' };
  const pool = poolAnswering(async ({ text }) => {
    if (!isBatch(text)) return { rows: [{ ...server, migrated: true, reached: 1 }] };
    throw Object.assign(new Error('server conn crashed?'), details);
  });
  const store = postgresStore({ pool });
  expect(await codeOf(store.reserve(buy('p')))).toBe('outcome_unknown');
});
