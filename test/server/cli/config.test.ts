import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cnGame } from '@spendcap/core';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, startCommand } from './command.ts';

const env = { SPENDCAP_API_KEYS: 'an-example-key-of-a-test' };
const named = { issuer: 'https://age.example', audience: 'https://limiter.example' };
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spendcap-config-'));
  const { publicKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] };
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify(jwks));
  writeFileSync(join(folder, 'policy.json'), JSON.stringify({ ...cnGame(), id: 'my-game' }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a configuration that works, with other fields. */
function write(fields: object, name = 'spendcap.json'): string {
  const config = {
    port: 0,
    policy: 'policy.json',
    store: 'sqlite:ledger.db',
    ageIssuers: [{ ...named, jwks: 'jwks.json' }],
    ...fields,
  };
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** Serves until it listens, and reports the health route, the log and the lines on stdout. */
async function serve(args: readonly string[], cwd: string) {
  const { child, output } = startCommand(['serve', ...args], { cwd, env });
  try {
    while (!output.stdout.includes('\n')) await Promise.race([once(child.stdout, 'data'), exit()]);
    const [, url = ''] = /listening on (\S+)/.exec(output.stdout) ?? [];
    const live = await fetch(`${url}/pay/health/live`);
    await expect.poll(() => output.stderr).toContain('key set');
    return { url, status: live.status, lines: output.stderr };
  } finally {
    child.kill('SIGKILL');
  }

  async function exit(): Promise<never> {
    await once(child, 'close');
    throw new Error(output.stderr);
  }
}

describe('spendcap.json', () => {
  it('of the current folder completes the options, with paths relative to itself', async () => {
    write({ basePath: '/pay' });
    const { status, lines } = await serve([], folder);
    expect(status).toBe(200);
    expect(lines).toContain('"issuer":"https://age.example","algorithms":["P-256"]');
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    // An option goes before the file, and a file that is named before none.
    const named = await serve(
      ['--config', '../spendcap.json', '--base-path', '/other', '--log-level', 'info'],
      elsewhere,
    );
    expect(named.status).toBe(404);
  });

  it('is read by the other commands, and SPENDCAP_STORE goes before it', async () => {
    write({ store: 'redis://127.0.0.1:1' });
    const migrating = await runCommand(['migrate'], { cwd: folder });
    expect(migrating.stderr).toMatch(/^spendcap: --store must be postgres/);
    const args = ['reconcile', '--processor', 'none'];
    const from = (variables: Record<string, string>) =>
      runCommand(args, { cwd: folder, env: variables });
    expect((await from({ SPENDCAP_STORE: 'memory:' })).stderr).toContain('memory: is empty');
    expect((await from({})).stderr).toContain('--processor must be');
    rmSync(join(folder, 'spendcap.json'));
    expect((await from({})).stderr).toBe(
      'spendcap: missing --policy, --store; see spendcap reconcile --help\n',
    );
  });

  const secret = 'never-print-this-secret';
  it.each<[string, object, RegExp]>([
    ['an unknown field', { prot: 1 }, /: prot: Unknown field\.$/],
    [
      'several faults',
      { port: '80', store: '' },
      /: port: Must be a number, without quotes; store: /,
    ],
    ['a password', { store: `postgres://u:${secret}@h/d` }, /: store: .*SPENDCAP_STORE/],
    ['a password in a query', { store: `redis://h?password=${secret}` }, /SPENDCAP_STORE/],
    ['no issuers', { ageIssuers: [] }, /: ageIssuers: Must have at least 1 items\.$/],
    [
      'values out of range',
      { port: 65_536, shutdownTimeout: 0, logLevel: 'loud' },
      /: port: Must be at most 65535; shutdownTimeout: Must be at least 1; logLevel: Must be one of error, /,
    ],
    [
      'keys of an issuer over http',
      { ageIssuers: [{ ...named, jwks: 'http://age.example/jwks.json' }] },
      /^spendcap: ageIssuers: jwks must be an https URL/,
    ],
    [
      'no keys of an issuer',
      { ageIssuers: [{ ...named, jwks: { keys: [] } }] },
      /: jwks must be a URL, a file or a JWK Set of 1 to 100 keys$/,
    ],
    ['a number of keys', { ageIssuers: [{ ...named, jwks: 5 }] }, /jwks must be a URL, a file/],
    ['an issuer with an unknown field', { ageIssuers: [{ ...named, jwk: 'x' }] }, /'jwk'/],
    ['a policy that is not there', { policy: 'cn-gmae' }, /cn-game, cn-live/],
  ])('with %s is one line that names it', async (_, fields, message) => {
    const file = write(fields, 'faulty.json');
    const { code, stderr } = await runCommand(['serve', '--config', file], { cwd: folder, env });
    expect(stderr).toMatch(/^spendcap: [^\n]+\n$/);
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr).not.toContain(secret);
    expect(code).toBe(2);
  });

  it('that is not JSON is a fault of its line', async () => {
    const file = join(folder, 'broken.json');
    writeFileSync(file, '{\n  "port": 0,\n}\n');
    const { stderr } = await runCommand(['serve', '--config', file], { cwd: folder, env });
    expect(stderr).toBe(`spendcap: '${file}' is not valid JSON: line 3\n`);
    const none = await runCommand(['serve', '--config', 'none.json'], { cwd: folder, env });
    expect(none.stderr).toBe(
      "spendcap: cannot read 'none.json' (ENOENT): it must be a JSON file with options of serve\n",
    );
    writeFileSync(file, '[]');
    const list = await runCommand(['serve', '--config', file], { cwd: folder, env });
    expect(list.stderr).toBe(`spendcap: '${file}' must be an object with options of serve\n`);
  });

  it('may begin with a byte order mark, as editors of Windows write it', async () => {
    const file = join(folder, 'marked.json');
    writeFileSync(file, '\uFEFF{ "port": 0 }');
    const { stderr } = await runCommand(['serve', '--config', file], { cwd: folder, env });
    expect(stderr).toMatch(/^spendcap: missing --policy, /);
  });

  it('and no other file may repeat a name, of which only the last would count', async () => {
    const repeated = [
      ['config.json', ['serve', '--config'], '{ "port": 1, "port": 2 }'],
      [
        'twice.json',
        ['policy', 'check'],
        JSON.stringify(cnGame()).replace('"max":', '"max":"1.00","max":'),
      ],
    ] as const;
    for (const [name, args, text] of repeated) {
      const file = join(folder, name);
      writeFileSync(file, text);
      const { code, stderr } = await runCommand([...args, file], { cwd: folder, env });
      expect([code, stderr]).toEqual([
        2,
        `spendcap: '${file}' repeats a name in an object, or is nested too deep\n`,
      ]);
    }
  });
});

describe('.env of the current folder', () => {
  it('completes the variables of every command, and one that is set goes before it', async () => {
    const here = join(folder, 'with-env');
    mkdirSync(here);
    writeFileSync(
      join(here, '.env'),
      'SPENDCAP_STORE=sqlite:/nowhere/x.db\nSPENDCAP_API_KEYS=short',
    );
    const args = ['serve', '--port', '0', '--policy', 'cn-game', '--age-issuer', 'i'];
    const issuer = ['--age-audience', 'a', '--age-jwks', '../jwks.json'];
    const run = (variables: Record<string, string>) =>
      runCommand([...args, ...issuer], { cwd: here, env: variables });
    expect((await run({})).stderr).toMatch(/^spendcap: --store: .*SQLite/);
    expect((await run({ SPENDCAP_STORE: 'memory:' })).stderr).toMatch(
      /^spendcap: SPENDCAP_API_KEYS/,
    );
    const migrating = await runCommand(['migrate'], { cwd: here });
    expect(migrating.stderr).toMatch(/^spendcap: --store must be postgres/);
    rmSync(join(here, '.env'));
    mkdirSync(join(here, '.env'));
    expect(await run({})).toMatchObject({
      code: 2,
      stderr: "spendcap: cannot read '.env' (EISDIR)\n",
    });
  });
});

describe('the key set of an issuer', () => {
  it('is looked at when serve starts: a fault or a clock that differs is a warning', async () => {
    const hour = 3_600_000;
    const server = createServer((req, res) => {
      if (req.url === '/gone') return res.writeHead(404).end();
      res.setHeader('date', new Date(Date.now() - hour).toUTCString());
      return res.end(req.url === '/empty' ? '{}' : JSON.stringify({ keys: [jwk] }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const jwk = await exportJWK((await generateKeyPair('ES256')).publicKey);
    const at = (name: string) => ({
      ...named,
      issuer: `https://${name}.example`,
      jwks: `http://127.0.0.1:${port}/${name}`,
    });
    write({ basePath: '/pay', ageIssuers: [at('gone'), at('empty'), at('good')] });
    const { child, output } = startCommand(['serve'], { cwd: folder, env });
    await expect.poll(() => output.stderr, { timeout: 15_000 }).toContain('clocks');
    child.kill('SIGKILL');
    server.close();
    const lines = output.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const of = (name: string) => lines.filter((line) => line.issuer?.includes(name));
    expect(of('gone')).toMatchObject([{ level: 'warn', fault: 'status 404' }]);
    expect(of('empty')).toMatchObject([{ fault: 'no JWK Set with a usable key' }]);
    expect(of('good')).toMatchObject([{ algorithms: ['P-256'] }, { level: 'warn' }]);
    expect(Math.abs(of('good')[1].skewSeconds - hour / 1000)).toBeLessThan(5);
  });
});
