import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { initProject } from '../../../packages/server/src/cli/init.ts';
import { ROOT } from '../../../scripts/packages.ts';
import { typeFaults } from '../../docs/examples.ts';
import { runCommand, startCommand } from './command.ts';

const parent = mkdtempSync(join(tmpdir(), 'spendcap-init-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

function project(name: string, dependencies: readonly string[] | null): string {
  const folder = join(parent, name);
  mkdirSync(folder);
  if (dependencies === null) return folder;
  const versions = Object.fromEntries(dependencies.map((each) => [each, '*']));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies: versions }));
  return folder;
}

const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');

const TYPED = [
  ['Express', ['express', 'stripe', 'typescript'], ['spendcap.ts']],
  ['Fastify', ['fastify', 'stripe', 'typescript'], ['spendcap.ts']],
  ['Hono', ['hono', 'stripe', 'typescript'], ['spendcap.ts']],
  ['NestJS', ['@nestjs/core', 'express', 'typescript'], ['spendcap.ts']],
  ['a Node.js project', ['stripe', 'typescript'], ['spendcap.ts']],
] as const;

/** Test/package compiles it with NestJS. */
const withoutNest = (code: string) =>
  code.replace(
    /^import .* from '@nestjs\/common';$/m,
    `declare const Catch: (...types: (new (...values: never) => Error)[]) => ClassDecorator;
    interface ArgumentsHost {
      switchToHttp(): Record<'getRequest' | 'getResponse' | 'getNext', <T>() => T>;
    }
    interface INestApplication {
      use(path: string, handler: ReturnType<typeof toExpress>): unknown;
      useGlobalFilters(filter: { catch(error: unknown, host: ArgumentsHost): void }): unknown;
    }`,
  );

