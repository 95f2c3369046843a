import { storeSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { findPostgres, freshPostgres } from '../support/postgres.ts';

const url = await findPostgres();
describe.skipIf(url === null)('Postgres store', () => {
  storeSuite({ test, open: () => freshPostgres(url ?? '') });
});
