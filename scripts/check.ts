// Every check that is not a test. All steps run, also after a failure.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listPackages, PACKED } from './packages.ts';
import { type RunResult, run } from './run.ts';

/**
 * The modules are ESM, which Node.js 22.13 and later also requires; the ignored rules deny that.
 */
const ATTW = ['--profile', 'node16', '--ignore-rules', 'false-cjs', 'cjs-resolves-to-esm'];

const tarballs = mkdtempSync(join(tmpdir(), 'spendcap-check-'));
let passed = 0;
let failed = 0;

async function step(name: string, command: string, ...args: string[]): Promise<void> {
  const started = performance.now();
  report(name, await run(command, args), performance.now() - started);
}

function report(name: string, { ok, output }: RunResult, milliseconds: number): void {
  if (ok) passed += 1;
  else failed += 1;
  console.log(`${ok ? 'PASS' : 'FAIL'}  ${name} (${(milliseconds / 1000).toFixed(1)} s)`);
  const shown = ok ? (output.match(/^SKIPPED.*$/gm) ?? []).join('\n') : output;
  if (shown !== '') console.log(shown.replace(/^/gm, '      '));
}

/** For a script that imports the packages. */
const SOURCE = ['--conditions=@spendcap/source', '--disable-warning=ExperimentalWarning'] as const;

/** Checks of the sources. */
async function checkSources(): Promise<void> {
  await step('types: everything', 'tsc', '-p', 'tsconfig.json');
  await step('types: core without Node and DOM', 'tsc', '-p', 'packages/core');
  await step('types: client without Node and DOM', 'tsc', '-p', 'packages/client');
  await step('types: elements', 'tsc', '-p', 'packages/client/tsconfig.dom.json');
  await step('prose', 'node', 'scripts/prose.ts');
  await step('line length', 'node', 'scripts/line-length.ts');
  await step('style: Biome', 'biome', 'check', '--error-on-warnings', '--max-diagnostics=200');
  await step('PL/pgSQL: plpgsql_check', 'node', ...SOURCE, 'scripts/lint-sql.ts');
  await step('Lua: luac and luacheck', 'node', ...SOURCE, 'scripts/lint-lua.ts');
  await step('unused files, exports and dependencies: knip', 'knip');
  await step('docs: TypeDoc', 'node', 'scripts/docs.ts');
}

/** Checks of the packages as published. */
async function checkPackages(): Promise<void> {
  await step('build', 'node', 'scripts/build.ts');
  await step('pack', 'npm', 'pack', ...PACKED, '--silent', '--pack-destination', tarballs);
  for (const { id, manifest } of listPackages()) {
    const name = readdirSync(tarballs).find((file) => file.startsWith(`spendcap-${id}-`));
    const tarball = join(tarballs, name ?? 'missing');
    await step(`publint: ${manifest.name}`, 'publint', 'run', tarball, '--strict');
    await step(`types as published: ${manifest.name}`, 'attw', tarball, ...ATTW);
  }
}

try {
  await Promise.all([checkSources(), checkPackages()]);
} finally {
  rmSync(tarballs, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
