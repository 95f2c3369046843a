import { FOREVER, MAX_HOLD_MS } from '@spendcap/core';
import { PARAMETERS, SLOW_ARGUMENTS } from './batch.ts';
import { WRONG_ISOLATION } from './states.ts';

/**
 * The ledger inside the server: takes a batch of commands and answers each, in one transaction. It
 * follows the rules of `ledger/ledger.ts`.
 *
 * Locks. A subject's account is its lock: nothing of a subject is written without it. Batches lock
 * accounts in the order of the subject, so that they do not deadlock, and one that waits to insert
 * an account waits for no lock afterwards. (Two batches that use one id for different subjects can
 * still deadlock; the server then rolls one back.)
 *
 * Steps:
 *
 * 1. Fast path of `reserve`, for all its commands in one statement: the hold fits into windows
 *    whose sums are known, and no hold of the subject has expired. The update of the account is its
 *    lock, so what is decided is decided by the locked row. Whether the id is new is seen as of the
 *    begin of the statement; if it was taken since, the primary key rolls the batch back, and the
 *    caller retries with `in_order_`, which skips this step.
 * 2. The accounts of the other commands are found, made where missing, and locked. After step 1
 *    that would be out of order, so it may not wait: if it would have to, only the replies of step
 *    1 are returned, and the caller retries the rest with `in_order_`.
 * 3. Now all that others committed is visible. The fast path again, for accounts that were missing
 *    or had changed in step 1; then the fast path of `commit`, of the whole amount.
 * 4. The slow path: the rest one by one (`apply_one_by_one`).
 *
 * The account in step 1. `a` may be the version that another transaction committed while this one
 * waited for it, but purchases are seen as of before. It may be used if no hold can have expired
 * (`at` is before its `next_expiry`), or if it is the version that the snapshot sees (its `ctid` is
 * found there). A transaction that only locked the account with FOR UPDATE leaves that version as
 * it is. It can only have settled holds of this subject in full or attached references, and a hold
 * that is taken for open although it was settled makes the batch go to the slow path, never past a
 * cap.
 *
 * A hold lasts `MAX_HOLD_MS` at most. So the first hold that expires at `next_expiry` was made at
 * most that long before, and the index on `(subject, reserved_at)` finds it without the history.
 *
 * The settings keep the plans right for tables of any size: they are made while the tables are
 * empty.
 */
