import type { DatabaseSync } from 'node:sqlite';

/**
 * Which purchases are whose. An index that every purchase is entered into at once touches one random
 * page for each, and those pages are most of what a transaction then writes. So purchases are entered
 * by the thousand: `by_subject` has those up to `entered_to`, later ones are known in memory. `open` is
 * 1 for a hold that ends by itself, for as long as it is open.
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

/** Both take `:subject`, and as `:recent` what `recent` gives for it. */
export const OPEN_OF_SUBJECT = `
  SELECT seq FROM by_subject WHERE subject = :subject AND open = 1
  UNION ALL SELECT value FROM json_each(:recent)`;

/** Takes `:start` and `:end` too. Of the recent ones some may lie outside. */
export const SEQS_IN_WINDOW = `
  SELECT seq FROM by_subject WHERE subject = :subject AND open IN (0, 1)
    AND reserved_at >= :start AND reserved_at < :end
  UNION ALL SELECT value FROM json_each(:recent)`;

/** Purchases that are entered together: more would make the one transaction wait for long. */
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
  const later = new Map<string, number[]>();
  let count = 0;
  let lastSeq = 0;
  /** What the file says of `entered`; `undefined` until it is read, and after a `forget`. */
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
    /** Learns which purchases are not entered yet: never many more than `ENTER_AT`. */
    refresh(): void {
      const to = Number(selectEntered.get()?.to_seq);
      if (to !== entered) clear(to);
      const found = selectLater.all(lastSeq);
      for (const { seq, subject } of found) added(String(subject), Number(seq));
    },
    forget: () => clear(undefined),
    /** Enters what has gathered, once that is worth it. */
    tidy(): void {
      if (count < ENTER_AT) return;
      enter.run();
      enteredAll.run();
      clear(lastSeq);
    },
  };
}
