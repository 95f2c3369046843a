// Checks every PL/pgSQL function of the Postgres schema with the extension plpgsql_check, on a
// server that is started for it.

import pg from 'pg';
import { migrationOf } from '../packages/server/src/stores/postgres/sql/migrate.ts';
import { findPrograms, ownPostgres } from '../test/support/own-postgres.ts';

const SCHEMA = 'spendcap';

interface Finding {
  readonly function: string;
  readonly lineno: number | null;
  readonly level: string;
  readonly message: string;
  readonly detail: string | null;
}

const FINDINGS = `
  SELECT p.proname AS function, f.lineno, f.level, f.message, f.detail
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang,
      LATERAL plpgsql_check_function_tb(p.oid,
        CASE WHEN p.prorettype = 'trigger'::regtype THEN 'entries'::regclass ELSE 0 END,
        fatal_errors => false, all_warnings => true) AS f
    WHERE p.pronamespace = '${SCHEMA}'::regnamespace AND l.lanname = 'plpgsql'
    ORDER BY p.proname, f.lineno`;

/** `null` if the extension is not installed. */
async function lint(url: string): Promise<readonly Finding[] | null> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const available = "SELECT FROM pg_available_extensions WHERE name = 'plpgsql_check'";
    if ((await client.query(available)).rowCount === 0) return null;
    await client.query(migrationOf(SCHEMA));
    await client.query(`CREATE EXTENSION plpgsql_check; SET search_path = ${SCHEMA}, public`);
    return (await client.query<Finding>(FINDINGS)).rows;
  } finally {
    await client.end();
  }
}

const programs = findPrograms('plpgsql_check').at(-1);
if (programs !== undefined) {
  const server = await ownPostgres(programs);
  await server.start();
  const findings = await lint(server.url).finally(() => server.stop('immediate'));
  const major = programs.version.split('.')[0];
  if (findings === null) {
    const message = `plpgsql_check is not installed: Debian has it in postgresql-${major}-plpgsql-check`;
    if (process.env.SPENDCAP_REQUIRE_SERVICES === '1') throw new Error(message);
    console.log(`SKIPPED, ${message}`);
  }
  for (const { function: name, lineno, level, message, detail } of findings ?? []) {
    console.log(`${name}:${lineno ?? 0} ${level}: ${message}. ${detail ?? ''}`);
  }
  process.exitCode = findings === null || findings.length === 0 ? 0 : 1;
}
