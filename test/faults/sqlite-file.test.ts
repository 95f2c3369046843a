import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { ReserveCommand, Store } from '@spendcap/core';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { expect, type Mock, onTestFinished, test, vi } from 'vitest';
import { temporaryFile } from '../support/temporary.ts';

const run = promisify(execFile);
const AT = Date.UTC(2026, 10, 23);
const DAY = 86_400_000;
const selector = { currency: 'CNY', app: null, categories: null };
const window = { selector, start: AT, end: AT + DAY, cap: 5_000 };

function purchase(id: string, change: Partial<ReserveCommand> = {}): ReserveCommand {
  const base = {
    subject: 'subject-a',
    currency: 'CNY',
    app: null,
    category: null,
    processor: null,
    processorRef: null,
    basis: '{}',
  };
  const times = { at: AT, expiresAt: AT + 1_000, onExpiry: 'release' as const };
  return { ...base, ...times, id, request: id, amount: 100, windows: [window], ...change };
}

async function used(store: Store): Promise<number | undefined> {
  const { used } = await store.usage({ subject: 'subject-a', windows: [window], at: AT });
  return used[0];
}

function open(path: string, options = {}): Store {
  const store = sqliteStore({ path, ...options });
  onTestFinished(() => store.close());
  return store;
}

const MISCONFIGURED = { code: 'store_misconfigured', retryable: false };

test.each([
  ['another program, version 1', 'CREATE TABLE x (a); PRAGMA user_version = 1'],
  ['another program, version -1', 'CREATE TABLE x (a); PRAGMA user_version = -1'],
  ['another program, with a table of our name', 'CREATE TABLE purchases (id)'],
  ['a newer version', 'PRAGMA user_version = 99'],
])('a file of %s is misconfigured, when the store is made', (_name, sql) => {
  const path = temporaryFile('other.db');
  const other = new DatabaseSync(path);
  other.exec(sql);
  other.close();
  expect(() => sqliteStore({ path })).toThrow(expect.objectContaining(MISCONFIGURED));
});

test('so are a file of rubbish, a missing folder, a folder and a file that is read-only', () => {
  const path = temporaryFile('rubbish.db');
  writeFileSync(path, 'rubbish'.repeat(1_000));
  const ledger = temporaryFile('ledger.db');
  new DatabaseSync(ledger).close();
  const wrongs = [path, `${path}/no/ledger.db`, dirname(path), `file:${ledger}?mode=ro`];
  for (const wrong of wrongs) {
    expect(() => sqliteStore({ path: wrong })).toThrow(expect.objectContaining(MISCONFIGURED));
  }
});

test('a file that another process is making a schema in is unavailable, and may be tried again', () => {
  const path = temporaryFile('ledger.db');
  const other = new DatabaseSync(path);
  other.exec('PRAGMA journal_mode = WAL; BEGIN IMMEDIATE');
  const make = () => sqliteStore({ path, busyTimeoutMs: 10 });
  const busy = expect.objectContaining({ code: 'store_unavailable', retryable: true });
  expect(make).toThrow(busy);
  other.exec('ROLLBACK');
  other.close();
  onTestFinished(() => make().close());
});

test('a file that is no ledger any more is misconfigured, until it is one again', async () => {
  const post = vi.spyOn(Worker.prototype, 'postMessage');
  onTestFinished(() => post.mockRestore());
  const path = temporaryFile('ledger.db');
  const store = open(path);
  await store.ready();
  await (post.mock.contexts.at(-1) as Worker).terminate();
  renameSync(path, `${path}.kept`);
  writeFileSync(path, 'rubbish'.repeat(1_000));
  const calls = Array.from({ length: 40 }, (_, index) => store.reserve(purchase(`p${index}`)));
  for (const call of calls) await expect(call).rejects.toMatchObject(MISCONFIGURED);
  renameSync(`${path}.kept`, path);
  expect((await store.reserve(purchase('p'))).outcome).toBe('held');
});

test.each([{ maxBatch: 0 }, { maxBatch: 1.5 }, { maxQueue: Number.NaN }, { busyTimeoutMs: -1 }])(
  'options that would hang or never refuse are a TypeError: %o',
  (options) => {
    expect(() => sqliteStore({ path: ':memory:', ...options })).toThrow(TypeError);
  },
);

