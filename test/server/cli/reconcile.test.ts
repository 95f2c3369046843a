import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cnGame } from '@spendcap/core';
import { fakeAppStore } from '@spendcap/sandbox';
import { createLimiter } from '@spendcap/server';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { evidenceOf } from '../payments/engine-kit.ts';
import { MAIN, startCommand } from './command.ts';

/** A processor by the names of its purchases: `paid-1` was paid, `closed-1` not. */
const MODULE = `
const says = (purchaseId, change) =>
  ({ purchaseId, state: 'open', captured: null, refunds: [], ...change });
export const processor = {
  name: 'file_pay',
  traits: { unseenGraceSeconds: 1e9, captures: 'partial', release: 'closed' },
  outcomeOf: () => 'unknown',
  query: () => { throw new Error('not called'); },
  async close({ id, amount, currency }) {
    if (process.env.SLOW) await new Promise((done) => setTimeout(done, Number(process.env.SLOW)));
    if (id.startsWith('lost')) throw new TypeError('secret-of-the-module');
    if (id.startsWith('unseen')) return says(id, { state: 'unseen' });
    if (id.startsWith('closed')) return says(id, { state: 'closed' });
    if (id.startsWith('paid')) return says(id, { captured: { amount, currency } });
    return says(id);
  },
};`;

let folder: string;
let module: string;
const children = new Set<ChildProcess>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spendcap-reconcile-'));
  module = join(folder, 'processor.mjs');
  writeFileSync(module, MODULE);
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NO_PROCESSOR = join(dirname(MAIN), 'columns.ts');
let ledgers = 0;

/** A file with overdue holds of the module's processor; the value of `--store`. */
async function ledgerWith(...ids: readonly string[]): Promise<string> {
  ledgers += 1;
  const store = `sqlite:${join(folder, `ledger-${ledgers}.db`)}`;
  const limiter = opened(store, Date.now() - 3_600_000);
  const statements = [{ kind: 'range', min: 12, maxExclusive: 13, asOf: Date.now() }] as const;
  const evidence = { ...evidenceOf(), statements, expiresAt: Date.now() + 3_600_000 };
  for (const id of ids) {
    const { allowed } = await limiter.reserve({
      ...{ id, evidence, amount: '1.00', currency: 'CNY', expiresInSeconds: 60 },
      ...{ processor: 'file_pay', onExpiry: 'reconcile' },
    });
    expect(allowed).toBe(true);
  }
  await limiter.close();
  return store;
}

function opened(location: string, at = Date.now()) {
  const store = sqliteStore({ path: location.slice('sqlite:'.length) });
  return createLimiter({ policy: cnGame(), store, now: () => at });
}

function start(args: readonly string[], env: Record<string, string> = {}) {
  const started = startCommand(['reconcile', '--policy', 'cn-game', ...args], { env });
  children.add(started.child);
  return started;
}

async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const { child, output } = start(args, environment);
  const [code] = await once(child, 'close');
  return { code, ...output };
}

const HOLDS = ['paid-1', 'paid-2', 'closed-1', 'open-1', 'unseen-1'] as const;

it('settles once what is overdue, and prints one line', async () => {
  const store = await ledgerWith(...HOLDS);
  const first = await run(['--processor', module, '--store', store]);
  expect(first).toEqual({
    ...{ code: 0, stderr: '' },
    stdout: 'file_pay: 2 committed, 1 released, 1 open, 1 unseen, 0 failed\n',
  });
  const { code, stdout } = await run(['--processor', module, '--store', store, '--json']);
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    {
      ...{ at: expect.any(String), processor: 'file_pay' },
      ...{ committed: 0, released: 0, open: 1, unseen: 1, failed: 0 },
    },
  ]);
  const limiter = opened(store);
  expect(await limiter.get('paid-1')).toMatchObject({ state: 'committed', late: false });
  await limiter.close();
});

it('exits with 1 if a hold could not be checked, and logs no message of the module', async () => {
  const store = await ledgerWith('lost-1', 'paid-1');
  const { code, stdout, stderr } = await run(['--processor', module, '--store', store]);
  expect(code).toBe(1);
  expect(stdout).toBe('file_pay: 1 committed, 0 released, 0 open, 0 unseen, 1 failed\n');
  expect(JSON.parse(stderr.split('\n')[0] ?? '')).toMatchObject({ name: 'TypeError' });
  expect(stderr).not.toContain('secret-of-the-module');
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'repeats until %s, and finishes its run',
  async (signal) => {
    const store = await ledgerWith('paid-1', 'paid-2');
    const args = ['--processor', module, '--store', store, '--every', '1s', '--concurrency', '1'];
    const { child, output } = start(args, { SLOW: '300' });
    while (!output.stdout.includes('\n')) await sleep(10);
    const limiter = opened(store, Date.now() - 3_600_000);
    const statements = [{ kind: 'range', min: 12, maxExclusive: 13, asOf: Date.now() }] as const;
    const evidence = { ...evidenceOf(), statements, expiresAt: Date.now() + 3_600_000 };
    for (const id of ['paid-3', 'paid-4']) {
      await limiter.reserve({
        ...{ id, evidence, amount: '1.00', currency: 'CNY', expiresInSeconds: 60 },
        ...{ processor: 'file_pay', onExpiry: 'reconcile' },
      });
    }
    while ((await limiter.get('paid-3'))?.state !== 'committed') await sleep(10);
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(output.stdout.split('\n').filter((line) => line.includes(': 2 committed'))).toHaveLength(
      2,
    );
    expect(output.stderr).toBe('');
    await limiter.close();
  },
);

it('stops immediately between two runs', async () => {
  const store = await ledgerWith('paid-1');
  const { child, output } = start(['--processor', module, '--store', store, '--every', '24h']);
  while (!output.stdout.includes('\n')) await sleep(10);
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
});

it('a built-in processor needs its keys, and its holds are found by its name', async () => {
  const store = await ledgerWith(...HOLDS);
  const stripe = ['--processor', 'stripe', '--store', store];
  expect(await run(stripe)).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: 'spendcap: --processor stripe needs the variables STRIPE_SECRET_KEY\n',
  });
  expect(await run(stripe, { STRIPE_SECRET_KEY: 'sk_test_example' })).toEqual({
    ...{ code: 0, stderr: '' },
    stdout: 'stripe: 0 committed, 0 released, 0 open, 0 unseen, 0 failed\n',
  });
});

