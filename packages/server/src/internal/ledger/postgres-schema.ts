import { RUN_FUNCTION } from './postgres-run.ts';

/**
 * Tables of the ledger. Accounts are a cache of the purchases and may be deleted at any time; the
 * entry log is only ever added to.
 */
const TABLES = `
  CREATE TABLE purchases (
    id text COLLATE "C" PRIMARY KEY,
    request text NOT NULL,
    subject text COLLATE "C" NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    app text,
    category text,
    reserved_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    on_expiry text NOT NULL CHECK (on_expiry IN ('release', 'reconcile')),
    basis text NOT NULL,
    state text NOT NULL CHECK (state IN ('reserved', 'committed', 'released', 'expired')),
    committed bigint NOT NULL CHECK (committed >= 0),
    refunded bigint NOT NULL CHECK (refunded BETWEEN 0 AND committed),
    restored bigint NOT NULL CHECK (restored BETWEEN 0 AND refunded),
    late boolean NOT NULL
  );
  CREATE INDEX purchases_of_subject ON purchases (subject, reserved_at);
  CREATE INDEX open_holds ON purchases (subject, expires_at)
    WHERE state = 'reserved' AND on_expiry = 'release';
  CREATE INDEX overdue_holds ON purchases (expires_at)
    WHERE state = 'reserved' AND on_expiry = 'reconcile';
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
    next_expiry bigint NOT NULL,
    selectors jsonb[] NOT NULL,
    starts bigint[] NOT NULL,
    ends bigint[] NOT NULL,
    sums bigint[] NOT NULL
  ) WITH (fillfactor = 70);
  CREATE TABLE entries (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    kind text NOT NULL,
    purchase text NOT NULL,
    subject text NOT NULL,
    amount bigint NOT NULL,
    refund text,
    basis text
  );
  CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
  BEGIN
    RAISE EXCEPTION 'entries are only ever added';
  END $body$;
  CREATE TRIGGER append_only BEFORE UPDATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
`;

/** True if a window counts a purchase; and a purchase in the words of StoredPurchase. */
const HELPERS = `
  CREATE FUNCTION selects(
    selector jsonb, starts bigint, ends bigint,
    currency text, app text, category text, reserved_at bigint
  ) RETURNS boolean LANGUAGE sql IMMUTABLE AS $body$
    SELECT starts <= reserved_at AND reserved_at < ends AND selector->>'currency' = currency
      AND (selector->'app' = 'null' OR selector->>'app' = app)
      AND (selector->'categories' = 'null' OR selector->'categories' ? category)
  $body$;
  CREATE FUNCTION purchase_json(p purchases) RETURNS text LANGUAGE sql STABLE AS $body$
    SELECT json_build_object(
      'id', p.id, 'request', p.request, 'subject', p.subject, 'amount', p.amount,
      'currency', p.currency, 'app', p.app, 'category', p.category,
      'reservedAt', p.reserved_at, 'expiresAt', p.expires_at, 'onExpiry', p.on_expiry,
      'basis', p.basis, 'state', p.state, 'committed', p.committed, 'refunded', p.refunded,
      'restored', p.restored, 'late', p.late)::text
  $body$;
`;

/** What each migration adds; its number is its place, from 1. A published one never changes. */
export const MIGRATIONS: readonly string[] = [TABLES + HELPERS + RUN_FUNCTION];

/** The oldest server that is supported, as `server_version_num` counts. */
export const MIN_SERVER_VERSION = 140_000;

/** SQLSTATEs of our own. */
export const WRONG_ISOLATION = 'SC001';
export const FROM_THE_FUTURE = 'SC002';

/**
 * One statement, and so one transaction, that brings a schema up to date; it does nothing where
 * that has been done. Processes that start together wait for the first of them.
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
    END $migration$`;
}
