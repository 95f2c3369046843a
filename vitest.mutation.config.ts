import { join } from 'node:path';
import { mergeConfig } from 'vitest/config';
import { listPackages } from './scripts/packages.ts';
import config from './vitest.config.ts';

// Stryker runs the tests in a copy of the project, whose node_modules leads to the original's
// packages. The mutants are in the copy's.
const alias = listPackages().flatMap(({ folder, manifest }) =>
  Object.entries(manifest.exports).flatMap(([subpath, target]) =>
    typeof target === 'string'
      ? []
      : [
          {
            find: new RegExp(`^${manifest.name}${subpath.slice(1)}$`),
            replacement: join(folder, target['@spendcap/source']),
          },
        ],
  ),
);

const merged = mergeConfig(config, {
  resolve: { alias },
  // A mutant is switched on in one process, and a test is charged with what it alone has run.
  // A change is tested in one worker, which loads the sources once for all its test files.
  test: { env: { SPENDCAP_TEST_STORES: 'memory' }, isolate: false },
});
// Not Stryker's `testFiles`: with it, what runs only once, as a module is loaded, is never changed.
const include = process.env.SPENDCAP_MUTATION_TESTS?.split(',') ?? [];
export default { ...merged, test: { ...merged.test, include } };
