import { storeSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { byDriver, freshStore, runnable, STORES } from '../support/stores.ts';

// A case mostly waits for a disk or a server, and has a ledger of its own.
describe.each(byDriver(await runnable(STORES)))('$name', ({ entry, driver }) => {
  const each = entry.name === 'memory' ? test : test.concurrent;
  storeSuite({ test: each, open: () => freshStore(entry, { driver }) });
});
