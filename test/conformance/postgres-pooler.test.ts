import { storeSuite } from '@spendcap/server/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { findPgbouncer, pgbouncer } from '../support/pgbouncer.ts';
import { findPostgres, freshPostgres } from '../support/postgres.ts';

const server = await findPostgres();
const program = server === null ? null : findPgbouncer('Postgres through a pooler');
let pooler: Awaited<ReturnType<typeof pgbouncer>> | undefined;

describe.skipIf(program === null)('Postgres store through a transaction-mode pooler', () => {
  beforeAll(async () => {
    pooler = await pgbouncer(program ?? '', server ?? '');
  });
  afterAll(() => pooler?.stop());
  storeSuite({ test, open: () => freshPostgres(pooler?.url ?? '') });
});
