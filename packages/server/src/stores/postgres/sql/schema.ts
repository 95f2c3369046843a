import { MAX_HOLD_MS } from '@spendcap/core';
import { MAKE_MONTHS } from './partitions.ts';
import { READ_FUNCTION } from './read.ts';
import { LOCK_FUNCTION, RUN_FUNCTION } from './run.ts';
import { EACH_FUNCTION } from './slow-path.ts';

/**
 * Tables of the ledger. Accounts are a cache of the purchases and may be deleted at any time; the
 * entry log is only ever added to.
 *
 * No index is on what a settlement changes, so that it need not write to any, and a page keeps room
 * for the rows that are written anew. An account's windows are kept as the text of an array, since most
 * purchases only ask whether theirs are the same. What a purchase changes in an account stands at its
 * end, since the server's log gets all that lies between two changes.
 */
const TABLES = `
  CREATE TABLE purchases (
    amount bigint NOT NULL,
    reserved_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    committed bigint NOT NULL DEFAULT 0,
    refunded bigint NOT NULL DEFAULT 0,
    restored bigint NOT NULL DEFAULT 0,
    reconcile boolean NOT NULL,
    late boolean NOT NULL DEFAULT false,
    state text COLLATE "C" NOT NULL DEFAULT 'reserved',
    id text COLLATE "C" PRIMARY KEY,
    subject text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    app text COLLATE "C",
    category text COLLATE "C",
    request text COLLATE "C" NOT NULL,
    basis text COLLATE "C" NOT NULL,
    CHECK (amount > 0 AND expires_at - reserved_at <= ${MAX_HOLD_MS}
      AND 0 <= restored AND restored <= refunded AND refunded <= committed)
  ) WITH (fillfactor = 85);
  CREATE INDEX purchases_of_subject ON purchases (subject, reserved_at);
  CREATE TABLE unsettled (
    expires_at bigint NOT NULL,
    purchase text COLLATE "C" NOT NULL,
    PRIMARY KEY (expires_at, purchase)
  );
  CREATE TABLE refunds (
    purchase text COLLATE "C" NOT NULL REFERENCES purchases (id),
    id text COLLATE "C" NOT NULL,
    amount bigint,
    restored bigint NOT NULL,
    reversed boolean NOT NULL,
    PRIMARY KEY (purchase, id)
  );
  CREATE TABLE accounts (
    subject text COLLATE "C" PRIMARY KEY,
    windows text COLLATE "C" NOT NULL,
    next_expiry bigint NOT NULL,
    last_at bigint NOT NULL,
    sums bigint[] NOT NULL
  ) WITH (fillfactor = 70);
  CREATE TABLE entries (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at bigint NOT NULL,
    amount bigint NOT NULL,
    kind text NOT NULL,
    purchase text NOT NULL,
    subject text NOT NULL,
    refund text,
    basis text
  ) PARTITION BY RANGE (at);
  CREATE TABLE entries_other PARTITION OF entries DEFAULT;
  CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
  BEGIN
    RAISE EXCEPTION 'entries are only ever added';
  END $body$;
  CREATE TRIGGER append_only BEFORE UPDATE ON entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
`;

/**
 * - `selects`: true if a window counts a purchase
 * - `fits`: true if an amount fits beside all sums under the caps after the `first` so many; false for more
 *   than four windows, which are done one by one
 * - `plus`: the sums with an amount, of four windows at most, so that it is worked out in place
 * - `rolled`: the sums of other windows than an account's own. Those that go on keep theirs, and one
 *   that began after the last purchase has none. Null if a sum would have to be worked out, or one
 *   of its own that has not ended is not wanted
 * - `purchase_json`: a purchase as a list
 * - `replies_json`: the numbers of commands, and what is answered to each
 */
