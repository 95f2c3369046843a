import { globSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../packages.ts';

const SERVER = 'packages/server/src';
const STORE_SUITE = 'test/conformance/stores.test.ts';
const PROCESSOR_SUITE = 'test/conformance/processors.test.ts';
const PROCESSORS = readdirSync(join(ROOT, SERVER, 'payments'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** The start of a source's path, and the tests that have to notice a change. The first fits. */
const SCOPES: readonly (readonly [sources: string, ...tests: readonly string[]])[] = [
  ['packages/core/src/', 'test/core', 'test/vectors', STORE_SUITE, 'test/server/limiter'],
  [`${SERVER}/limiter/`, 'test/server/limiter', 'test/server/permits', STORE_SUITE],
  [
    `${SERVER}/ledger/`,
    ...['test/server/ledger', 'test/server/stores/memory', 'test/conformance/options.test.ts'],
    STORE_SUITE,
  ],
  [`${SERVER}/stores/memory/`, 'test/server/stores/memory', STORE_SUITE],
  [
    `${SERVER}/stores/postgres/ordered-queue.ts`,
    'test/server/stores/postgres/ordered-queue.test.ts',
  ],
  [`${SERVER}/stores/postgres/`, 'test/server/stores/postgres/dispatch.test.ts'],
  ...PROCESSORS.map((name) => processorScope(name)),
  [`${SERVER}/payments/`, 'test/server/payments', PROCESSOR_SUITE],
];

function processorScope(name: string) {
  const tests = [`test/server/payments/${name}`, PROCESSOR_SUITE] as const;
  return [`${SERVER}/payments/${name}/`, ...tests] as const;
}

/** These take seconds for each change. */
const SLOW = /\/(?:histories|mutation|faults|loose-types)\.test\.ts$/;

/** The sources that paths and patterns name. */
export function filesOf(patterns: readonly string[]): readonly string[] {
  const files = patterns.flatMap((pattern) =>
    globSync(pattern.endsWith('.ts') ? pattern : `${pattern.replace(/\/$/, '')}/**/*.ts`, {
      cwd: ROOT,
    }),
  );
  return [...new Set(files.map((file) => file.replaceAll('\\', '/')))].sort();
}

/**
 * Files by the tests that they are tested with.
 *
 * @throws Error for a file without a scope
 */
export function groupsOf(files: readonly string[]) {
  const groups = new Map<string, { readonly files: string[]; readonly tests: readonly string[] }>();
  for (const file of files) {
    const scope = SCOPES.find(([sources]) => file.startsWith(sources));
    if (scope === undefined) throw new Error(`${file} has no tests in scripts/mutation/scopes.ts`);
    const [sources, ...tests] = scope;
    const group = groups.get(sources) ?? { files: [], tests: testFiles(tests) };
    group.files.push(file);
    groups.set(sources, group);
  }
  return [...groups.values()];
}

function testFiles(paths: readonly string[]): readonly string[] {
  return paths
    .flatMap((path) =>
      path.endsWith('.ts') ? [path] : globSync(`${path}/**/*.test.ts`, { cwd: ROOT }),
    )
    .filter((path) => !SLOW.test(path));
}
