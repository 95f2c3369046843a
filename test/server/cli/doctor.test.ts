import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examine } from '../../../packages/server/src/cli/doctor.ts';
import { initProject } from '../../../packages/server/src/cli/init.ts';
import { scanSources } from '../../../packages/server/src/cli/source-scan.ts';
import { findPostgres, freshSchema, poolOf } from '../../support/postgres.ts';
import { canStartRedis, redisServer } from '../../support/redis.ts';
import { runCommand } from './command.ts';

const postgres = await findPostgres();

const parent = mkdtempSync(join(tmpdir(), 'spendcap-doctor-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

let count = 0;
/** A folder with these files. */
function folderWith(files: Readonly<Record<string, string>>): string {
  count += 1;
  const folder = join(parent, String(count));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe('the scan of sources', () => {
  const found = (files: Readonly<Record<string, string>>) =>
    scanSources(folderWith(files)).map(({ place, message }) => `${place} ${message}`);

  it('names a client that no guard wraps, of each processor', () => {
    expect(
      found({
        'pay.ts': "import Stripe from 'stripe';\n\nexport const stripe = new Stripe(key);\n",
        'src/zfb.js': 'module.exports = new AlipaySdk({ appId });',
        'src/wx.mts': 'export const wechat = wechatPayClient({ mchId });',
      }),
    ).toEqual([
      'pay.ts:3 this client is not passed to guardStripe()',
      'src/wx.mts:1 this client is not passed to guardWechatPay()',
      'src/zfb.js:1 this client is not passed to guardAlipay()',
    ]);
  });

  it('is content with a client that is guarded, in its file or where it is imported', () => {
    const made = 'export const stripe: Stripe = new Stripe(key);\n';
    expect(found({ 'a.ts': `${made}const payments = guardStripe({ stripe, limiter });` })).toEqual(
      [],
    );
    const guard = `import { stripe } from './lib/client';\nguardStripe({ stripe, limiter });`;
    expect(found({ 'lib/client.ts': made, 'pay.ts': guard })).toEqual([]);
    expect(found({ 'lib/other.ts': made, 'pay.ts': guard })).toHaveLength(1);
  });

  it('names a charge by the client itself, beside its guard', () => {
    const code = `const stripe = new Stripe(key);
const payments = guardStripe({ stripe, limiter });
await payments.paymentIntents.create(charge, { spendcap });
// stripe.paymentIntents.create(charge)
await stripe.paymentIntents.create(charge);`;
    expect(found({ 'pay.ts': code })).toEqual([
      'pay.ts:5 charges past the limiter: use the result of guardStripe()',
    ]);
  });

  it('names a body parser before a webhook, not after it or on another route', () => {
    const mount = `app.post('/webhook', toExpress(processorWebhook({ processor, limiter })));`;
    const parser = 'app.use(express.json());';
    expect(found({ 'a.js': `${parser}\n${mount}` })).toEqual([
      'a.js:1 parses the body of the webhook on line 2: move it below',
    ]);
    expect(found({ 'b.js': `${parser}\nmountSpendcap(app);` })).toHaveLength(1);
    expect(found({ 'c.js': `${mount}\n${parser}` })).toEqual([]);
    expect(found({ 'd.js': `app.use('/api', express.json());\n${mount}` })).toEqual([]);
  });

  it('reads neither dependencies, builds nor tests', () => {
    const code = 'new Stripe(key)';
    const files = ['node_modules/a/b.js', 'dist/pay.js', '.next/a.js', 'a.test.ts', 'test/b.ts'];
    expect(found(Object.fromEntries(files.map((file) => [file, code])))).toEqual([]);
  });
});

describe('spendcap doctor', () => {
  let folder: string;

  beforeAll(async () => {
    folder = folderWith({
      'package.json': '{ "dependencies": { "express": "*", "stripe": "*" } }',
    });
    await initProject(folder);
  });

  it('finds no fault in what spendcap init writes, and warns of placeholders', async () => {
    const { code, stdout } = await runCommand(['doctor', folder], { cwd: parent });
    expect(stdout).not.toContain('fail');
    expect(stdout).toMatch(/^ok +policy +cn-game /m);
    expect(stdout).toMatch(/^ok +time zone +Asia\/Shanghai, today is 20/m);
    expect(stdout).toMatch(/^ok +store +sqlite, takes writes$/m);
    expect(stdout).toMatch(/^ok +key set +https:\/\/age.example: ES256$/m);
    expect(stdout).toMatch(/^warn +key set +https:\/\/age.example is the test issuer/m);
    expect(stdout).toMatch(/^warn +webhook +/m);
    expect(code).toBe(0);
    writeFileSync(join(folder, '.env'), 'SPENDCAP_API_KEYS=change-me-change-me\nX=whsec_1');
    const again = (await runCommand(['doctor', folder, '--json'], { cwd: parent })).stdout;
    const findings = again
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const placeholder = 'SPENDCAP_API_KEYS is the value of .env.example';
    expect(findings).toContainEqual({ level: 'warn', check: 'variables', message: placeholder });
    expect(findings.filter(({ check }) => check === 'webhook')).toEqual([]);
  }, 60_000);

  it('reports every fault in one run, with exit code 1', async () => {
    writeFileSync(join(folder, 'pay.mjs'), 'export const s = new Stripe(k);');
    const args = ['doctor', folder, '--store', 'sqlite:/nowhere/x.db', '--policy', 'cn-gmae'];
    const env = { SPENDCAP_PERMIT_KEY: 'never-print-this-secret' };
    const { code, stdout } = await runCommand(args, { cwd: parent, env });
    const faults = stdout.split('\n').filter((line) => line.startsWith('fail'));
    expect(faults.map((line) => /^fail +([\w ]+?) {2}/.exec(line)?.[1])).toEqual([
      'policy',
      'store',
      'variables',
      'sources',
    ]);
    expect(stdout).not.toContain('never-print');
    expect(code).toBe(1);
  }, 60_000);

  it('fails for what serve refuses: short keys, an unknown assurance, no folder', async () => {
    const env = { SPENDCAP_API_KEYS: 'short', SPENDCAP_SUBJECT_KEY: 'short' };
    const jwks = join(folder, 'spendcap-dev-jwks.json');
    const config = folderWith({
      'spendcap.json': JSON.stringify({
        policy: 'cn-game',
        store: 'sqlite:ledger.db',
        ageIssuers: [{ issuer: 'i', audience: 'a', jwks, assurance: 'very' }],
      }),
      '.env': 'SPENDCAP_STORE=memory:',
    });
    const { code, stdout } = await runCommand(['doctor', config], { cwd: parent, env });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fail +age issuers +ageIssuers: assurance must be one of /m);
    expect(stdout).toMatch(/^fail +variables +SPENDCAP_API_KEYS: each key needs/m);
    expect(stdout).toMatch(/^fail +variables +SPENDCAP_SUBJECT_KEY must have/m);
    // The variable of the folder goes before its file, as when it is served.
    expect(stdout).toMatch(/^warn +store +memory: /m);
    const nowhere = await runCommand(['doctor', 'nowhere'], { cwd: parent });
    expect([nowhere.code, nowhere.stderr]).toEqual([2, "spendcap: there is no folder 'nowhere'\n"]);
  });

  it('fails for a clock that differs from the issuer, and a policy that is not in effect', async () => {
    const jwks = join(folder, 'spendcap-dev-jwks.json');
    const flags = { policy: 'cn-game', store: 'memory:', ageIssuer: 'i', ageAudience: 'a' };
    const early = await examine(
      { ...flags, ageJwks: jwks },
      { folder: parent, environment: {}, now: () => Date.UTC(2023, 0, 1) },
    );
    expect(early).toContainEqual(expect.objectContaining({ level: 'fail', check: 'policy' }));
    expect(early).toContainEqual(expect.objectContaining({ level: 'warn', check: 'store' }));
    expect(early).toContainEqual(expect.objectContaining({ level: 'ok', check: 'time zone' }));
    const late = { folder: parent, environment: {}, now: () => Date.UTC(2040, 0, 1) };
    expect(await examine({ ...flags, ageJwks: jwks }, late)).toContainEqual({
      level: 'warn',
      check: 'time zone',
      message: expect.stringMatching(/^Asia\/Shanghai, today is 2039-12-31T16:00:00.000Z to 2040/),
    });
    // Not the issuer of another folder.
    expect(early.filter(({ check, level }) => check === 'key set' && level !== 'ok')).toEqual([]);
    const server = await served();
    const skewed = await examine(
      { ...flags, ageJwks: server.url },
      { folder: parent, environment: {}, now: () => Date.now() + 60_000 },
    );
    server.close();
    expect(skewed).toContainEqual(
      expect.objectContaining({
        level: 'fail',
        check: 'clock',
        message: expect.stringMatching(/^(59|60|61) s ahead of i$/),
      }),
    );
  });

  it.skipIf(!canStartRedis('doctor on Redis'))('compares the clock with the store', async () => {
    const redis = await redisServer();
    await redis.start();
    const store = `redis://127.0.0.1:${redis.port}`;
    const at = async (behindMs: number) => {
      const now = () => Date.now() - behindMs;
      const findings = await examine({ store }, { folder: parent, environment: {}, now });
      return findings.filter(({ check }) => check === 'store' || check === 'clock');
    };
    const ready = { level: 'ok', check: 'store', message: 'redis, takes writes' };
    const clock = { level: 'ok', check: 'clock', message: '0 s ahead of the store' };
    expect(await at(0)).toEqual([ready, clock]);
    const behind = { ...clock, level: 'fail', message: '60 s behind the store' };
    expect(await at(60_000)).toEqual([ready, behind]);
  });

  it.skipIf(postgres === null)('compares it with Postgres as well', async () => {
    const schema = freshSchema();
    const store = postgres ?? '';
    const flags = ['--store', store, '--schema', schema];
    expect((await runCommand(['migrate', ...flags], { cwd: parent })).stdout).toBe('OK\n');
    const findings = await examine({ store, schema }, { folder: parent, environment: {} });
    const pool = poolOf(store);
    await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
    await pool.end();
    const clock = { level: 'ok', check: 'clock', message: '0 s ahead of the store' };
    expect(findings).toContainEqual(clock);
  });

  it('prints no token without a subject, which nobody would take', async () => {
    const { code, stderr } = await runCommand(['token', '--subject', ''], { cwd: folder });
    expect([code, stderr]).toEqual([2, 'spendcap: missing --subject; see spendcap token --help\n']);
  });

  it('refuses to sign with keys that others can read', async () => {
    const keys = join(folder, 'spendcap-dev-keys.json');
    chmodSync(keys, 0o644);
    const { code, stderr } = await runCommand(['token'], { cwd: folder });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/run chmod 600/)]);
  });
});

/** A key set on a server of its own, which sends the time. */
async function served() {
  const jwk = await exportJWK((await generateKeyPair('ES256')).publicKey);
  const server = createServer((_, res) => res.end(JSON.stringify({ keys: [jwk] })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return { url: `http://127.0.0.1:${port}/jwks`, close: () => server.close() };
}
