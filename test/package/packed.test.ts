import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listPackages, moduleNames, PACKED, ROOT } from '../../scripts/packages.ts';
import { run } from '../../scripts/run.ts';
import { findBrowser } from '../e2e/browser.ts';
import { removeTemporaryFiles, temporaryFile } from '../support/temporary.ts';
import { type Built, esbuildBundle, nextBundle, serve, viteBundle, writeShop } from './bundlers.ts';
import { faultsOf, SETTINGS, withStripe, writePrograms } from './compile.ts';
import { runAsContainer } from './container.ts';
import { NEST, runNest } from './nest.ts';
import { visitNextCheckout } from './next-checkout.ts';
import { commandOf, programOf, RUNTIMES } from './runtimes.ts';
import { startSandbox } from './started.ts';

// What a user gets: the packed tarballs, installed in an empty folder, on plain Node.js.
const names = listPackages().flatMap(moduleNames);
const MINUTES = 60_000;
const bundled = mkdtempSync(join(tmpdir(), 'spendcap-bundled-'));
let consumer = '';
let tarballs: readonly string[] = [];

async function must(command: string, args: readonly string[], cwd = consumer): Promise<string> {
  const { ok, output } = await run(command, args, { cwd });
  if (!ok) throw new Error(`${command} ${args.join(' ')}\n${output}`);
  return output;
}

/** Runs a script in the consumer's folder and reads the JSON that it prints. */
async function evaluate(type: 'module' | 'commonjs', script: string): Promise<unknown> {
  return JSON.parse(await must('node', [`--input-type=${type}`, '--eval', script]));
}

/** Installs the packages, and more, in a folder. */
async function install(folder: string, ...more: readonly string[]): Promise<void> {
  const flags = '--ignore-scripts --prefer-offline --no-package-lock --no-audit --no-fund';
  await must('npm', ['install', ...flags.split(' '), ...tarballs, ...more], folder);
}

beforeAll(async () => {
  consumer = mkdtempSync(join(tmpdir(), 'spendcap-packed-'));
  await must('node', ['scripts/build.ts'], ROOT);
  await must('npm', ['pack', ...PACKED, '--silent', '--pack-destination', consumer], ROOT);
  tarballs = readdirSync(consumer).map((file) => join(consumer, file));
  writeFileSync(join(consumer, 'package.json'), '{ "private": true, "type": "module" }');
  await install(consumer, 'stripe20@npm:stripe@20', 'react', '@types/react');
}, 5 * MINUTES);

afterAll(() => {
  removeTemporaryFiles();
  for (const folder of [consumer, bundled]) rmSync(folder, { recursive: true, force: true });
}, 5 * MINUTES);

