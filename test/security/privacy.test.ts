import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Store } from '@spendcap/core';
import type { AgeSource } from '@spendcap/server/age/sources';
import type { NppaEvidence, NppaStore } from '@spendcap/server/age/sources/nppa';
import { sqliteNppaStore } from '@spendcap/server/age/sources/nppa/sqlite';
import { postgresStore } from '@spendcap/server/stores/postgres';
import { redisStore } from '@spendcap/server/stores/redis';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPostgres, freshSchema, poolOf } from '../support/postgres.ts';
import { freshPrefix, REDIS_URL } from '../support/redis.ts';
import { removeTemporaryFiles, temporaryFile } from '../support/temporary.ts';
import { type FlowOptions, runFlow } from './privacy/flow.ts';
import { type Leak, leaksIn, type Output } from './privacy/leaks.ts';
import { CHILD } from './privacy/people.ts';

const MIN_OUTPUTS = 100;
const postgresUrl = await findPostgres();

afterAll(removeTemporaryFiles);

/** All that is printed meanwhile, by whatever means. */
let printed: Output[] = [];
beforeEach(() => {
  printed = [];
  const print = (where: string) => (text: unknown) => {
    printed.push({
      where,
      bytes: Buffer.from(typeof text === 'string' ? text : JSON.stringify(text)),
    });
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(print('stdout'));
  vi.spyOn(process.stderr, 'write').mockImplementation(print('stderr'));
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...said) => {
      print(`console.${method}`)(said);
    });
  }
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    print('warning')(String(warning));
  });
});
afterEach(() => vi.restoreAllMocks());

/** A store of the ledger, and everything that stands in it afterwards. */
interface Ledger {
  readonly store: Store;
  dump(): Promise<readonly Output[]>;
}

/** The bytes of a database file with its log and whatever else lies beside it. */
function filesBeside(path: string): readonly Output[] {
  const folder = dirname(path);
  return readdirSync(folder).map((name) => ({
    where: name,
    bytes: readFileSync(join(folder, name)),
  }));
}

async function sqlite(): Promise<Ledger> {
  const path = temporaryFile('ledger.db');
  return { store: sqliteStore({ path }), dump: async () => filesBeside(path) };
}

async function postgres(): Promise<Ledger> {
  const pool = poolOf(postgresUrl ?? '');
  const schema = freshSchema();
  const store = postgresStore({ pool, schema });
  await store.migrate();
  const dump = async () => {
    const { rows } = await pool.query<{ name: string }>(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1',
      [schema],
    );
    const tables = rows.map(async ({ name }) => {
      const all = await pool.query(`SELECT t::text AS row FROM "${schema}"."${name}" t`);
      return { where: name, bytes: Buffer.from(JSON.stringify(all.rows)) };
    });
    const outputs = await Promise.all(tables);
    await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
    await pool.end();
    return outputs;
  };
  return { store, dump };
}

async function redis(): Promise<Ledger> {
  const client = new Redis(REDIS_URL ?? '');
  const prefix = freshPrefix();
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: (key) => client.get(key),
    hash: (key) => client.hgetall(key),
    zset: (key) => client.zrange(key, '0', '-1', 'WITHSCORES'),
    set: (key) => client.smembers(key),
    list: (key) => client.lrange(key, 0, -1),
  };
  const dump = async () => {
    const keys = await client.keys(`${prefix}*`);
    const outputs = keys.map(async (key) => {
      const type = await client.type(key);
      const value = await read[type]?.(key);
      if (value === undefined) throw new Error(`a key of type ${type} that nobody reads`);
      return { where: `redis ${type}`, bytes: Buffer.from(JSON.stringify([key, value])) };
    });
    const all = await Promise.all(outputs);
    await client.unlink(...(keys as [string]));
    client.disconnect();
    return all;
  };
  return { store: redisStore({ client, prefix }), dump };
}

/** Runs the flow and gives every leak in what came out, was printed or is kept. */
async function leaksOf(
  open: () => Promise<Ledger>,
  options: { readonly replace?: (store: NppaStore) => NonNullable<FlowOptions['replace']> } = {},
): Promise<readonly Leak[]> {
  const ledger = await open();
  const path = temporaryFile('nppa.db');
  const records = sqliteNppaStore({ path });
  const replace = options.replace === undefined ? {} : { replace: options.replace(records) };
  const { outputs, marks } = await runFlow({ ledger: ledger.store, records, ...replace });
  await ledger.store.close();
  await records.close();
  const tables = [...(await ledger.dump()), ...filesBeside(path)];
  expect(outputs.length).toBeGreaterThan(MIN_OUTPUTS);
  expect(tables.length).toBeGreaterThan(1);
  for (const { bytes } of tables) expect(bytes.length).toBeGreaterThan(0);
  return leaksIn([...outputs, ...tables, ...printed], marks);
}

