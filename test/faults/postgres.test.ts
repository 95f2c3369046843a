import { SpendcapError, type Store } from '@spendcap/core';
import { type PostgresPool, postgresStore } from '@spendcap/server/stores/postgres';
import type pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import {
  capped,
  charge,
  MONTH,
  NOON,
  purchase,
  TODAY,
} from '../../packages/server/src/testing/fixtures.ts';
import {
  findPostgres,
  freshSchema,
  interceptedPool,
  poolAnswering,
  poolOf,
} from '../support/postgres.ts';
import { troubleProxy } from '../support/proxy.ts';

const found = await findPostgres();
const url = found ?? '';
const windows = [capped(TODAY, 10_000), capped(MONTH, 10_000)];

let cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  cleanUp = [];
});

/** A pool that ends with the test. */
function pool(address = url, config: pg.PoolConfig = {}): pg.Pool {
  const made = poolOf(address, config);
  cleanUp.push(() => made.end());
  return made;
}

function emptySchema(): string {
  const schema = freshSchema();
  const operator = pool();
  cleanUp.push(() => operator.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`));
  return schema;
}

/** A migrated schema, and any number of stores on it. */
async function world() {
  const schema = emptySchema();
  const operator = pool();
  const open = (to: PostgresPool = pool(), options: { timeoutMs?: number } = {}) => {
    const store = postgresStore({ pool: to, schema, ...options });
    cleanUp.push(() => store.close());
    return store;
  };
  const store = open();
  await store.migrate();
  const query = async (text: string): Promise<Record<string, unknown>[]> =>
    (await operator.query(text.replaceAll('@', `"${schema}".`))).rows;
  return { schema, open, store, query };
}

/** A proxy before the server, and a pool through it. */
async function proxied(config: pg.PoolConfig = {}) {
  const { hostname, port } = new URL(url);
  const proxy = await troubleProxy({ host: hostname, port: Number(port || 5432) });
  cleanUp.push(() => proxy.close());
  const address = new URL(url);
  address.hostname = '127.0.0.1';
  address.port = String(proxy.port);
  return { proxy, through: pool(address.href, config) };
}

/** Holds a subject's lock until it is released. */
async function lockSubject(schema: string, subject: string) {
  const client = await pool().connect();
  await client.query('BEGIN');
  await client.query(`SELECT FROM "${schema}".accounts WHERE subject = $1 FOR UPDATE`, [subject]);
  return async () => {
    await client.query('ROLLBACK');
    client.release();
  };
}

const usedToday = async (store: Store, subject = 'subject-a'): Promise<number | undefined> =>
  (await store.usage({ subject, windows: [TODAY], at: NOON })).used[0];

const codeOf = (error: unknown): string =>
  SpendcapError.isInstance(error) ? error.code : `no coded error: ${error}`;
const failure = (call: Promise<unknown>): Promise<string> => call.then(() => 'no error', codeOf);
const messageOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no error',
    (error: Error) => error.message,
  );

describe.skipIf(found === null)('several processes on one database', () => {
  test('race for the last allowance of a new subject: no window passes its cap', async () => {
    const { open, query } = await world();
    const stores = [open(), open(), open()];
    const results = await Promise.all(
      Array.from({ length: 90 }, async (_, index) => {
        const store = stores[index % stores.length];
        return store?.reserve(purchase(`p${index}`, { amount: 700, windows }));
      }),
    );
    expect(results.filter((result) => result?.outcome === 'held')).toHaveLength(14);
    for (const store of stores) expect(await usedToday(store)).toBe(9_800);
    expect(await query('SELECT count(*)::int AS n FROM @purchases')).toEqual([{ n: 14 }]);
  });

  test('the same id everywhere at the same time is held once, and for one subject', async () => {
    const { open } = await world();
    const stores = [open(), open(), open()];
    for (let round = 0; round < 20; round += 1) {
      const results = await Promise.all(
        stores.flatMap((store, index) => [
          store.reserve(purchase(`same-${round}`)),
          store.reserve(purchase(`contested-${round}`, { subject: `subject-${index}` })),
        ]),
      );
      const fresh = results.filter((result) => result.outcome === 'held' && !result.replayed);
      expect(fresh).toHaveLength(2);
      expect(results.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(2);
    }
  });

  test('the same charge everywhere at the same time is recorded once, and for one subject', async () => {
    const { open } = await world();
    const stores = [open(), open(), open()];
    for (let round = 0; round < 20; round += 1) {
      const results = await Promise.all(
        stores.flatMap((store, index) => [
          store.record(charge(`same-${round}`, { amount: 10, windows: [TODAY] })),
          store.record(charge(`contested-${round}`, { subject: `subject-${index}` })),
        ]),
      );
      const made = results.filter((result) => result.outcome === 'done' && result.changed);
      expect(made).toHaveLength(2);
      expect(results.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(2);
    }
    expect(await usedToday(open())).toBe(200);
  });

  test('totals of one refund from everywhere, in any order, end at the highest', async () => {
    const { open } = await world();
    const stores = [open(), open(), open()];
    await stores[0]?.record(charge('p', { windows: [TODAY] }));
    const refund = { id: 'p', refundId: 'r', restores: true, at: NOON };
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        stores[index % 3]?.refund({ ...refund, total: ((index * 7) % 60) * 10 + 10 }),
      ),
    );
    expect(await usedToday(open())).toBe(400);
  });

  test('batches over the same subjects, in any order, lose nothing', async () => {
    const { open, query } = await world();
    const stores = [open(), open(), open()];
    const ids = Array.from({ length: 600 }, (_, index) => `p${index}`);
    await Promise.all(
      ids.map(async (id, index) => {
        const store = stores[index % 3];
        const subject = `subject-${(index * 37) % 40}`;
        await store?.reserve(purchase(id, { subject, amount: 100, windows }));
        await stores[(index + 1) % 3]?.commit({ id, at: NOON });
      }),
    );
    for (let index = 0; index < 40; index += 1) {
      expect(await usedToday(open(), `subject-${index}`)).toBe(1_500);
    }
    const kinds = await query(
      'SELECT kind, count(*)::int AS n FROM @entries GROUP BY 1 ORDER BY 1',
    );
    expect(kinds).toEqual([
      { kind: 'committed', n: 600 },
      { kind: 'reserved', n: 600 },
    ]);
  });

  test('accounts are a cache: thrown away, they are worked out again', async () => {
    const { store, query } = await world();
    await store.reserve(purchase('p', { amount: 9_500, windows }));
    await query('DELETE FROM @accounts');
    expect((await store.reserve(purchase('q', { windows }))).outcome).toBe('refused');
    await query('DELETE FROM @accounts');
    expect(await usedToday(store)).toBe(9_500);
    const over = { id: 'p', at: NOON + 3_600_000 };
    await query('DELETE FROM @accounts');
    expect((await store.get(over)).expired).toHaveLength(1);
  });

  test('the entry log has every change and cannot be rewritten', async () => {
    const { store, query } = await world();
    await store.reserve(purchase('p', { windows }));
    await store.release({ id: 'p', at: NOON });
    await store.release({ id: 'p', at: NOON });
    await store.commit({ id: 'p', amount: 900, at: NOON + 1 });
    await store.refund({ id: 'p', refundId: 'r', amount: 300, restores: true, at: NOON + 2 });
    await store.reverseRefund({ id: 'p', refundId: 'r', at: NOON + 3 });
    await store.record(charge('q', { processor: 'one_pay', at: NOON + 4 }));
    const attached = { processor: 'one_pay', processorRef: 'ref-1', at: NOON + 5 };
    await store.attach({ ...attached, id: 'q' });
    for (const total of [100, 250, 200]) {
      const refund = { id: 'q', refundId: 'r', total, restores: true };
      await store.refund({ ...refund, at: NOON + 6 });
    }
    await store.record(charge('q'));
    await store.reserve(purchase('too much', { amount: 99_999, windows }));
    expect(await query('SELECT kind, amount::int, refund FROM @entries ORDER BY seq')).toEqual([
      { kind: 'reserved', amount: 1_000, refund: null },
      { kind: 'released', amount: 1_000, refund: null },
      { kind: 'committed_late', amount: 900, refund: null },
      { kind: 'refunded', amount: 300, refund: 'r' },
      { kind: 'refund_reversed', amount: 300, refund: 'r' },
      { kind: 'recorded', amount: 1_000, refund: null },
      { kind: 'refunded', amount: 100, refund: 'r' },
      { kind: 'refunded', amount: 150, refund: 'r' },
    ]);
    const { basis } = charge('q');
    const bases = `SELECT kind, at::float, basis FROM @entries WHERE basis IS NOT NULL ORDER BY seq`;
    expect(await query(bases)).toEqual([
      { kind: 'reserved', at: NOON, basis },
      { kind: 'recorded', at: NOON + 4, basis },
    ]);
    await expect(query('UPDATE @entries SET amount = 0')).rejects.toThrow('only ever added');
  });
});

describe.skipIf(found === null)('migrations', () => {
  test('ten processes that start together make the schema once', async () => {
    const schema = emptySchema();
    const stores = Array.from({ length: 10 }, () => postgresStore({ pool: pool(), schema }));
    await Promise.all(stores.map((store) => store.migrate()));
    await Promise.all(stores.map((store) => store.ready()));
    const { rows } = await pool().query(`SELECT version FROM "${schema}".migrations`);
    expect(rows).toEqual([{ version: 1 }]);
  });

  test('missing ones are a typed error that says what to do, until they are made', async () => {
    const store = postgresStore({ pool: pool(), schema: emptySchema() });
    const call = () => store.reserve(purchase('p'));
    expect(await failure(call())).toBe('store_misconfigured');
    expect(await messageOf(call())).toContain('spendcap migrate');
    expect(await messageOf(store.ready())).toContain('spendcap migrate');
    await store.migrate();
    await store.ready();
    expect((await call()).outcome).toBe('held');
  });

  test('one from the future is refused by every call and by migrate', async () => {
    const { open, query } = await world();
    await query('INSERT INTO @migrations (version) VALUES (99)');
    const store = open();
    const calls = [store.migrate(), store.ready(), store.reserve(purchase('p'))];
    for (const message of await Promise.all(calls.map(messageOf))) {
      expect(message).toContain('newer version of spendcap');
    }
    expect(await query('SELECT count(*)::int AS n FROM @purchases')).toEqual([{ n: 0 }]);
  });

  test.each([
    ['isolation', '-c default_transaction_isolation=serializable', 'READ COMMITTED'],
    ['isolation', '-c default_transaction_isolation=repeatable\\ read', 'READ COMMITTED'],
    ['durability', '-c synchronous_commit=off', 'synchronous_commit'],
    ['a read-only role', '-c default_transaction_read_only=on', 'read-only'],
  ])('a connection with the wrong %s (%s) is refused', async (_name, options, message) => {
    const { open } = await world();
    const store = open(pool(url, { options }));
    expect(await messageOf(store.reserve(purchase('p')))).toContain(message);
  });

  test.each([
    [{ version: 130_012 }, 'store_misconfigured', 'PostgreSQL 14'],
    [{ durability: 'off' }, 'store_misconfigured', 'synchronous_commit'],
    // Until a failover has made it the primary.
    [{ replica: true }, 'store_unavailable', 'primary'],
  ])('a server that says %j is %s', async (change, code, message) => {
    const well = { version: 150_000, replica: false, read_only: false, durability: 'on' };
    const row = { ...well, migrated: true, ...change };
    const store = postgresStore({ pool: poolAnswering(async () => ({ rows: [row] })) });
    for (const call of [store.ready, store.migrate, () => store.get({ id: 'p', at: NOON })]) {
      await expect(call()).rejects.toMatchObject({
        code,
        retryable: code === 'store_unavailable',
        message: expect.stringContaining(message),
      });
    }
  });
});

describe.skipIf(found === null)('a connection that ends', () => {
  test('in mid-batch: outcome unknown, and the retry finds that nothing was done', async () => {
    const { schema, store, query } = await world();
    await store.reserve(purchase('first', { windows }));
    const unlock = await lockSubject(schema, 'subject-a');
    const calls = ['p', 'q'].map((id) => failure(store.reserve(purchase(id, { windows }))));
    const waiting = `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND query LIKE '%${schema}%apply_batch%' AND pid <> pg_backend_pid()`;
    await expect.poll(() => query(waiting)).toEqual([{ ended: true }]);
    expect(await Promise.all(calls)).toEqual(['outcome_unknown', 'outcome_unknown']);
    await unlock();
    const again = await store.reserve(purchase('p', { windows }));
    expect(again).toMatchObject({ outcome: 'held', replayed: false, used: [2_000, 2_000] });
  });

  test('before the answer: outcome unknown, and the retry finds that it was done', async () => {
    const { open } = await world();
    const { proxy, through } = await proxied();
    const store = open(through);
    await store.ready();
    await store.usage({ subject: 'subject-a', windows: [], at: NOON });
    proxy.make('cut before answer');
    expect(await failure(store.reserve(purchase('p', { windows })))).toBe('outcome_unknown');
    proxy.make('none');
    const again = await store.reserve(purchase('p', { windows }));
    expect(again).toMatchObject({ outcome: 'held', replayed: true, used: [1_000, 1_000] });
    expect(await usedToday(store)).toBe(1_000);
  });

  test('under load: what was answered is there, and nothing counts twice', async () => {
    const { open, query } = await world();
    const { proxy, through } = await proxied();
    const store = open(through);
    const answered = new Set<string>();
    const subjects = Array.from({ length: 10 }, (_, index) => `subject-${index}`);
    const buy = async (index: number): Promise<void> => {
      const id = `p${index}`;
      const subject = subjects[index % subjects.length] ?? '';
      const command = purchase(id, { subject, amount: 100, windows });
      await store.reserve(command).then(
        () => answered.add(id),
        (error) => expect(['outcome_unknown', 'store_unavailable']).toContain(codeOf(error)),
      );
    };
    for (let round = 0; round < 8; round += 1) {
      const burst = Array.from({ length: 100 }, (_, index) => buy(round * 100 + index));
      if (round % 2 === 0) setTimeout(proxy.cut, round);
      else proxy.make('cut before answer');
      await Promise.all(burst);
      proxy.make('none');
    }
    const kept = await query('SELECT id FROM @purchases');
    expect([...answered].filter((id) => !kept.some((row) => row.id === id))).toEqual([]);
    await Promise.all(Array.from({ length: 800 }, (_, index) => buy(index)));
    expect(answered.size).toBe(800);
    for (const subject of subjects) expect(await usedToday(store, subject)).toBe(8_000);
  });

  test('no connection at all is store_unavailable, and it recovers', async () => {
    const { open } = await world();
    const { proxy, through } = await proxied();
    const store = open(through);
    expect((await store.reserve(purchase('p', { windows }))).outcome).toBe('held');
    await proxy.close();
    const codes = [await failure(store.ready()), await failure(store.get({ id: 'p', at: NOON }))];
    expect(codes.at(-1)).toBe('store_unavailable');
    const other = open(pool());
    expect(await usedToday(other)).toBe(1_000);
  });
});

describe.skipIf(found === null)('a database that does not answer', () => {
  test('every call is over in its time: unknown if sent, not done if not', async () => {
    const { schema, open } = await world();
    const store = open(pool(), { timeoutMs: 300 });
    await store.reserve(purchase('first', { windows }));
    const unlock = await lockSubject(schema, 'subject-a');
    const begun = performance.now();
    const sent = failure(store.reserve(purchase('sent', { windows })));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const queued = failure(store.reserve(purchase('queued', { windows })));
    expect(await sent).toBe('outcome_unknown');
    expect(await queued).toMatch(/outcome_unknown|store_unavailable/);
    expect(performance.now() - begun).toBeLessThan(1_000);
    await unlock();
    const patient = open(pool());
    const again = await patient.reserve(purchase('sent', { windows }));
    expect(again).toMatchObject({ outcome: 'held' });
    await patient.reserve(purchase('queued', { windows }));
    expect(await usedToday(patient)).toBe(3_000);
  });

  test('one whose answers are lost is not waited for by the calls that come after', async () => {
    const { open } = await world();
    // The one connection has to be given up, or no other call would ever get one.
    const { proxy, through } = await proxied({ max: 1 });
    const store = open(through, { timeoutMs: 300 });
    await store.get({ id: 'p', at: NOON });
    proxy.make('lose before answer');
    expect(await failure(store.reserve(purchase('p', { windows })))).toBe('outcome_unknown');
    proxy.make('none');
    const again = await store.reserve(purchase('p', { windows }));
    expect(again.outcome).toBe('held');
    expect(await usedToday(store)).toBe(1_000);
  });
});

describe.skipIf(found === null)('what the database refuses', () => {
  test('a command that it cannot keep fails alone', async () => {
    const { store } = await world();
    // Longer than an index entry may be, and of a kind that does not shrink.
    const long = Array.from({ length: 4_000 }, (_, i) =>
      String.fromCharCode(33 + ((i * i * 7) % 89)),
    );
    const text = long.map((char, i) => `${char}${(i * 7_919) % 10_007}`).join('');
    const results = await Promise.all([
      failure(store.reserve(purchase('good', { windows }))),
      failure(store.reserve(purchase(text, { windows }))),
      failure(store.reserve(purchase('nul', { request: 'a\0b', windows }))),
      failure(store.reserve(purchase('half', { basis: '\ud83c', windows }))),
      failure(store.reserve(purchase('name', { processor: 'a\0b', windows }))),
      failure(store.reserve(purchase('ref', { processorRef: '\ud83c', windows }))),
      failure(store.record(charge('charge', { processorRef: 'a\0b', windows }))),
      failure(store.overdue({ at: NOON, limit: 1, after: { expiresAt: 0, id: '\ud83c' } })),
      failure(store.reserve(purchase('whole', { basis: '\\u0000 🎁', windows }))),
    ]);
    const refused = 'invalid_request';
    expect(results).toEqual(['no error', ...Array(7).fill(refused), 'no error']);
    expect(await usedToday(store)).toBe(2_000);
  });

  test.each(['40001', '40P01'])('%s is tried again, so many times and no more', async (code) => {
    const { open } = await world();
    let faults = 0;
    let left = 3;
    const faulty = interceptedPool(pool(), (query, send) => {
      if (!query.text.includes('_batch(') || left === 0) return send(query);
      left -= 1;
      faults += 1;
      return Promise.reject(Object.assign(new Error('conflict'), { code }));
    });
    const store = open(faulty);
    expect((await store.reserve(purchase('p', { windows }))).outcome).toBe('held');
    expect(faults).toBe(3);
    left = Infinity;
    expect(await failure(store.reserve(purchase('q', { windows })))).toBe('store_unavailable');
    expect(faults).toBe(9);
  });
});
