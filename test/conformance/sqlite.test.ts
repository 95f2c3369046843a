import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { storeSuite } from '@spendcap/server/testing';
import { afterAll, describe, test } from 'vitest';
import { removeTemporaryFiles, temporaryFile } from '../support/temporary.ts';

afterAll(removeTemporaryFiles);
describe('SQLite store', () => {
  storeSuite({ test, open: () => sqliteStore({ path: temporaryFile('ledger.db') }) });
});
