import { defineConfig } from 'vitest/config';
import { SlowFirst } from './test/support/slow-first.ts';

// The source condition lets the tests run on the sources, so that nothing has to be built first.
const conditions = ['@spendcap/source'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    sequence: process.env.CI ? { sequencer: SlowFirst } : {},
    testTimeout: 30_000,
    hookTimeout: 120_000,
    execArgv: ['--conditions=@spendcap/source'],
  },
});