export const APPLY_BATCH = `
CREATE FUNCTION apply_batch(${PARAMETERS}, in_order_ boolean) RETURNS text LANGUAGE plpgsql
  SET search_path = "@schema", pg_temp
  SET enable_seqscan = off
  SET enable_hashjoin = off
  SET enable_mergejoin = off
  SET jit = off
AS $body$
DECLARE
  fast_reserves CONSTANT int := cardinality(array_positions(fast_, 'reserve'));
  locked boolean := false;
  -- Whose purchase each command is about; null if nobody's.
  owners text[];
  to_lock text[];
  -- The numbers of the commands that are answered, and the replies to them.
  done int[] := '{}'::int[];
  replies text[] := '{}'::text[];
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING ERRCODE = '${WRONG_ISOLATION}', MESSAGE = 'not read committed';
  END IF;

  LOOP
    -- Steps 1 and 3: the fast path of reserve.
    IF fast_reserves > cardinality(done) AND (locked OR NOT in_order_) THEN
      WITH held AS (
        UPDATE accounts a SET
            windows = windows_[b.list],
            sums = CASE WHEN a.windows = windows_[b.list] THEN plus(a.sums, b.amount)
              ELSE plus(rolled(a.windows, a.sums, a.last_at, windows_[b.list], b.at), b.amount) END,
            last_at = greatest(a.last_at, b.at),
            next_expiry = least(
              CASE WHEN b.reconcile THEN ${FOREVER} ELSE b.expires_at END,
              CASE WHEN b.at < a.next_expiry THEN a.next_expiry
                -- The hold that was to expire first has been settled.
                ELSE (SELECT coalesce(min(q.expires_at), ${FOREVER}) FROM purchases q
                  WHERE q.subject = a.subject AND q.reserved_at >= a.next_expiry - ${MAX_HOLD_MS}
                    AND q.state = 'reserved' AND NOT q.reconcile) END)
          FROM unnest(fast_, id_, subject_, at_, amount_, list_, expires_at_, reconcile_)
            WITH ORDINALITY AS b (fast, id, subject, at, amount, list, expires_at, reconcile, n)
          WHERE b.fast = 'reserve' AND a.subject = b.subject AND b.n <> ALL (done)
            AND (locked OR b.at < a.next_expiry
              OR EXISTS (SELECT FROM accounts s WHERE s.ctid = a.ctid))
            -- No hold has expired.
            AND (b.at < a.next_expiry OR NOT EXISTS (SELECT FROM purchases q
              WHERE q.subject = a.subject AND q.reserved_at >= a.next_expiry - ${MAX_HOLD_MS}
                AND q.state = 'reserved' AND NOT q.reconcile AND q.expires_at <= b.at))
            AND CASE WHEN a.windows = windows_[b.list]
              THEN fits(a.sums, b.amount, caps_, first_[b.list])
              ELSE fits(rolled(a.windows, a.sums, a.last_at, windows_[b.list], b.at),
                b.amount, caps_, first_[b.list]) END
            AND NOT EXISTS (SELECT FROM purchases q WHERE q.id = b.id)
          RETURNING b.n::int, a.sums
      ), bought AS (
        -- Columns that are only written are read from the parameters here: one that passes through
        -- the update takes time there.
        INSERT INTO purchases (amount, reserved_at, expires_at, reconcile, id, subject, currency,
            app, category, request, basis, processor, processor_ref)
          SELECT amount_[h.n], at_[h.n], expires_at_[h.n], reconcile_[h.n], id_[h.n], subject_[h.n],
            currency_[h.n], app_[h.n], category_[h.n], texts_[request_[h.n]], texts_[basis_[h.n]],
            processor_[h.n], processor_ref_[h.n]
          FROM held h
      ), waiting AS (
        INSERT INTO unsettled (expires_at, purchase, processor)
          SELECT expires_at_[h.n], id_[h.n], processor_[h.n] FROM held h WHERE reconcile_[h.n]
      ), logged AS (
        INSERT INTO entries (at, amount, kind, purchase, subject, basis)
          SELECT at_[h.n], amount_[h.n], 'reserved', id_[h.n], subject_[h.n], texts_[basis_[h.n]]
          FROM held h
      )
      SELECT done || coalesce(array_agg(h.n), '{}'),
          replies || coalesce(array_agg(array_to_json(h.sums)::text), '{}')
        INTO done, replies FROM held h;
    END IF;
    EXIT WHEN locked OR cardinality(done) = cardinality(verb_);

    -- Step 2: the locks. A subject without purchases gets no account for a mere reading of its
    -- usage.
    SELECT array_agg(CASE b.verb
        WHEN 'reserve' THEN b.subject
        WHEN 'record' THEN b.subject
        WHEN 'usage' THEN (SELECT q.subject FROM purchases q WHERE q.subject = b.subject LIMIT 1)
        ELSE (SELECT q.subject FROM purchases q WHERE q.id = b.id) END ORDER BY b.n)
      INTO owners
      FROM unnest(verb_, id_, subject_) WITH ORDINALITY AS b (verb, id, subject, n);
    to_lock := owners;
    IF cardinality(done) > 0 THEN
      -- Step 1 has locked the others.
      SELECT array_agg(o.owner) INTO to_lock
        FROM unnest(owners) WITH ORDINALITY AS o (owner, n) WHERE o.n <> ALL (done);
    END IF;
    IF NOT lock_accounts(to_lock, in_order_ OR fast_reserves = 0) THEN
      RETURN replies_json(done, replies);
    END IF;
    locked := true;
  END LOOP;

  -- Step 3: the fast path of commit.
  IF 'commit' = ANY (fast_) THEN
    WITH paid AS (
      UPDATE purchases p SET state = 'committed', committed = p.amount
        FROM unnest(fast_, id_, at_, amount_, owners)
          WITH ORDINALITY AS b (fast, id, at, amount, owner, n)
        WHERE b.fast = 'commit' AND p.id = b.id AND p.subject = b.owner
          AND p.state = 'reserved' AND coalesce(b.amount, p.amount) = p.amount
          -- No hold has expired.
          AND EXISTS (SELECT FROM accounts a WHERE a.subject = b.owner
            AND (b.at < a.next_expiry OR NOT EXISTS (SELECT FROM purchases q
              WHERE q.subject = a.subject AND q.reserved_at >= a.next_expiry - ${MAX_HOLD_MS}
                AND q.state = 'reserved' AND NOT q.reconcile AND q.expires_at <= b.at)))
        RETURNING b.n::int, b.at, p AS purchase
    ), settled AS (
      DELETE FROM unsettled u USING paid WHERE (paid.purchase).reconcile
        AND u.expires_at = (paid.purchase).expires_at AND u.purchase = (paid.purchase).id
    ), logged AS (
      INSERT INTO entries (at, amount, kind, purchase, subject)
        SELECT p.at, (p.purchase).amount, 'committed', (p.purchase).id, (p.purchase).subject
        FROM paid p
    )
    SELECT done || array_agg(p.n), replies || array_agg(
        '{"outcome":"done","purchase":' || purchase_json(p.purchase)
          || ',"changed":true,"expired":[]}')
      INTO done, replies FROM paid p;
  END IF;

  -- Step 4: the slow path.
  IF cardinality(done) < cardinality(verb_) THEN
    SELECT done || array_agg(o.n::int), replies || array_agg(o.reply) INTO done, replies
      FROM unnest(apply_one_by_one(owners, done, ${SLOW_ARGUMENTS})) WITH ORDINALITY AS o (reply, n)
      WHERE o.reply IS NOT NULL;
  END IF;
  RETURN replies_json(done, replies);
END $body$;
`;