describe('the installed packages', () => {
  it.each(names)('%s is imported and required', async (name) => {
    const list = (load: string) =>
      `console.log(JSON.stringify(Object.keys(${load}).filter((key) => key !== '__esModule')))`;
    const imported = await evaluate('module', list(`await import('${name}')`));
    expect(imported).not.toEqual([]);
    expect(await evaluate('commonjs', list(`require('${name}')`))).toEqual(imported);
  });

  it.each([
    '@spendcap/core/decide',
    '@spendcap/core/dist/index.js',
    '@spendcap/server/src/limiter.ts',
    '@spendcap/client/transport',
  ])('%s stays internal', async (name) => {
    const script = `import('${name}').catch(({ code }) => console.log(JSON.stringify(code)))`;
    expect(await evaluate('module', script)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it(
    'serve a program whose types are strict',
    async () => {
      copyFileSync(join(import.meta.dirname, 'consumer.ts'), join(consumer, 'consumer.ts'));
      const compilerOptions = {
        target: 'ES2023',
        lib: ['ES2023', 'DOM'],
        module: 'NodeNext',
        types: ['node'],
        typeRoots: [join(ROOT, 'node_modules', '@types')],
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
      };
      writeFileSync(
        join(consumer, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['consumer.ts'] }),
      );
      const { output } = await run('tsc', ['-p', '.', '--pretty', 'false'], { cwd: consumer });
      // Other people's types may have faults of their own; ours may have none.
      const ours = output
        .split('\n')
        .filter((line) => /^(consumer|node_modules\/@spendcap|error)/.test(line));
      expect(ours).toEqual([]);
      const printed = await must('node', ['consumer.ts']);
      expect(JSON.parse(printed)).toEqual({ codes: ['age_unverified'], code: 'unauthorized' });
    },
    2 * MINUTES,
  );

  it.each(Object.keys(SETTINGS))(
    'have types for %s, every module, ESM and CommonJS',
    (setting) => {
      const user = { folder: consumer, names };
      writePrograms(user);
      expect(faultsOf(user, setting)).toEqual([]);
    },
    2 * MINUTES,
  );

  it(
    'have types that fit Stripe 20',
    () => {
      const user = withStripe({ folder: consumer, names }, 'stripe20');
      writePrograms(user);
      expect(faultsOf(user, 'nodenext')).toEqual([]);
    },
    2 * MINUTES,
  );

  it('runs the spendcap command', async () => {
    const help = await must(join(consumer, 'node_modules', '.bin', 'spendcap'), ['--help']);
    expect(help).toContain('Usage: spendcap');
    expect(help).toContain('serve');
    expect(help).toContain('policy');
  });

  it('serve as the Dockerfile starts them: not as root, with a health check', async () => {
    const { user, health, exitCode, output } = await runAsContainer(
      consumer,
      join(consumer, 'data'),
    );
    expect([user, health, exitCode], output).toEqual(['node', 200, 0]);
  });

  it(
    'play the demo and open the shop, with every file of its page',
    async () => {
      const { printed, files } = await startSandbox(consumer);
      expect(printed).toMatch(/(\d+) of \1 lines are as the policy requires/);
      expect([...files].filter(([, status]) => status !== 200)).toEqual([]);
      expect([...files.keys()].filter((file) => /client|page/.test(file)).length).toBeGreaterThan(
        5,
      );
    },
    2 * MINUTES,
  );

  it('run as one bundled ES module, away from node_modules', async () => {
    const contents = `
      import { cnGame, createHandler, createLimiter } from '@spendcap/server';
      import { memoryStore } from '@spendcap/server/stores/memory';
      const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
      const handler = createHandler(limiter, { apiKeys: ['an-example-key-of-a-test'] });
      const { status } = await handler(new Request('http://localhost/health/ready'));
      console.log(JSON.stringify(status));`;
    const outfile = join(bundled, 'server.mjs');
    const stdin = { contents, resolveDir: consumer };
    await build({ stdin, outfile, bundle: true, platform: 'node', format: 'esm' });
    expect(JSON.parse(await must('node', [outfile], bundled))).toBe(200);
  });

  it('puts nothing of the server into the client', async () => {
    const { metafile, outputFiles } = await build({
      stdin: { contents: `export * from '@spendcap/client'`, resolveDir: consumer },
      bundle: true,
      format: 'esm',
      metafile: true,
      minify: true,
      write: false,
    });
    const files = Object.keys(metafile.inputs).filter((file) => file.includes('node_modules/'));
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !/node_modules\/@spendcap\/(client|core)\//.test(file))).toEqual(
      [],
    );
    expect(outputFiles[0]?.text).not.toMatch(/jose|decimal\.js|zod/i);
  });
});

/** Too big for dev dependencies, so that only CI installs them. */
const NEXT = ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'];
const hasNext = process.env.CI === 'true' || process.env.SPENDCAP_REQUIRE_SERVICES === '1';
if (!hasNext) {
  console.warn('SKIPPED: Next.js, NestJS, Bun, Deno; SPENDCAP_REQUIRE_SERVICES=1 installs them');
}

describe.skipIf(!hasNext)('installed beside', () => {
  let folder = '';

  beforeAll(async () => {
    folder = dirname(temporaryFile('package.json'));
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    await install(folder, ...NEST, ...Object.values(RUNTIMES));
  }, 5 * MINUTES);

  it(
    'NestJS, the module of spendcap init compiles, and answers what a controller throws',
    async () => {
      expect(await runNest(folder, must)).toEqual([
        [422, 'age_token_invalid'],
        [500, null],
        [400, 'webhook_invalid'],
        200,
      ]);
    },
    2 * MINUTES,
  );

  it.each(['bun', 'deno'] as const)(
    '%s, memory and SQLite hold, refuse, commit and close without a word',
    async (runtime) => {
      writeFileSync(join(folder, 'buy.mjs'), programOf(runtime));
      const [binary = '', ...args] = commandOf(folder, runtime);
      expect(await must(binary, [...args, 'buy.mjs'], folder)).toBe('[true,false,true,false]\n');
    },
    2 * MINUTES,
  );
});

describe('a bundled shop', () => {
  type Case = readonly [name: string, isThreaded: boolean, bundle: (to: string) => Promise<Built>];
  const next = (config: string, ...flags: string[]) => {
    return (to: string) => nextBundle(`${consumer}-next`, to, { config: `{ ${config} }`, flags });
  };
  const external = `serverExternalPackages: ['@spendcap/server']`;
  const small: readonly Case[] = [
    ['esbuild, ESM', false, (to) => esbuildBundle(consumer, to, 'esm')],
    ['esbuild, CommonJS', false, (to) => esbuildBundle(consumer, to, 'cjs')],
    ['vite build --ssr', true, (to) => viteBundle(consumer, to, 'external')],
    ['vite build --ssr, noExternal', false, (to) => viteBundle(consumer, to, 'bundled')],
  ];
  const big: readonly Case[] = [
    ['next build --webpack', false, next('', '--webpack')],
    ['next build, standalone', true, next(`output: 'standalone'`)],
    ['next build, standalone, external', true, next(`output: 'standalone', ${external}`)],
  ];

  beforeAll(async () => {
    writeShop(consumer);
    if (!hasNext) return;
    const folder = `${consumer}-next`;
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
    await install(folder, ...NEXT);
    writeShop(folder);
  }, 5 * MINUTES);

  afterAll(() => rmSync(`${consumer}-next`, { recursive: true, force: true }));

  async function test(isThreaded: boolean, bundle: Case[2]): Promise<void> {
    const ledger = temporaryFile('ledger.db');
    const built = await bundle(dirname(temporaryFile('bundle')));
    const { responses, output, hasStopped } = await serve(built, ledger);
    const allowed = { status: 201, allowed: true, codes: [] };
    const refused = { status: 403, allowed: false, codes: ['day_cap_exceeded'] };
    expect(responses, output).toEqual([allowed, allowed, refused]);
    expect(output.includes('SPENDCAP_SQLITE_IN_THREAD')).toBe(!isThreaded);
    expect(hasStopped, output).toBe(true);
    const read = `
      import { sqliteStore } from '@spendcap/server/stores/sqlite';
      const store = sqliteStore({ path: '${ledger}' });
      console.log(JSON.stringify(await store.get({ id: 'order-2', at: Date.now() })));
      await store.close();`;
    const kept = { purchase: { amount: 4800, state: 'reserved' } };
    expect(await evaluate('module', read)).toMatchObject(kept);
  }

  it.each(small)('serves purchases: %s', (_, isThreaded, bundle) => test(isThreaded, bundle));
  it.skipIf(!hasNext).each(big)(
    'serves purchases: %s',
    (_, isThreaded, bundle) => test(isThreaded, bundle),
    5 * MINUTES,
  );

  const browser = findBrowser();
  it.skipIf(!hasNext || browser === null)(
    'shows what the server has read in examples/next-checkout, sells and refuses',
    () =>
      visitNextCheckout(`${consumer}-next`, browser ?? '', async ({ html, page, errors }) => {
        expect(html).toContain('aria-valuetext="0.00 / 200.00 CNY"');
        expect(html).toContain('Why not? Glass greenhouse');
        await page.getByRole('button', { name: 'Buy 60 gems CN¥6.00' }).click();
        await page.getByRole('status').getByText('it is paid').waitFor();
        await page.getByText('6.00 / 200.00 CNY').waitFor();
        await page.getByRole('button', { name: 'Why not? Glass greenhouse' }).click();
        const dialog = page.getByRole('dialog', { name: 'Not now' });
        await dialog.getByText('up to CN¥50.00 in one go').waitFor();
        expect(errors).toEqual([]);
      }),
    5 * MINUTES,
  );
});
