import { availableParallelism } from 'node:os';
import { join } from 'node:path';
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
    // One more than cores: the slow files mostly wait for a server, a disk or another process.
    maxWorkers: Math.min(availableParallelism() + 1, 8),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The commands that tests start compile the same sources each time.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') },
    execArgv: ['--conditions=@spendcap/source'],
  },
});
