import { MAX_HOLD_MS } from '@spendcap/core';

/**
 * Accounts are a cache of the purchases and may be deleted at any time; entries are only ever
 * added.
 *
 * - No index contains a column that a settlement changes, and pages have free space (`fillfactor`),
 *   so that a settlement is a HOT update and writes to no index.
 * - An account's windows are the text of an array of JSON: most purchases only compare it with
 *   theirs.
 * - The columns of an account that a purchase changes are its last ones: the write-ahead log
 *   contains what lies between the first and the last changed byte.
 */
export const TABLES = `
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
    processor text COLLATE "C",
    processor_ref text COLLATE "C",
    CHECK (amount > 0 AND expires_at - reserved_at <= ${MAX_HOLD_MS}
      AND 0 <= restored AND restored <= refunded AND refunded <= committed)
  ) WITH (fillfactor = 85);
  CREATE INDEX purchases_of_subject ON purchases (subject, reserved_at);
  CREATE TABLE unsettled (
    expires_at bigint NOT NULL,
    purchase text COLLATE "C" NOT NULL,
    processor text COLLATE "C",
    PRIMARY KEY (expires_at, purchase)
  );
  CREATE INDEX unsettled_of_processor ON unsettled (processor, expires_at, purchase)
    WHERE processor IS NOT NULL;
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
