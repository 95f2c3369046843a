import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { OverdueCommand, StoredPurchase } from '@spendcap/core';
import type { Account } from '../../ledger/account.ts';
import type { Rows, StoredRefund } from '../../ledger/ledger.ts';
import {
  OPEN_OF_SUBJECT,
  SEQS_IN_WINDOW,
  SUBJECTS_SCHEMA,
  sqliteSubjects,
} from './subject-index.ts';

/** The number of the schema below, kept in the file: a change of it needs a migration. */
export const SCHEMA_VERSION = 1;

/** The holds that the indexes below contain, so that no other purchase writes to them. */
const RECONCILABLE = "state = 'reserved' AND on_expiry = 'reconcile'";

export const SCHEMA = `
  CREATE TABLE purchases (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL,
    subject TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    app TEXT,
    category TEXT,
    reserved_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    on_expiry TEXT NOT NULL CHECK (on_expiry IN ('release', 'reconcile')),
    basis TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'committed', 'released', 'expired')),
    committed INTEGER NOT NULL DEFAULT 0 CHECK (committed >= 0),
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND committed),
    restored INTEGER NOT NULL DEFAULT 0 CHECK (restored BETWEEN 0 AND refunded),
    late INTEGER NOT NULL DEFAULT 0,
    processor TEXT,
    processor_ref TEXT
  ) STRICT;
  CREATE INDEX overdue_holds ON purchases (expires_at, id) WHERE ${RECONCILABLE};
  CREATE INDEX overdue_holds_of ON purchases (processor, expires_at, id)
    WHERE ${RECONCILABLE} AND processor IS NOT NULL;
  ${SUBJECTS_SCHEMA}
  CREATE TABLE refunds (
    purchase TEXT NOT NULL REFERENCES purchases (id),
    id TEXT NOT NULL,
    amount INTEGER,
    restored INTEGER NOT NULL,
    reversed INTEGER NOT NULL,
    PRIMARY KEY (purchase, id)
  ) STRICT, WITHOUT ROWID;
`;

type Row = Record<string, SQLOutputValue>;

/** `countedAmount` as SQL. */
const COUNTED_AMOUNT = `CASE state
  WHEN 'reserved' THEN amount
  WHEN 'committed' THEN committed - restored
  ELSE 0 END`;

/** Accounts in the cache at most; when it is full, it is emptied. */
const MAX_ACCOUNTS = 100_000;
/** The same of new holds, which are mostly committed soon. */
const MAX_HOLDS = 10_000;

/**
 * The ledger's rows in a SQLite file whose transaction the caller holds. Accounts and the holds of
 * this process are cached in memory: `refresh` drops them when another process may have changed the
 * file.
 */
export function sqliteRows(database: DatabaseSync) {
  const accounts = new Map<string, Account>();
  const holds = new Map<string, StoredPurchase>();
  const dropCaches = () => {
    accounts.clear();
    holds.clear();
  };
  const subjects = sqliteSubjects(database);
  const sql = (text: string) => database.prepare(text);
  const selectPurchase = sql('SELECT * FROM purchases WHERE id = ?');
  const insertPurchase = sql(
    `INSERT INTO purchases (id, request, subject, amount, currency, app, category, reserved_at,
      expires_at, on_expiry, basis, processor, processor_ref, state)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved') ON CONFLICT (id) DO NOTHING`,
  );
  const updatePurchase = sql(
    `UPDATE purchases SET state = ?, committed = ?, refunded = ?, restored = ?, late = ?,
      processor_ref = ? WHERE id = ?`,
  );
  const selectRefund = sql(
    'SELECT amount, restored, reversed FROM refunds WHERE purchase = ? AND id = ?',
  );
  const upsertRefund = sql(
    `INSERT INTO refunds (purchase, id, amount, restored, reversed) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (purchase, id) DO UPDATE
        SET amount = excluded.amount, restored = excluded.restored, reversed = excluded.reversed`,
  );
  const selectHolds = sql(
    `SELECT * FROM purchases WHERE seq IN (${OPEN_OF_SUBJECT})
      AND state = 'reserved' AND on_expiry = 'release'`,
  );
  const rows: Rows = {
    purchase: (id) => holds.get(id) ?? toPurchase(selectPurchase.get(id)),
    addPurchase(p) {
      const { changes, lastInsertRowid } = insertPurchase.run(
        ...[p.id, p.request, p.subject, p.amount, p.currency, p.app, p.category],
        ...[p.reservedAt, p.expiresAt, p.onExpiry, p.basis, p.processor, p.processorRef],
      );
      if (changes === 0) return false;
      if (p.state === 'reserved') {
        if (holds.size >= MAX_HOLDS) holds.clear();
        holds.set(p.id, p);
      } else rows.savePurchase(p);
      subjects.added(p.subject, Number(lastInsertRowid));
      return true;
    },
    savePurchase(p) {
      holds.delete(p.id);
      updatePurchase.run(
        ...[p.state, p.committed, p.refunded, p.restored, p.late ? 1 : 0, p.processorRef, p.id],
      );
    },
    account: (subject) => accounts.get(subject),
    addAccount(subject, account) {
      if (accounts.size >= MAX_ACCOUNTS) accounts.clear();
      accounts.set(subject, account);
    },
    refund: (id, refundId) => toRefund(selectRefund.get(id, refundId)),
    saveRefund(id, refundId, { amount, restored, reversed }) {
      upsertRefund.run(id, refundId, amount, restored, reversed ? 1 : 0);
    },
    openHolds(subject) {
      const found = selectHolds.all({ subject, recent: subjects.recent(subject) });
      return found.flatMap((row) => toPurchase(row) ?? []);
    },
    sum: windowSum(database, subjects),
  };

  return {
    rows,
    /** At the beginning of a transaction, if another process has written since the last one. */
    refresh: () => {
      dropCaches();
      subjects.refresh();
    },
    /** After a rollback. */
    forget: () => {
      dropCaches();
      subjects.forget();
    },
    /** At the end of a transaction. */
    tidy: subjects.tidy,
    touch: toucher(database, subjects.touch),
    overdue: overdueReader(database),
  };
}

