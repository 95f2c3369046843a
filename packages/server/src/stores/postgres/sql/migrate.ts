import { APPLY_BATCH } from './apply-batch.ts';
import { APPLY_ONE_BY_ONE } from './apply-one-by-one.ts';
import { HELPERS } from './helpers.ts';
import { INSERT_PURCHASES } from './insert-purchases.ts';
import { LOCK_ACCOUNTS } from './lock-accounts.ts';
import { READ_BATCH } from './read-batch.ts';
import { FROM_THE_FUTURE } from './states.ts';
import { TABLES } from './tables.ts';

/** What each migration adds; its number is its place, from 1. A published one never changes. */
export const MIGRATIONS: readonly string[] = [
  TABLES + HELPERS + LOCK_ACCOUNTS + INSERT_PURCHASES + APPLY_ONE_BY_ONE + APPLY_BATCH + READ_BATCH,
];

/** The oldest server that is supported, as `server_version_num` counts. */
export const MIN_SERVER_VERSION = 140_000;

/** Months of the entry log that are made ahead, beside the current one. */
const MONTHS_AHEAD = 12;

/**
 * One statement, and so one transaction, that brings a schema up to date and makes the partitions
 * of the entry log for this month and the next ones, in UTC. It does nothing where that has been
 * done. Processes that start at the same time wait for the first of them.
 *
 * Entries of a month without a partition are in `entries_other`. Once some are, the month gets no
 * partition, so that no migration has to move rows.
 */
export function migrationOf(schema: string): string {
  const steps = MIGRATIONS.map(
    (sql, index) => `
  IF reached < ${index + 1} THEN
    ${sql.replaceAll('@schema', schema)}
    INSERT INTO migrations (version) VALUES (${index + 1});
  END IF;`,
  );
  return `DO $migration$
DECLARE
  reached int;
  month timestamp;
  name text;
  first_at bigint;
  end_at bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('spendcap migrations'), hashtext('${schema}'));
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${schema}') THEN
    CREATE SCHEMA "${schema}";
  END IF;
  PERFORM set_config('search_path', '"${schema}", pg_temp', true);
  CREATE TABLE IF NOT EXISTS migrations (
    version int PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
  );
  SELECT coalesce(max(version), 0) INTO reached FROM migrations;
  IF reached > ${MIGRATIONS.length} THEN
    RAISE EXCEPTION USING ERRCODE = '${FROM_THE_FUTURE}', MESSAGE = 'migrated further';
  END IF;
${steps.join('\n')}

  FOR month IN SELECT generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),
    date_trunc('month', now() AT TIME ZONE 'UTC') + interval '${MONTHS_AHEAD} months', '1 month')
  LOOP
    name := to_char(month, '"entries_"YYYY_MM');
    CONTINUE WHEN to_regclass(name) IS NOT NULL;
    first_at := extract(epoch FROM month) * 1000;
    end_at := extract(epoch FROM month + interval '1 month') * 1000;
    LOCK TABLE entries_other IN ACCESS EXCLUSIVE MODE;
    CONTINUE WHEN EXISTS (SELECT FROM entries_other WHERE at >= first_at AND at < end_at);
    EXECUTE format('CREATE TABLE %I (LIKE entries INCLUDING DEFAULTS)', name);
    EXECUTE format('ALTER TABLE entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
      name, first_at, end_at);
  END LOOP;
END $migration$`;
}
