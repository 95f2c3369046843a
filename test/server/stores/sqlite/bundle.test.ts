import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { build, type Format } from 'esbuild';
import { expect, test } from 'vitest';
import { temporaryFile } from '../../../support/temporary.ts';

const run = promisify(execFile);

/** A purchase that is made and seen again by a second store on the file. */
const PROGRAM = `
  import { cnGame, createLimiter } from '@spendcap/server';
  import { sqliteStore } from '@spendcap/server/stores/sqlite';
  const evidence = {
    subject: 'player-30', kind: 'test', assurance: 'verified', expiresAt: Date.now() + 60_000,
    statements: [{ kind: 'range', min: 30, maxExclusive: 31, asOf: Date.now() }],
  };
  const buy = async () => {
    const store = sqliteStore({ path: process.argv[2] ?? process.env.LEDGER });
    const limiter = createLimiter({ policy: cnGame(), store });
    const request = { id: 'order-1', amount: '5.00', currency: 'CNY', evidence };
    const { allowed, replayed } = await limiter.reserve(request);
    await limiter.close();
    return { allowed, replayed };
  };
  const main = async () => console.log(JSON.stringify([await buy(), await buy()]));
  main();`;

const BOUGHT = [
  { allowed: true, replayed: false },
  { allowed: true, replayed: true },
];

/** Bundles the program into a folder from which no package can be found, as of a deployment. */
async function bundle(format: Format): Promise<string> {
  const outfile = temporaryFile(format === 'esm' ? 'server.mjs' : 'server.cjs');
  await build({
    stdin: { contents: PROGRAM, resolveDir: import.meta.dirname },
    ...{ bundle: true, platform: 'node', format, conditions: ['@spendcap/source'], outfile },
    logLevel: 'error',
  });
  return outfile;
}

test.each<Format>(['cjs', 'esm'])(
  'a %s bundle without the thread serves a purchase',
  async (format) => {
    const file = await bundle(format);
    const ledger = temporaryFile('ledger.db');
    const { stdout, stderr } = await run(process.execPath, [file, ledger], { cwd: dirname(file) });
    expect(JSON.parse(stdout)).toEqual(BOUGHT);
    expect(stderr).toContain('SPENDCAP_SQLITE_IN_THREAD');
    expect(stderr).toContain('exclude @spendcap/server from bundling');
  },
);

/** Runs the program from a string, where packages are found. */
async function evaluate(...flags: readonly string[]) {
  const args = ['--conditions=@spendcap/source', '--input-type=module', ...flags];
  const env = { ...process.env, LEDGER: temporaryFile('ledger.db') };
  const options = { cwd: import.meta.dirname, env };
  return await run(process.execPath, [...args, '--eval', PROGRAM], options);
}

test('a script given by --eval serves a purchase, on the thread', async () => {
  const { stdout, stderr } = await evaluate();
  expect(JSON.parse(stdout)).toEqual(BOUGHT);
  expect(stderr).not.toContain('SPENDCAP');
});

test('a process that may start no thread still serves a purchase', async () => {
  const flags = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*'];
  const { stdout, stderr } = await evaluate(...flags);
  expect(JSON.parse(stdout)).toEqual(BOUGHT);
  expect(stderr).toContain('SPENDCAP_SQLITE_IN_THREAD');
});
