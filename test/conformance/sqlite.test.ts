import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { storeSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { temporaryFile } from '../support/temporary.ts';

describe('SQLite store', () => {
  storeSuite({ test, open: () => sqliteStore({ path: temporaryFile('ledger.db') }) });
});