test('a command that has no JSON fails alone, and the store goes on', async () => {
  const store = open(':memory:');
  const [good, bad, other] = await Promise.allSettled([
    store.reserve(purchase('good')),
    store.reserve(purchase('bad', { amount: 1n as unknown as number })),
    store.reserve(purchase('other')),
  ]);
  expect([good.status, bad.status, other.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await used(store)).toBe(200);
});

test('a command that the file does not take fails alone, and leaves nothing', async () => {
  const store = open(temporaryFile('ledger.db'));
  const [good, bad, other] = await Promise.allSettled([
    store.reserve(purchase('good')),
    store.reserve(purchase('bad', { amount: -100 })),
    store.reserve(purchase('other')),
  ]);
  expect([good.status, bad.status, other.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await used(store)).toBe(200);
});

test('a file that another process holds is unavailable, and nothing is half done', async () => {
  const path = temporaryFile('ledger.db');
  const store = open(path, { busyTimeoutMs: 50 });
  await store.reserve(purchase('first'));
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  await expect(store.reserve(purchase('second'))).rejects.toMatchObject({
    code: 'store_unavailable',
    retryable: true,
  });
  other.exec('ROLLBACK');
  other.close();
  expect(await used(store)).toBe(100);
  expect(await store.reserve(purchase('second'))).toMatchObject({ replayed: false });
});

test('two stores on one file see each other immediately and never pass a cap', async () => {
  const path = temporaryFile('ledger.db');
  const stores = [open(path), open(path)] as const;
  for (let index = 0; index < 6; index += 1) {
    await stores[index % 2 === 0 ? 0 : 1].reserve(purchase(`in turn ${index}`));
    expect(await Promise.all(stores.map(used))).toEqual([100 * (index + 1), 100 * (index + 1)]);
  }
  await stores[0].release({ id: 'in turn 1', at: AT });
  expect(await used(stores[1])).toBe(500);
  const burst = Array.from({ length: 200 }, (_, index) =>
    stores[index % 2 === 0 ? 0 : 1].reserve(purchase(`burst ${index}`)),
  );
  const results = await Promise.all(burst);
  expect(results.filter(({ outcome }) => outcome === 'held')).toHaveLength(45);
  expect(await Promise.all(stores.map(used))).toEqual([5_000, 5_000]);
});

test('a thread that dies leaves its calls unknown; a retry counts each once', async () => {
  const post = vi.spyOn(Worker.prototype, 'postMessage');
  onTestFinished(() => post.mockRestore());
  const store = open(temporaryFile('ledger.db'));
  await store.ready();
  const worker = post.mock.contexts.at(-1) as Worker;
  const ids = Array.from({ length: 40 }, (_, index) => `p${index}`);
  const calls = Promise.allSettled(ids.map((id) => store.reserve(purchase(id))));
  await vi.waitFor(() => expect(post.mock.calls.length).toBeGreaterThan(1), { interval: 1 });
  await worker.terminate();
  for (const result of await calls) {
    if (result.status === 'fulfilled') expect(result.value.outcome).toBe('held');
    else expect(result.reason).toMatchObject({ code: 'outcome_unknown', retryable: true });
  }
  const retried = await Promise.all(ids.map((id) => store.reserve(purchase(id))));
  expect(retried.every(({ outcome }) => outcome === 'held')).toBe(true);
  expect(await used(store)).toBe(4_000);
});

/** Ends the thread that gets the next message, before it can have begun. */
function endNextThread(): Mock<Worker['postMessage']> {
  const post = vi.spyOn(Worker.prototype, 'postMessage');
  onTestFinished(() => post.mockRestore());
  return post.mockImplementationOnce(function (this: Worker) {
    void this.terminate();
  });
}

test('a thread that dies before it is up has done nothing; the next call starts another', async () => {
  const post = vi.spyOn(Worker.prototype, 'postMessage');
  onTestFinished(() => post.mockRestore());
  const store = open(temporaryFile('ledger.db'), { maxBatch: 1 });
  await store.reserve(purchase('first'));
  await (post.mock.contexts.at(-1) as Worker).terminate();
  endNextThread();
  // Made, sent and terminated in one tick, so that the thread cannot have begun.
  await expect(store.reserve(purchase('p'))).rejects.toMatchObject({
    code: 'store_unavailable',
    retryable: true,
  });
  expect(await store.reserve(purchase('p'))).toMatchObject({ outcome: 'held', replayed: false });
});

test('a store whose first thread does not come up serves on the calling thread', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  const post = endNextThread();
  const store = open(temporaryFile('ledger.db'), { maxBatch: 1 });
  const calls = ['p', 'q'].map((id) => store.reserve(purchase(id)));
  for (const held of await Promise.all(calls)) expect(held).toMatchObject({ replayed: false });
  const sent = post.mock.calls.length;
  expect(await store.reserve(purchase('p'))).toMatchObject({ outcome: 'held', replayed: true });
  expect(post.mock.calls.length).toBe(sent);
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    expect.stringContaining('sqliteStore cannot start its thread'),
    { type: 'SpendcapWarning', code: 'SPENDCAP_SQLITE_IN_THREAD' },
  );
});

test('a store whose thread dies while it is closed still closes', async () => {
  const post = vi.spyOn(Worker.prototype, 'postMessage');
  onTestFinished(() => post.mockRestore());
  const store = sqliteStore({ path: temporaryFile('ledger.db') });
  await store.reserve(purchase('p'));
  post.mockImplementationOnce(function (this: Worker) {
    this.emit('error', new Error('out of memory'));
    void this.terminate();
  });
  expect(await store.close()).toBeUndefined();
});

