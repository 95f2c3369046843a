import { chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLimiter, parsePolicy, usAppStore } from '@spendcap/server';
import { postgresStore } from '@spendcap/server/stores/postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { NOON, purchase } from '../../packages/server/src/testing/fixtures.ts';
import { findPrograms, type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { freshSchema, poolAnswering, poolOf } from '../support/postgres.ts';

const MISCONFIGURED = { code: 'store_misconfigured', retryable: false };
/** A role of the tests' own server, where every setting may be changed. */
const ROLE = 'limiter';

const [programs] = findPrograms('a misconfigured Postgres');

describe.skipIf(programs === undefined)('a server that is set up wrongly', () => {
  let server: OwnPostgres;
  let operator: pg.Pool;
  const pools: pg.Pool[] = [];

  beforeAll(async () => {
    if (programs === undefined) return;
    server = await ownPostgres(programs);
    await server.start();
    operator = poolOf(server.url);
    await operator.query(`CREATE ROLE ${ROLE} LOGIN`);
  }, 60_000);
  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.end();
  });
  afterAll(async () => {
    await operator?.end();
    await server?.stop('immediate');
  });

  const poolAs = (change: (address: URL) => void, config: pg.PoolConfig = {}): pg.Pool => {
    const address = new URL(server.url);
    change(address);
    const made = poolOf(address.href, config);
    pools.push(made);
    return made;
  };
  const asRole = () => poolAs((address) => Object.assign(address, { username: ROLE }));
  const setting = (name: string, value: string) =>
    poolAs((address) => address.searchParams.set('options', `-c ${name}=${value}`));

  /** A migrated schema, with the privileges that the page of Postgres lists. */
  async function migrated(): Promise<string> {
    const schema = freshSchema();
    await postgresStore({ pool: operator, schema }).migrate();
    await operator.query(`GRANT USAGE ON SCHEMA "${schema}" TO ${ROLE};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${schema}" TO ${ROLE}`);
    return schema;
  }

  test.each([
    ['no such role', (to: URL) => Object.assign(to, { username: 'nobody_here' }), 'pg_hba.conf'],
    ['no such database', (to: URL) => Object.assign(to, { pathname: '/none' }), 'does not exist'],
    ['no TLS', () => undefined, 'TLS'],
  ])('%s', async (name, change, message) => {
    const store = postgresStore({ pool: poolAs(change, { ssl: name === 'no TLS' }) });
    const wanted = { ...MISCONFIGURED, message: expect.stringContaining(message) };
    await expect(store.ready()).rejects.toMatchObject(wanted);
    await expect(store.reserve(purchase('p'))).rejects.toMatchObject(wanted);
    await expect(store.migrate()).rejects.toMatchObject(wanted);
  });

  test.each([
    ['synchronous_commit', 'off', 'synchronous_commit'],
    ['default_transaction_read_only', 'on', 'read-only'],
    ['default_transaction_isolation', 'serializable', 'READ COMMITTED'],
  ])('%s = %s', async (name, value, message) => {
    const schema = await migrated();
    const store = postgresStore({ pool: setting(name, value), schema });
    await expect(store.reserve(purchase('p'))).rejects.toMatchObject({
      ...MISCONFIGURED,
      message: expect.stringContaining(message),
    });
  });

  test.each(['SCHEMA "@"', '"@".migrations', '"@".accounts', '"@".purchases', '"@".entries'])(
    'no privilege on %s, until it is granted',
    async (name) => {
      const schema = await migrated();
      const object = name.replace('@', schema);
      const store = postgresStore({ pool: asRole(), schema });
      await operator.query(`REVOKE ALL ON ${object} FROM ${ROLE}`);
      await expect(store.reserve(purchase('p'))).rejects.toMatchObject({
        ...MISCONFIGURED,
        message: expect.stringContaining('privilege'),
      });
      await expect(store.ready()).rejects.toMatchObject(MISCONFIGURED);
      await operator.query(`GRANT ALL ON ${object} TO ${ROLE}`);
      expect(await store.reserve(purchase('p'))).toMatchObject({ outcome: 'held' });
      await store.ready();
    },
  );

  test('no privilege to make the schema', async () => {
    const store = postgresStore({ pool: asRole(), schema: freshSchema() });
    await expect(store.migrate()).rejects.toMatchObject(MISCONFIGURED);
  });

  test('no schema, one that is behind, one that is newer, and one with a table of another shape', async () => {
    const missing = postgresStore({ pool: operator, schema: freshSchema() });
    await expect(missing.ready()).rejects.toMatchObject(MISCONFIGURED);
    const schema = await migrated();
    const query = (text: string) => operator.query(text.replaceAll('@', `"${schema}".`));
    const store = () => postgresStore({ pool: operator, schema });
    await query('INSERT INTO @migrations (version) VALUES (99)');
    await expect(store().get({ id: 'p', at: NOON })).rejects.toMatchObject(MISCONFIGURED);
    await expect(store().migrate()).rejects.toMatchObject(MISCONFIGURED);
    await query('DELETE FROM @migrations');
    await expect(store().reserve(purchase('p'))).rejects.toMatchObject(MISCONFIGURED);
    await query('INSERT INTO @migrations (version) VALUES (1)');
    await query('ALTER TABLE @purchases DROP COLUMN category');
    await expect(store().reserve(purchase('p'))).rejects.toMatchObject(MISCONFIGURED);
  });

  test('one that becomes read-only while it serves: unavailable, then checked again', async () => {
    const schema = await migrated();
    const pool = poolAs(() => {});
    const store = postgresStore({ pool, schema });
    await store.reserve(purchase('p'));
    await operator.query('ALTER SYSTEM SET default_transaction_read_only = on');
    await operator.query('SELECT pg_reload_conf()');
    await expect
      .poll(() => store.reserve(purchase('q')).catch(({ code }: { code: string }) => code))
      .toBe('store_misconfigured');
    await expect(store.ready()).rejects.toMatchObject(MISCONFIGURED);
    await operator.query('ALTER SYSTEM RESET default_transaction_read_only');
    await operator.query('SELECT pg_reload_conf()');
    await expect
      .poll(() =>
        store.reserve(purchase('q')).then(
          ({ outcome }) => outcome,
          () => 'refused',
        ),
      )
      .toBe('held');
  });

  test('one that comes back as a standby: unavailable, then promoted', async () => {
    const schema = await migrated();
    const store = postgresStore({ pool: poolAs(() => {}), schema });
    await store.ready();
    const { rows } = await operator.query('SHOW data_directory');
    await server.stop('fast');
    const { uid, gid } = statSync(rows[0].data_directory);
    const signal = join(rows[0].data_directory, 'standby.signal');
    writeFileSync(signal, '');
    chownSync(signal, uid, gid);
    await server.start();
    const unavailable = { code: 'store_unavailable', retryable: true };
    await expect(store.ready()).rejects.toMatchObject(unavailable);
    await expect(store.reserve(purchase('p'))).rejects.toMatchObject(unavailable);
    await operator.query('SELECT pg_promote()');
    await store.ready();
    expect(await store.reserve(purchase('p'))).toMatchObject({ outcome: 'held' });
  }, 60_000);

  test('no adult passes unrecorded, as in an outage', async () => {
    const policy = parsePolicy({ ...usAppStore(), onUnavailable: 'allow_adults' });
    const evidence = {
      subject: 'adult',
      statements: [{ kind: 'range', min: 30, maxExclusive: 31, asOf: Date.now() }],
      kind: 'test',
      assurance: 'verified',
      expiresAt: Date.now() + 60_000,
    } as const;
    const order = { id: 'o', amount: '1.00', currency: 'USD', evidence };
    const limiterOf = (pool: pg.Pool) => createLimiter({ policy, store: postgresStore({ pool }) });
    const refused = limiterOf(poolAs((to) => Object.assign(to, { pathname: '/none' })));
    await expect(refused.reserve(order)).rejects.toMatchObject(MISCONFIGURED);
    const away = limiterOf(poolAs((to) => Object.assign(to, { port: '1' })));
    expect(await away.reserve(order)).toMatchObject({ allowed: true });
  });
});

