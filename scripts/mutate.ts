// Mutation testing: changes the sources in small ways, one at a time, and lists the changes that no
// test notices. `npm run mutate -- [--share 0.2] [--seed 1] [--concurrency 1] [--results file]
// file or folder ...`
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { LogLevel } from '@stryker-mutator/api/core';
import { Stryker } from '@stryker-mutator/core';
import { addMutators } from './mutation/mutators.ts';
import { tableOf } from './mutation/report.ts';
import type { Sample } from './mutation/sample.ts';
import { filesOf, groupsOf } from './mutation/scopes.ts';
import { ROOT } from './packages.ts';

const DEFAULT_SOURCES = [
  'packages/core/src',
  'packages/server/src/limiter',
  'packages/server/src/ledger',
  'packages/server/src/payments/*.ts',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    share: { type: 'string', default: '0.2' },
    concurrency: { type: 'string', default: '1' },
    results: { type: 'string', default: '' },
  },
});
const sample: Sample = { seed: values.seed, share: Number(values.share) };
if (!(sample.share > 0 && sample.share <= 1)) throw new TypeError('--share must be above 0, to 1');
const files = filesOf(positionals.length === 0 ? DEFAULT_SOURCES : positionals);
if (files.length === 0) throw new TypeError('no source has that name');

process.chdir(ROOT);
await addMutators();
const results = [];
for (const { files: mutate, tests } of groupsOf(files)) {
  process.env.SPENDCAP_MUTATION_TESTS = tests.join();
  const stryker = new Stryker({
    mutate: [...mutate],
    testRunner: 'vitest',
    // A loaded machine must not pass for an endless loop.
    timeoutMS: 30_000,
    vitest: { configFile: 'vitest.mutation.config.ts', related: false },
    coverageAnalysis: 'perTest',
    concurrency: Number(values.concurrency),
    plugins: ['@stryker-mutator/vitest-runner', join(import.meta.dirname, 'mutation', 'plugin.ts')],
    checkers: ['sample'],
    ignorers: ['messages', 'names'],
    sample,
    results: values.results === '' ? '' : resolve(values.results),
    ignorePatterns: ['docs', 'dist', 'packages/*/dist', '.git'],
    disableTypeChecks: false,
    reporters: ['as-they-come', ...(process.stdout.isTTY ? ['progress'] : [])],
    logLevel: 'warn' as LogLevel,
    thresholds: { high: 92, low: 92, break: null },
    cleanTempDir: 'always',
  });
  results.push(...(await stryker.runMutationTest()));
}
console.log(`\nseed ${sample.seed}, share ${sample.share}\n\n${tableOf(results)}`);
