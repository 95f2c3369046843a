import { execFile } from 'node:child_process';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';

const FOLDER = join(ROOT, 'examples');
const MAX_LINES = 100;
const MAX_README_LINES = 20;
const run = promisify(execFile);

/** What each example prints, line by line. Dates differ from day to day. */
const OUTPUT: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  alipay: [
    'order-1 403 transaction_cap_exceeded not in the ledger',
    'order-2 201 committed',
    'order-3 201 reserved',
    'order-4 403 day_cap_exceeded not in the ledger',
    'released: 1, charged: 48 CNY',
  ],
  'app-store': [
    'first held',
    'first committed deliver',
    'second held',
    'second committed deliver',
    'elsewhere recorded was not held',
    'third day_cap_exceeded',
    'first committed 30.00 refunded 30.00',
    'fourth held',
    'kept by Apple: 60 CNY',
  ],
  'cn-real-name': [
    'account-1 registers: verified',
    'account-1 buys for 60.00: transaction_cap_exceeded',
    'account-1 buys for 48.00: allowed',
    'account-2 registers: verified',
    'account-2 buys for 48.00: allowed',
    'account-2 buys for 10.00: day_cap_exceeded',
    'account-3 has no token: identity_rejected',
    'account-3 has no token: not_registered',
    'account-3 buys for 1.00: age_unverified',
    'account-4 has no token: age_evidence_pending',
    'account-4 has no token: age_evidence_pending',
    'account-4 buys for 1.00: age_unverified',
    'account-4 buys for 90.00: allowed',
  ],
  'eu-wallet': [
    'adult buys for 500.00: allowed',
    'copycat has no token: holder_proof_invalid',
    'child buys for 25.00: allowed',
    'child buys for 10.00: month_cap_exceeded',
  ],
  'express-stripe': [
    'order-1 403 transaction_cap_exceeded not in the ledger',
    'order-2 201 committed',
    'order-3 201 committed',
    'order-4 403 day_cap_exceeded not in the ledger',
    'charged: 96 CNY in 2 charges',
  ],
  'game-checkout': [
    '60.00 You can spend up to CN¥50.00 in one go. Choose something that costs CN¥50.00 or less.',
    '60.00 一次最多可以花 ¥50.00。请选一个不超过 ¥50.00 的东西。',
    '48.00 paid',
    '13.00 card declined',
    /^48\.00 You can spend up to CN¥42\.00 now\. Choose something that costs less, or wait until \w+day, \w+ \d+\.$/,
    /^48\.00 你现在最多可以花 ¥42\.00。可以选便宜一点的，或者等到\d+月\d+日星期.。$/,
    'transaction: 0.00 of 50.00 CNY',
    'day: 48.00 of 90.00 CNY',
    'month: 48.00 of 200.00 CNY',
  ],
  'google-play': [
    'order-1 committed deliver',
    'order-2 pending do not deliver',
    'order-3 committed deliver',
    'order-4 day_cap_exceeded',
    'order-2 committed 30.00 refunded 0.00',
    'google_play:... committed 30.00 refunded 0.00',
    'order-1 committed 30.00 refunded 30.00',
    'google_play:... committed 30.00 refunded 30.00',
    'kept by Google Play: 60 CNY',
  ],
  'mini-game': [
    'transaction: 50.00 left',
    'day: 100.00 left',
    'month: 200.00 left',
    'gems-480: paid',
    'greenhouse: 一次最多可以花 ¥50.00。请选一个不超过 ¥50.00 的东西。',
    'transaction: 50.00 left',
    'day: 52.00 left',
    'month: 152.00 left',
  ],
  permit: [
    'ten times the amount: 422 permit_invalid purchase_mismatch',
    'another order: 422 permit_invalid purchase_mismatch',
    'as permitted: 200 charged 68.00 CNY for order-1',
    'ledger: committed',
  ],
  sidecar: [
    '1. Reserve before the charge, and commit after it.',
    '/v1/purchases: 201',
    'reserved',
    '/v1/purchases/order-1/commit: 200',
    'committed',
    '2. A refusal is a 403 with its reasons: nothing is charged or held.',
    '/v1/purchases: 403',
    'transaction_cap_exceeded, cap 50.00 and day_cap_exceeded, cap 100.00',
    '3. The player reads the allowance, with the age token as the credential.',
    '/v1/allowance: 200',
    'transaction 50.00, day 52.00, month 152.00',
  ],
  'wechat-pay': [
    'order_1 transaction_cap_exceeded',
    'order_2 for wx.requestPayment: RSA',
    'order_3 for wx.requestPayment: RSA',
    'order_4 day_cap_exceeded',
    'order_2 committed 48.00 refunded 0.00',
    'closed and released: 1',
    'order_3 released 0.00 refunded 0.00',
    'order_2 committed 48.00 refunded 0.00',
    'order_2 committed 48.00 refunded 18.00',
    'paid at WeChat: 30 CNY',
  ],
};

/** Pages: their own tests build and open them. */
const PAGES = ['next-checkout', 'vue-checkout'];
const names = readdirSync(FOLDER);
const programs = names.filter((name) => !PAGES.includes(name));

function read(name: string, file: string): string {
  return readFileSync(join(FOLDER, name, file), 'utf8');
}

/** Runs an example the way its `npm start` does, which is what its README says. */
async function start(name: string): Promise<string> {
  const { start } = JSON.parse(read(name, 'package.json')).scripts;
  const { stdout, stderr } = await run('bash', ['-c', start], {
    cwd: join(FOLDER, name),
    env: { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}` },
    timeout: 25_000,
  });
  expect(stderr).toBe('');
  return stdout;
}

describe('examples', () => {
  it('are all known here', () => {
    expect(programs.toSorted()).toEqual(Object.keys(OUTPUT).toSorted());
  });

  it.each(programs)('%s runs as it is shown', async (name) => {
    const expected = OUTPUT[name] ?? [];
    const lines = (await start(name)).trimEnd().split('\n');
    expect(lines).toEqual(
      expected.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))),
    );
  });

  it.each(names)('%s is short, and says how it is run', (name) => {
    const files = globSync('**', { cwd: join(FOLDER, name), exclude: ['**/node_modules'] });
    const code = files.filter((file) => /\.(ts|sh|m?js|jsx|vue|html)$/.test(file));
    const lines = code.flatMap((file) => read(name, file).trimEnd().split('\n'));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(MAX_LINES);
    const readme = read(name, 'README.md').trimEnd().split('\n');
    expect(readme.length).toBeLessThan(MAX_README_LINES);
    expect(readme).toContain(
      name === 'next-checkout'
        ? 'npm install && npm start'
        : `npm start --workspace spendcap-example-${name}`,
    );
  });

  it.each(names)('%s is never published, and depends on what is built here', (name) => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const manifest = JSON.parse(read(name, 'package.json'));
    expect(manifest).toMatchObject({ name: `spendcap-example-${name}`, private: true, version });
    const own = Object.entries(manifest.dependencies).filter(([id]) => id.startsWith('@spendcap/'));
    expect(own.map(([, wanted]) => wanted)).toEqual(own.map(() => version));
  });
});