test('a pool without a listener for broken idle connections gets one, and no other does', () => {
  const silent = new pg.Pool();
  postgresStore({ pool: silent });
  postgresStore({ pool: silent });
  expect(silent.emit('error', new Error('gone'))).toBe(true);
  const heard: unknown[] = [];
  const pool = new pg.Pool().on('error', (error) => heard.push(error));
  postgresStore({ pool });
  expect(pool.listenerCount('error')).toBe(1);
});

const failing = (error: object) => Promise.reject(Object.assign(new Error('failed'), error));

describe('why no connection was made', () => {
  test.each([
    [{ code: '28P01' }, 'store_misconfigured'],
    [{ code: '28000' }, 'store_misconfigured'],
    [{ code: 'CERT_HAS_EXPIRED' }, 'store_misconfigured'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'store_misconfigured'],
    [{ message: 'SASL: SCRAM-SERVER-FIRST-MESSAGE: no password' }, 'store_misconfigured'],
    // Certainly nothing was done, so never `outcome_unknown`.
    [{ code: 'ECONNREFUSED' }, 'store_unavailable'],
    [{ code: 'ECONNRESET' }, 'store_unavailable'],
    [{ message: 'Connection terminated unexpectedly' }, 'store_unavailable'],
    [{ code: '57P03' }, 'store_unavailable'],
    [{ code: '53300' }, 'store_unavailable'],
  ])('%o is %s', async (error, code) => {
    const store = postgresStore({ pool: { connect: () => failing(error) } });
    await expect(store.get({ id: 'p', at: NOON })).rejects.toMatchObject({ code });
    await expect(store.ready()).rejects.toMatchObject({ code });
  });
});

describe('why a statement failed', () => {
  const server = { version: 150_000, replica: false, read_only: false, durability: 'on' };

  test.each([
    [{ code: '42501' }, 'store_misconfigured'],
    [{ code: '42703' }, 'store_misconfigured'],
    [{ code: '53100' }, 'store_unavailable'],
    [{ code: '57014' }, 'store_unavailable'],
    [{ code: '22003' }, 'invalid_request'],
    [{ code: '57P01' }, 'outcome_unknown'],
    [{ code: 'ECONNRESET' }, 'outcome_unknown'],
    // It looks like a SQLSTATE.
    [{ code: 'EPIPE' }, 'outcome_unknown'],
    [{ message: 'Connection terminated unexpectedly' }, 'outcome_unknown'],
    [{ message: 'Client was closed and is not queryable' }, 'store_unavailable'],
  ])('%o is %s', async (error, code) => {
    const pool = poolAnswering(async ({ text }) => {
      if (text.includes('_batch(')) return failing(error);
      return { rows: [{ ...server, migrated: true, reached: 1, granted: true }] };
    });
    const store = postgresStore({ pool });
    await expect(store.get({ id: 'p', at: NOON })).rejects.toMatchObject({ code });
  });
});