const HELPERS = `
  CREATE FUNCTION selects(
    w jsonb, currency text, app text, category text, reserved_at bigint
  ) RETURNS boolean LANGUAGE sql IMMUTABLE AS $body$
    SELECT (w->>0)::bigint <= reserved_at AND reserved_at < (w->>1)::bigint AND w->>2 = currency
      AND (w->3 = 'null' OR w->>3 = app) AND (w->4 = 'null' OR w->4 ? category)
  $body$;
  CREATE FUNCTION fits(sums bigint[], amount bigint, caps bigint[], first int) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS $body$
    SELECT CASE cardinality(sums) WHEN 0 THEN true
      WHEN 1 THEN sums[1] + amount <= caps[first + 1]
      WHEN 2 THEN sums[1] + amount <= caps[first + 1] AND sums[2] + amount <= caps[first + 2]
      WHEN 3 THEN sums[1] + amount <= caps[first + 1] AND sums[2] + amount <= caps[first + 2]
        AND sums[3] + amount <= caps[first + 3]
      WHEN 4 THEN sums[1] + amount <= caps[first + 1] AND sums[2] + amount <= caps[first + 2]
        AND sums[3] + amount <= caps[first + 3] AND sums[4] + amount <= caps[first + 4]
      ELSE false END
  $body$;
  CREATE FUNCTION plus(sums bigint[], amount bigint) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE AS $body$
    SELECT CASE cardinality(sums) WHEN 0 THEN sums
      WHEN 1 THEN ARRAY[sums[1] + amount]
      WHEN 2 THEN ARRAY[sums[1] + amount, sums[2] + amount]
      WHEN 3 THEN ARRAY[sums[1] + amount, sums[2] + amount, sums[3] + amount]
      WHEN 4 THEN ARRAY[sums[1] + amount, sums[2] + amount, sums[3] + amount, sums[4] + amount]
      END
  $body$;
  CREATE FUNCTION rolled(windows text, sums bigint[], last_at bigint, wanted text, at bigint)
    RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $body$
  DECLARE
    known CONSTANT text[] := windows;
    known_sum bigint;
    result bigint[] := '{}';
    w text;
  BEGIN
    FOREACH w IN ARRAY wanted::text[] LOOP
      known_sum := sums[array_position(known, w)];
      IF known_sum IS NULL AND (w::jsonb->0)::bigint <= last_at THEN
        RETURN NULL;
      END IF;
      result := result || coalesce(known_sum, 0);
    END LOOP;
    FOREACH w IN ARRAY known LOOP
      IF (w::jsonb->1)::bigint > at AND w <> ALL (wanted::text[]) THEN
        RETURN NULL;
      END IF;
    END LOOP;
    RETURN result;
  END $body$;
  CREATE FUNCTION replies_json(numbers int[], replies text[]) RETURNS text
    LANGUAGE sql STABLE AS $body$
    SELECT '[[' || array_to_string(numbers, ',') || '],[' || array_to_string(replies, ',', 'null') || ']]'
  $body$;
  CREATE FUNCTION purchase_json(p purchases) RETURNS text LANGUAGE sql STABLE AS $body$
    SELECT json_build_array(p.id, p.request, p.subject, p.amount, p.currency, p.app, p.category,
      p.reserved_at, p.expires_at, p.reconcile, p.basis, p.state, p.committed, p.refunded,
      p.restored, p.late)::text
  $body$;
`;

/** What each migration adds; its number is its place, from 1. A published one never changes. */
export const MIGRATIONS: readonly string[] = [
  TABLES + HELPERS + EACH_FUNCTION + LOCK_FUNCTION + RUN_FUNCTION + READ_FUNCTION,
];

/** The oldest server that is supported, as `server_version_num` counts. */
export const MIN_SERVER_VERSION = 140_000;

/** SQLSTATEs of our own. */
export const WRONG_ISOLATION = 'SC001';
export const FROM_THE_FUTURE = 'SC002';

/**
 * One statement, and so one transaction, that brings a schema up to date and makes the coming months
 * of its entry log; it does nothing where that has been done. Processes that start together wait for
 * the first of them.
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
      first bigint;
      last bigint;
      strays boolean;
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
      ${MAKE_MONTHS}
    END $migration$`;
}