describe('nothing personal comes out, whatever happens', () => {
  it('with SQLite', async () => {
    expect(await leaksOf(sqlite)).toEqual([]);
  }, 60_000);

  it.skipIf(postgresUrl === null)(
    'with Postgres',
    async () => {
      expect(await leaksOf(postgres)).toEqual([]);
    },
    60_000,
  );

  it.skipIf(REDIS_URL === null)(
    'with Redis',
    async () => {
      expect(await leaksOf(redis)).toEqual([]);
    },
    60_000,
  );
});

describe('a source that leaks is found out', () => {
  type Leaky = (source: AgeSource<NppaEvidence>, records: NppaStore) => AgeSource<NppaEvidence>;

  const cases: Readonly<Record<string, readonly [Leaky, RegExp]>> = {
    'by the token': [
      (source) => ({
        ...source,
        verify: async (...asked) => ({ ...(await source.verify(...asked)), kind: CHILD.name }),
      }),
      /^claims of nppa: name of CHILD$/,
    ],
    'by what it prints': [
      (source) => ({
        ...source,
        verify: (evidence, at) => {
          console.warn('verified', evidence);
          return source.verify(evidence, at);
        },
      }),
      /^console\.warn: ID number of CHILD$/,
    ],
    'by what it keeps': [
      (source, records) => ({
        ...source,
        verify: async (...asked) => {
          await records.swap(`born ${crypto.randomUUID()}`, null, '20140317');
          return source.verify(...asked);
        },
      }),
      /^nppa\.db.*: birth date of CHILD \(1\)$/,
    ],
  };

  it.each(Object.entries(cases))(
    '%s',
    async (_, [leaky, expected]) => {
      const replace = (records: NppaStore) => (source: AgeSource<NppaEvidence>) =>
        leaky(source, records);
      const leaks = (await leaksOf(sqlite, { replace })).map(
        ({ where, mark }) => `${where}: ${mark}`,
      );
      expect(leaks).toContainEqual(expect.stringMatching(expected));
    },
    60_000,
  );

  const marks = new Map([['mark', '欧阳隐私甲-2014']]);
  const [value = ''] = marks.values();
  const outputs: Readonly<Record<string, string | Uint8Array>> = {
    plain: `before ${value} after`,
    'JSON escapes': '"\\u6b27\\u9633\\u9690\\u79c1\\u7532-2014"',
    'an address': `https://x.example/?q=${encodeURIComponent(value)}`,
    hex: Buffer.from(`x${value}`).toString('hex'),
    base64: Buffer.from(`"name":"${value}"`).toString('base64'),
    'base64 one byte on': Buffer.from(`'"name":"${value}"`).toString('base64'),
    'base64url two bytes on': Buffer.from(`??"name":"${value}"`).toString('base64url'),
    bytes: Buffer.from(`\0\xff${value}\0`),
  };

  it.each(Object.entries(outputs))('in %s', (where, output) => {
    expect(leaksIn([{ where, bytes: Buffer.from(output) }], marks)).toEqual([
      { where, mark: 'mark' },
    ]);
    const other = new Map([['mark', '欧阳隐私乙-2014']]);
    expect(leaksIn([{ where, bytes: Buffer.from(output) }], other)).toEqual([]);
  });

  it('in an error, wherever it hangs on it', async () => {
    const { collector } = await import('./privacy/leaks.ts');
    const errors = [
      new Error(value),
      new Error('x', { cause: new Error('y', { cause: value }) }),
      Object.assign(new Error('x'), { response: { body: [value] } }),
      Object.assign(new Error('x'), { toJSON: () => value }),
      Object.defineProperty(new Error('x'), 'hidden', { value, enumerable: false }),
    ];
    for (const error of errors) {
      const seen = collector();
      seen.add('error', error);
      expect(leaksIn(seen.outputs, marks)).toHaveLength(1);
    }
  });
});