type Subjects = ReturnType<typeof sqliteSubjects>;

/** The usage of a window, from its purchases. */
function windowSum(database: DatabaseSync, { recent }: Subjects): Rows['sum'] {
  const selectSum = database.prepare(
    `SELECT total(${COUNTED_AMOUNT}) AS total FROM purchases WHERE seq IN (${SEQS_IN_WINDOW})
      AND reserved_at >= :start AND reserved_at < :end AND currency = :currency
      AND (:app IS NULL OR app = :app)
      AND (:categories IS NULL OR category IN (SELECT value FROM json_each(:categories)))`,
  );
  return (subject, { selector, start, end }) => {
    const { currency, app } = selector;
    const categories = selector.categories === null ? null : JSON.stringify(selector.categories);
    const among = { subject, recent: recent(subject), start, end };
    const row = selectSum.get({ ...among, currency, app, categories });
    return Number(row?.total ?? 0);
  };
}

/** A page of the overdue holds, read from its place in the index. */
function overdueReader(database: DatabaseSync) {
  const page = (own: string) =>
    database.prepare(
      `SELECT * FROM purchases WHERE ${RECONCILABLE} ${own} AND expires_at <= :at
        AND (expires_at, id) > (:expires_at, :id) ORDER BY expires_at, id LIMIT :limit`,
    );
  const ofAll = page('');
  const ofOne = page('AND processor = :processor');
  return ({ at, limit, processor, after }: OverdueCommand): StoredPurchase[] => {
    const place = { at, limit, expires_at: after?.expiresAt ?? -1, id: after?.id ?? '' };
    const found = processor === undefined ? ofAll.all(place) : ofOne.all({ ...place, processor });
    return found.flatMap((row) => toPurchase(row) ?? []);
  };
}

/** A function that writes the pages that a purchase writes, but changes nothing. */
function toucher(database: DatabaseSync, touchSubjects: () => void): () => void {
  const insert = database.prepare(
    `INSERT INTO purchases (id, request, subject, amount, currency, reserved_at, expires_at,
      on_expiry, basis, state) VALUES ('ready?', '', '', 1, '', 0, 0, 'release', '', 'released')
      ON CONFLICT (id) DO NOTHING`,
  );
  const remove = database.prepare('DELETE FROM purchases WHERE seq = ?');
  return () => {
    touchSubjects();
    const { changes, lastInsertRowid } = insert.run();
    if (changes === 1) remove.run(lastInsertRowid);
  };
}

function toPurchase(row: Row | undefined): StoredPurchase | undefined {
  if (row === undefined) return undefined;
  return {
    id: String(row.id),
    request: String(row.request),
    subject: String(row.subject),
    amount: Number(row.amount),
    currency: String(row.currency),
    app: row.app as string | null,
    category: row.category as string | null,
    processor: row.processor as string | null,
    processorRef: row.processor_ref as string | null,
    reservedAt: Number(row.reserved_at),
    expiresAt: Number(row.expires_at),
    onExpiry: row.on_expiry as StoredPurchase['onExpiry'],
    basis: String(row.basis),
    state: row.state as StoredPurchase['state'],
    committed: Number(row.committed),
    refunded: Number(row.refunded),
    restored: Number(row.restored),
    late: row.late === 1,
  };
}

function toRefund(row: Row | undefined): StoredRefund | undefined {
  if (row === undefined) return undefined;
  return {
    amount: row.amount as number | null,
    restored: Number(row.restored),
    reversed: row.reversed === 1,
  };
}