const keyPair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const { privateKey } = keyPair();

it.each<[string, Record<string, string>]>([
  [
    'wechat_pay',
    {
      WECHAT_PAY_MCH_ID: '1900000001',
      WECHAT_PAY_APP_IDS: 'wx00000000000000aa,wx00000000000000bb',
      WECHAT_PAY_SERIAL_NO: '5A6B7C8D9E0F1A2B3C4D5E6F708192A3B4C5D6E7',
      WECHAT_PAY_PRIVATE_KEY: privateKey,
      WECHAT_PAY_API_V3_KEY: 'example-key-of-32-bytes-for-docs',
    },
  ],
  [
    'alipay',
    {
      ALIPAY_APP_ID: '2021000000000001',
      ALIPAY_SELLER_ID: '2088000000000001',
      ALIPAY_PRIVATE_KEY: privateKey,
      ALIPAY_PUBLIC_KEY: keyPair().publicKey,
    },
  ],
])(
  '%s opens with its variables, and no fault quotes a key',
  async (name, environment) => {
    const args = ['--processor', name, '--store', await ledgerWith()];
    expect(await run(args, environment)).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: `${name}: 0 committed, 0 released, 0 open, 0 unseen, 0 failed\n`,
    });
    for (const variable of Object.keys(environment)) {
      const { code, stderr } = await run(args, { ...environment, [variable]: 'no-such-secret' });
      if (variable === 'ALIPAY_APP_ID') continue;
      expect([variable, code, stderr.split('\n').length]).toEqual([variable, 2, 2]);
      expect(stderr).toMatch(/^spendcap: /);
      expect(stderr).not.toContain('no-such-secret');
    }
  },
  60_000,
);

describe('app_store', { timeout: 60_000 }, () => {
  const network = new URL('../../support/app-store-network.ts', import.meta.url).href;
  const others = ['APP_STORE_APPLE_ID', 'APP_STORE_ENVIRONMENT', 'APP_STORE_ROOT_CERTIFICATES'];

  /** Runs it with Apple's API as a fake, which has set the variables of its keys. */
  async function sweep(change: Record<string, string> = {}) {
    const roots = join(folder, 'roots.pem');
    const root = fakeAppStore().rootCertificates[0]?.toString('base64');
    const pem = `-----BEGIN CERTIFICATE-----\n${root}\n-----END CERTIFICATE-----\n`;
    writeFileSync(roots, pem.repeat(2));
    return run(['--processor', 'app_store', '--store', await ledgerWith()], {
      ...{ NODE_OPTIONS: `--import=${network}`, APP_STORE_APPLE_ID: '6400000001' },
      ...{ APP_STORE_ENVIRONMENT: 'Sandbox', APP_STORE_ROOT_CERTIFICATES: roots },
      ...change,
    });
  }

  it('reads what Apple has announced with the keys of its variables', async () => {
    expect(await sweep()).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: 'app_store: 0 committed, 0 released, 0 open, 0 unseen, 0 failed\n',
    });
  });

  it('exits with 1 if Apple refuses its key, and logs no variable', async () => {
    const { code, stdout, stderr } = await sweep({ APP_STORE_ISSUER_ID: 'no-such-secret' });
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^app_store: 0 committed/)]);
    expect(JSON.parse(stderr)).toMatchObject({ level: 'error', msg: 'unexpected error' });
    expect(stderr).not.toContain('no-such-secret');
  });

  it.each(['APP_STORE_PRIVATE_KEY', ...others])('needs a valid %s', async (variable) => {
    const { code, stdout, stderr } = await sweep({ [variable]: 'no-such-secret' });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(new RegExp(`^spendcap: ${variable} must be .+\n$`));
    expect(stderr).not.toContain('no-such-secret');
  });
});

it.each<[string, readonly string[], RegExp]>([
  ['no processor', ['--store', 'sqlite:a.db'], /--processor/],
  ['an unknown one', ['--processor', 'nope', '--store', 'sqlite:a.db'], /must be stripe, /],
  [
    'an absent module',
    ['--processor', './no.mjs', '--store', 'sqlite:a.db'],
    /cannot load .* \(ERR_MODULE_NOT_FOUND\)/,
  ],
  ['a module without one', ['--processor', NO_PROCESSOR, '--store', 'sqlite:a.db'], /exports no/],
  ['a ledger in memory', ['--processor', 'stripe', '--store', 'memory:'], /memory: is empty/],
  ['no time', ['--processor', 'stripe', '--store', 'sqlite:a.db', '--every', '0m'], /1s to 24h/],
  ['no number', ['--processor', 'a', '--store', 'b', '--concurrency', '0'], /1 to 100/],
])('refuses %s in one line', async (_, args, message) => {
  const { code, stdout, stderr } = await run(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

it('shows in its help what each processor needs', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/--every[\s\S]*stripe: STRIPE_SECRET_KEY\n/);
});
