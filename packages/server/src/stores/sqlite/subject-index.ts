import type { DatabaseSync } from 'node:sqlite';

/**
 * Deferred secondary index: subject -> purchases. An index entry for each purchase would dirty one
 * random page each, and those pages would be most of what a transaction writes. So purchases are
 * entered by the thousand: `by_subject` has those up to `entered.to_seq`, and later ones are in
 * memory. `open` is 1 for an open hold with `onExpiry: 'release'`.
 */
export const SUBJECTS_SCHEMA = `
  CREATE TABLE by_subject (
    subject TEXT NOT NULL,
    open INTEGER NOT NULL,
    reserved_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (subject, open, reserved_at, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE entered (to_seq INTEGER NOT NULL) STRICT;
  INSERT INTO entered VALUES (0);
  CREATE TRIGGER hold_closed AFTER UPDATE OF state ON purchases
    WHEN old.state = 'reserved' AND old.on_expiry = 'release' AND new.state <> 'reserved'
  BEGIN
    UPDATE by_subject SET open = 0
      WHERE subject = old.subject AND open = 1 AND reserved_at = old.reserved_at AND seq = old.seq;
  END;
`;

/** Both take `:subject`, and as `:recent` what `recent` returns for it. */
export const OPEN_OF_SUBJECT = `
  SELECT seq FROM by_subject WHERE subject = :subject AND open = 1
  UNION ALL SELECT value FROM json_each(:recent)`;

/** Takes `:start` and `:end` too. Some of the recent ones may be outside. */
export const SEQS_IN_WINDOW = `
  SELECT seq FROM by_subject WHERE subject = :subject AND open IN (0, 1)
    AND reserved_at >= :start AND reserved_at < :end
  UNION ALL SELECT value FROM json_each(:recent)`;

/** Purchases that are entered together: more would delay the transaction that enters them. */
const ENTER_AT = 4_096;

const ENTER = `
  INSERT INTO by_subject
    SELECT subject, state = 'reserved' AND on_expiry = 'release', reserved_at, seq
    FROM purchases WHERE seq > (SELECT to_seq FROM entered) ORDER BY subject, reserved_at`;

/** Purchases by subject, in a file whose transaction the caller holds. */
export function sqliteSubjects(database: DatabaseSync) {
  const selectEntered = database.prepare('SELECT to_seq FROM entered');
  const selectLater = database.prepare(
    'SELECT seq, subject FROM purchases WHERE seq > ? ORDER BY seq',
  );
  const enter = database.prepare(ENTER);
  const enteredAll = database.prepare(
    'UPDATE entered SET to_seq = (SELECT max(seq) FROM purchases)',
  );
  const flip = database.prepare('UPDATE entered SET to_seq = -1 - to_seq');
  const later = new Map<string, number[]>();
  let count = 0;
  let lastSeq = 0;
  /** `entered.to_seq` of the file; `undefined` until it is read, and after `forget`. */
  let entered: number | undefined;

  const added = (subject: string, seq: number): void => {
    const seqs = later.get(subject);
    if (seqs === undefined) later.set(subject, [seq]);
    else seqs.push(seq);
    count += 1;
    lastSeq = seq;
  };

  const clear = (to: number | undefined): void => {
    later.clear();
    count = 0;
    lastSeq = to ?? 0;
    entered = to;
  };

  return {
    added,
    /** The subject's purchases that are not entered yet, as a JSON array. */
    recent: (subject: string): string => `[${later.get(subject)?.join(',') ?? ''}]`,
    /** Reads which purchases are not entered yet: never many more than `ENTER_AT`. */
    refresh(): void {
      const to = Number(selectEntered.get()?.to_seq);
      if (to !== entered) clear(to);
      const found = selectLater.all(lastSeq);
      for (const { seq, subject } of found) added(String(subject), Number(seq));
    },
    forget: () => clear(undefined),
    /** Writes a page but changes nothing. A statement without effect would not write it. */
    touch(): void {
      flip.run();
      flip.run();
    },
    /** Enters the later ones, once they are `ENTER_AT`. */
    tidy(): void {
      if (count < ENTER_AT) return;
      enter.run();
      enteredAll.run();
      clear(lastSeq);
    },
  };
}
