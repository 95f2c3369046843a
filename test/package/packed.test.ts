import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listPackages, moduleNames, PACKED, ROOT } from '../../scripts/packages.ts';
import { run } from '../../scripts/run.ts';
import { faultsOf, SETTINGS, withStripe, writePrograms } from './compile.ts';

// What a user gets: the packed tarballs, installed in an empty folder, on plain Node.js.
const names = listPackages().flatMap(moduleNames);
const MINUTES = 60_000;
const bundled = mkdtempSync(join(tmpdir(), 'spendcap-bundled-'));
let consumer = '';

async function must(command: string, args: readonly string[], cwd = consumer): Promise<string> {
  const { ok, output } = await run(command, args, { cwd });
  if (!ok) throw new Error(`${command} ${args.join(' ')}\n${output}`);
  return output;
}

/** Runs a script in the consumer's folder and reads the JSON that it prints. */
async function evaluate(type: 'module' | 'commonjs', script: string): Promise<unknown> {
  return JSON.parse(await must('node', [`--input-type=${type}`, '--eval', script]));
}

beforeAll(async () => {
  consumer = mkdtempSync(join(tmpdir(), 'spendcap-packed-'));
  await must('node', ['scripts/build.ts'], ROOT);
  await must('npm', ['pack', ...PACKED, '--silent', '--pack-destination', consumer], ROOT);
  const tarballs = readdirSync(consumer).map((file) => `./${file}`);
  writeFileSync(join(consumer, 'package.json'), '{ "private": true, "type": "module" }');
  await must('npm', [
    'install',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    ...tarballs,
    'stripe20@npm:stripe@20',
  ]);
}, 5 * MINUTES);

afterAll(() => {
  for (const folder of [consumer, bundled]) rmSync(folder, { recursive: true, force: true });
});

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