describe('spendcap init', () => {
  it('writes modules that compile, for every framework that it finds', async () => {
    const modules = [];
    for (const [name, dependencies, files] of TYPED) {
      const folder = project(`typed-${dependencies[0]}`.replace('/', '-'), dependencies);
      const [found] = await initProject(folder);
      expect(found).toContain(`Found ${name}`);
      for (const file of files) {
        modules.push({ place: name, code: withoutNest(read(folder, file)) });
      }
    }
    expect(typeFaults(modules)).toEqual([]);
  }, 120_000);

  it('writes routes for the app folder of Next.js', async () => {
    const folder = project('next', ['next', 'stripe', 'typescript']);
    mkdirSync(join(folder, 'src', 'app'), { recursive: true });
    await initProject(folder);
    const route = read(folder, 'src/app/spendcap/[...path]/route.ts');
    expect(route).toContain(`import { handler } from '../../../spendcap';`);
    expect(route).toContain('export const { GET, POST, OPTIONS } = toNext(handler);');
    const webhook = read(folder, 'src/app/webhook/stripe/route.ts');
    expect(webhook).toContain(`import { webhook } from '../../../spendcap';`);
    expect(read(folder, 'src/spendcap.ts')).toContain('export const webhook =');
  });

  it.each([
    ['@nestjs/core', 'typescript', 'src/spendcap.ts'],
    ['express', 'typescript', 'src/spendcap.ts'],
    ['express', 'nodemon', 'spendcap.mjs'],
  ])('writes the module of a project with %s and %s to %s', async (framework, tool, file) => {
    const folder = project(`${framework}-${tool}`.replace('/', '-'), [framework, 'stripe', tool]);
    mkdirSync(join(folder, 'src'));
    const lines = await initProject(folder);
    expect(lines).toContain(`  wrote  ${file}`);
    const typed = 'export const payments: GuardedStripe<Stripe> = guardStripe(';
    expect(read(folder, file).includes(typed)).toBe(tool === 'typescript');
  });

  it('is one line where it cannot write, or package.json is no object', async () => {
    const folder = project('faulty', []);
    const inFile = join(folder, 'package.json');
    expect(await runCommand(['init', inFile])).toMatchObject({
      code: 2,
      stderr: `spendcap: cannot mkdir '${inFile}' (EEXIST)\n`,
    });
    writeFileSync(inFile, 'null');
    expect(await runCommand(['init', folder])).toMatchObject({
      code: 2,
      stderr: `spendcap: '${inFile}' must be an object\n`,
    });
  });

  it('leaves what is there, and adds to .gitignore only what it lacks', async () => {
    const folder = project('twice', ['express']);
    writeFileSync(join(folder, 'spendcap.mjs'), 'mine');
    writeFileSync(join(folder, '.gitignore'), '.env');
    const lines = await initProject(folder);
    expect(lines).toContain('  kept   spendcap.mjs');
    expect(read(folder, 'spendcap.mjs')).toBe('mine');
    expect(read(folder, '.gitignore')).toBe('.env\nspendcap-dev-keys.json\nledger.db*\n');
    expect(statSync(join(folder, 'spendcap-dev-keys.json')).mode & 0o777).toBe(0o600);
    const keys = read(folder, 'spendcap-dev-keys.json');
    const again = await initProject(folder);
    expect(again.filter((line) => line.startsWith('  wrote'))).toEqual([]);
    expect(read(folder, 'spendcap-dev-keys.json')).toBe(keys);
  });

  it('makes a project whose server takes the tokens that spendcap token prints', async () => {
    const folder = project('served', null);
    const inFolder = { cwd: folder };
    expect((await runCommand(['init'], inFolder)).stdout).toContain('no package.json');
    const env = Object.fromEntries(
      read(folder, '.env.example')
        .split('\n')
        .filter((line) => /^\w+=/.test(line))
        .map((line) => line.split('=') as [string, string]),
    );
    writeFileSync(
      join(folder, 'spendcap.json'),
      JSON.stringify({ ...JSON.parse(read(folder, 'spendcap.json')), port: 0 }),
    );
    const { child, output } = startCommand(['serve'], { ...inFolder, env });
    await expect.poll(() => output.stdout, { timeout: 20_000 }).toContain('listening');
    const [, url = ''] = /listening on (\S+)/.exec(output.stdout) ?? [];
    const allowanceOf = async (...args: readonly string[]) => {
      const { stdout } = await runCommand(['token', ...args], inFolder);
      const headers = { authorization: `Bearer ${stdout.trim()}` };
      return (await fetch(`${url}/v1/allowance`, { headers })).json();
    };
    expect(await allowanceOf('--age', '16')).toMatchObject({
      ageRange: { min: 16, maxExclusive: 17 },
      limits: [{ cap: '100.00' }, {}, { cap: '400.00' }],
    });
    expect(await allowanceOf('--age-audience', 'https://other.example')).toMatchObject({
      why: 'audience_mismatch',
    });
    child.kill('SIGKILL');
  }, 60_000);

  it('makes an Express program that serves the routes and refuses a parsed webhook', async () => {
    const cache = join(ROOT, 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, 'init-'));
    writeFileSync(
      join(folder, 'package.json'),
      '{ "dependencies": { "express": "*", "stripe": "*" } }',
    );
    await initProject(folder);
    writeFileSync(
      join(folder, 'server.mjs'),
      `import express from 'express';
      import { mountSpendcap } from './spendcap.mjs';
      const app = express();
      mountSpendcap(app);
      const server = app.listen(0, async () => {
        const at = (path, init) => fetch('http://127.0.0.1:' + server.address().port + path, init);
        const live = await at('/spendcap/health/live');
        const webhook = await at('/webhook/stripe', { method: 'POST', body: '{}' });
        console.log(live.status, webhook.status);
        process.exit();
      });`,
    );
    const flags = ['--conditions=@spendcap/source', '--env-file=.env.example', 'server.mjs'];
    const printed = execFileSync(process.execPath, flags, { cwd: folder, encoding: 'utf8' });
    rmSync(folder, { recursive: true, force: true });
    expect(printed).toBe('200 400\n');
  }, 60_000);
});
