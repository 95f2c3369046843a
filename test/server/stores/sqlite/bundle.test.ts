import { pathToFileURL } from 'node:url';
import type { SqliteStoreOptions } from '@spendcap/server/stores/sqlite';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { temporaryFile } from '../../../support/temporary.ts';

test('a bundle without the code of the thread fails when the store is made', async () => {
  // A folder from which no package can be found, as of a deployed bundle.
  const outfile = temporaryFile('bundle.mjs');
  await build({
    stdin: {
      contents: `export { sqliteStore } from '@spendcap/server/stores/sqlite';`,
      resolveDir: import.meta.dirname,
    },
    ...{ bundle: true, platform: 'node', format: 'esm', conditions: ['@spendcap/source'], outfile },
  });
  const { sqliteStore } = (await import(pathToFileURL(outfile).href)) as {
    sqliteStore: (options: SqliteStoreOptions) => unknown;
  };
  expect(() => sqliteStore({ path: ':memory:' })).toThrow(
    expect.objectContaining({ code: 'store_misconfigured', retryable: false }),
  );
});
