import { defineConfig } from 'vitest/config';

// The source condition lets the tests run on the sources, so that nothing has to be built first.
const conditions = ['@spendcap/source'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    execArgv: ['--conditions=@spendcap/source'],
  },
});