test.each([
  ['deleted', '', (path: string) => rmSync(path)],
  ['replaced', '', (path: string) => copyFileSync(`${path}.copy`, `${path}.new`)],
  ['deleted with its log', '-wal', (path: string) => rmSync(path)],
])('a file that is %s acknowledges nothing more', async (_name, suffix, damage) => {
  const path = temporaryFile('ledger.db');
  const store = open(path);
  await store.reserve(purchase('before'));
  copyFileSync(path, `${path}.copy`);
  const [whole, away] = [`${path}${suffix}`, `${path}.away`];
  // Kept under another name, so that the operator can move it back.
  linkSync(whole, away);
  damage(suffix === '' ? path : whole);
  if (existsSync(`${path}.new`)) renameSync(`${path}.new`, path);
  const calls = Array.from({ length: 40 }, (_, index) => store.reserve(purchase(`p${index}`)));
  for (const call of calls) await expect(call).rejects.toMatchObject(MISCONFIGURED);
  await expect(store.ready()).rejects.toMatchObject(MISCONFIGURED);
  renameSync(away, whole);
  await store.ready();
  expect((await store.reserve(purchase('after'))).outcome).toBe('held');
  expect(await used(store)).toBe(200);
});

test('a file that is deleted before the first call is not made again', async () => {
  const path = temporaryFile('ledger.db');
  const store = open(path);
  rmSync(path);
  await expect(store.reserve(purchase('p'))).rejects.toMatchObject(MISCONFIGURED);
  expect(existsSync(path)).toBe(false);
});

test('a store that can write no more is not ready, though nobody buys', async () => {
  // A limit on the size of a file makes its writes fail as a full disk does.
  const program = `
    import { sqliteStore } from '@spendcap/server/stores/sqlite';
    const store = sqliteStore({ path: process.env.LEDGER });
    await store.ready();
    const code = ({ code }) => code;
    const refusedBy = (call) => call.then(() => 'ready', code);
    let failed;
    for (let i = 0; i < 1000 && failed === undefined; i += 1) {
      const command = ${JSON.stringify(purchase('p', { windows: [] }))};
      failed = await store.reserve({ ...command, id: 'p' + i }).then(() => undefined, code);
    }
    console.log(JSON.stringify([failed, await refusedBy(store.ready())]));
    process.exit();`;
  const args = ['--conditions=@spendcap/source', '--input-type=module', '--eval', program];
  const shell = `trap '' XFSZ; ulimit -f 512; exec "$0" "$@"`;
  const env = { ...process.env, LEDGER: temporaryFile('ledger.db') };
  const options = { cwd: import.meta.dirname, env };
  const { stdout } = await run('bash', ['-c', shell, process.execPath, ...args], options);
  expect(JSON.parse(stdout)).toEqual(['outcome_unknown', 'store_unavailable']);
});

test('a file that cannot be made for lack of space is unavailable, and not of another kind', async () => {
  const program = `
    import { sqliteStore } from '@spendcap/server/stores/sqlite';
    try { sqliteStore({ path: process.env.LEDGER }); } catch ({ code, cause }) {
      console.log(JSON.stringify([code, /transaction/.test(cause.message)]));
    }`;
  const args = ['--conditions=@spendcap/source', '--input-type=module', '--eval', program];
  // Enough for the shared index of the log, and not for the schema.
  const shell = `trap '' XFSZ; ulimit -f 32; exec "$0" "$@"`;
  const env = { ...process.env, LEDGER: temporaryFile('full.db') };
  const options = { cwd: import.meta.dirname, env };
  const { stdout } = await run('bash', ['-c', shell, process.execPath, ...args], options);
  expect(JSON.parse(stdout)).toEqual(['store_unavailable', false]);
});

test('calls under way when the store closes are answered and kept', async () => {
  const path = temporaryFile('ledger.db');
  const store = sqliteStore({ path });
  const calls = Array.from({ length: 30 }, (_, index) => store.reserve(purchase(`p${index}`)));
  const closed = store.close();
  expect((await Promise.all(calls)).every(({ outcome }) => outcome === 'held')).toBe(true);
  await closed;
  await expect(store.ready()).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(await used(open(path))).toBe(3_000);
});

test('more calls than may wait are refused as overloaded, immediately', async () => {
  const store = open(temporaryFile('ledger.db'), { maxQueue: 10 });
  const results = await Promise.allSettled(
    Array.from({ length: 25 }, (_, index) => store.reserve(purchase(`p${index}`))),
  );
  const refused = results.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(15);
  expect(refused[0]).toMatchObject({ reason: { code: 'overloaded', retryable: true } });
  expect(await used(store)).toBe(1_000);
});
