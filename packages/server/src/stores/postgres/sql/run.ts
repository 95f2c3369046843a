import { FOREVER } from '@spendcap/core';
import {
  ARGUMENTS,
  commandsWith,
  IS_AS_SEEN,
  NEXT_EXPIRY,
  NONE_IS_OVER,
  PARAMETERS,
  WRITE_HELD,
} from './fragments.ts';

/** What an account has used of the windows that a purchase asks for, if they are not its own. */
const ROLLED = 'rolled(a.windows, a.sums, a.last_at, windows_[b.list], b.at)';

/** What decides whether a hold is made. */
const PLAIN_RESERVES = commandsWith([
  'plain',
  'id',
  'subject',
  'at',
  'amount',
  'list',
  'expires_at',
  'reconcile',
]);
const PLAIN_COMMITS = commandsWith(['plain', 'id', 'at', 'amount', 'owner']);

/** Makes the usual holds where the condition is true, and adds them to `done` and `replies`. */
const makeHolds = (condition: string): string => `
    WITH held AS (
      UPDATE accounts a SET windows = windows_[b.list],
          sums = CASE WHEN a.windows = windows_[b.list] THEN plus(a.sums, b.amount)
            ELSE plus(${ROLLED}, b.amount) END,
          last_at = greatest(a.last_at, b.at),
          next_expiry = least(CASE WHEN b.reconcile THEN ${FOREVER} ELSE b.expires_at END,
            ${NEXT_EXPIRY})
        FROM ${PLAIN_RESERVES}
        WHERE b.plain = 'reserve' AND a.subject = b.subject AND ${condition}
          AND ${NONE_IS_OVER}
          AND CASE WHEN a.windows = windows_[b.list]
            THEN fits(a.sums, b.amount, caps_, first_[b.list])
            ELSE fits(${ROLLED}, b.amount, caps_, first_[b.list]) END
          AND NOT EXISTS (SELECT FROM purchases q WHERE q.id = b.id)
        RETURNING b.n::int, a.sums
    ), ${WRITE_HELD}
    SELECT done || coalesce(array_agg(h.n), '{}'),
        replies || coalesce(array_agg(array_to_json(h.sums)::text), '{}')
      INTO done, replies FROM held h;`;

/**
 * Locks the accounts of subjects and makes those that are missing, in the order of the subject. False
 * if one is locked by others, and it may not wait for that. It always waits for who makes one.
 */
export const LOCK_FUNCTION = `
CREATE FUNCTION lock_accounts(owners text[], may_wait boolean) RETURNS boolean LANGUAGE plpgsql
AS $lock$
DECLARE
  found bigint;
  wanted bigint;
  made bigint;
BEGIN
  IF may_wait THEN
    SELECT count(*) INTO found FROM (
      SELECT FROM accounts a WHERE a.subject = ANY (owners) ORDER BY a.subject FOR UPDATE
    ) AS locked;
  ELSE
    SELECT count(*) INTO found FROM (
      SELECT FROM accounts a WHERE a.subject = ANY (owners) FOR UPDATE SKIP LOCKED
    ) AS locked;
  END IF;
  IF found = cardinality(owners) THEN
    RETURN true;
  END IF;
  -- One may be named twice, be nobody, or have no account.
  SELECT count(DISTINCT o) INTO wanted FROM unnest(owners) AS o;
  INSERT INTO accounts
    SELECT DISTINCT o COLLATE "C" AS subject, '{}', 0, -1, '{}'::bigint[]
      FROM unnest(owners) AS o
      WHERE found < wanted AND o IS NOT NULL
        AND NOT EXISTS (SELECT FROM accounts a WHERE a.subject = o)
      ORDER BY subject
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  IF found + made < wanted AND may_wait THEN
    -- Another process has made one of them meanwhile: it can only be locked from the start again.
    RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'an account was made meanwhile';
  END IF;
  IF made > 0 THEN
    -- One that was deleted; now that it is locked, all that it has bought is seen.
    UPDATE accounts a SET last_at = q.last_at FROM unnest(owners) AS o, LATERAL (
        SELECT max(p.reserved_at) AS last_at FROM purchases p WHERE p.subject = o
      ) AS q
      WHERE a.subject = o AND a.last_at = -1 AND q.last_at IS NOT NULL;
  END IF;
  RETURN found + made = wanted;
END $lock$;
`;

/**
 * The ledger inside the server: `run` takes a batch of commands and answers each, in one
 * transaction. It is `ledger.ts` in the server's language.
 *
 * An account is the subject's lock: nothing of a subject is written without it. Batches lock in the
 * order of the subject, so that they do not wait for each other in a circle; and what waits to make
 * an account waits for no lock any more. (Ids that two batches take for other subjects can still
 * make a circle, which the server breaks.)
 *
 * 1. What is most usual is done for the whole batch at once, and locks by writing: reserves alone
 *    for their subject that fit into windows whose sums are known, while no hold is over. They are
 *    decided by the row that is locked. That their id is new is seen as of before, and for the primary
 *    key to make sure of: where it was taken meanwhile, all fails and comes again with `in_order_`,
 *    which leaves this step out.
 * 2. The subjects of the others are found, locked, and made where they are missing. Behind the first
 *    step that is out of order, so that it may not wait for locks: where it would have to, only the
 *    first step is done and answered, and the others come again with `in_order_`.
 * 3. Every query now sees what was committed. Again at once: the same reserves where an account was
 *    missing or in the way, and commits of all that was held.
 * 4. The others are done subject by subject and, within one, in the order in which they came: holds
 *    that are over end first; a window without a sum is worked out from the purchases. What they
 *    write is written together at the end, or as soon as a command has to look at it.
 *
 * The settings make the plans hold for a table of any size: it is planned while empty.
 */
export const RUN_FUNCTION = `
CREATE FUNCTION run(${PARAMETERS}, in_order_ boolean) RETURNS text LANGUAGE plpgsql
  SET search_path = "@schema", pg_temp
  SET enable_seqscan = off
  SET enable_hashjoin = off
  SET enable_mergejoin = off
  SET jit = off
AS $run$
DECLARE
  holds CONSTANT int := cardinality(array_positions(plain_, 'reserve'));
  owners text[];
  done int[] := '{}';
  replies text[] := '{}';
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING ERRCODE = 'SC001', MESSAGE = 'not read committed';
  END IF;

  IF holds > 0 AND NOT in_order_ THEN${makeHolds(`(b.at < a.next_expiry OR ${IS_AS_SEEN})`)}
    IF cardinality(done) = cardinality(verb_) THEN
      RETURN replies_json(done, replies);
    END IF;
  END IF;

  -- Who has bought nothing is not written down for asking.
  SELECT array_agg(CASE b.verb WHEN 'reserve' THEN b.subject
      WHEN 'usage' THEN (SELECT q.subject FROM purchases q WHERE q.subject = b.subject LIMIT 1)
      ELSE (SELECT q.subject FROM purchases q WHERE q.id = b.id) END ORDER BY b.n)
    INTO owners FROM unnest(verb_, id_, subject_) WITH ORDINALITY AS b (verb, id, subject, n);
  IF NOT lock_accounts(owners, in_order_ OR holds = 0) THEN
    RETURN replies_json(done, replies);
  END IF;

  IF holds > cardinality(done) THEN${makeHolds('b.n <> ALL (done)')}
  END IF;

  IF 'commit' = ANY (verb_) THEN
    WITH paid AS (
      UPDATE purchases p SET state = 'committed', committed = p.amount FROM ${PLAIN_COMMITS}
        WHERE b.plain = 'commit' AND p.id = b.id AND p.subject = b.owner
          AND p.state = 'reserved' AND coalesce(b.amount, p.amount) = p.amount
          AND EXISTS (SELECT FROM accounts a WHERE a.subject = b.owner AND ${NONE_IS_OVER})
        RETURNING b.n::int, b.at, p AS bought
    ), settled AS (
      DELETE FROM unsettled u USING paid WHERE (paid.bought).reconcile
        AND u.expires_at = (paid.bought).expires_at AND u.purchase = (paid.bought).id
    ), logged AS (
      INSERT INTO entries (at, amount, kind, purchase, subject)
        SELECT at, (bought).amount, 'committed', (bought).id, (bought).subject FROM paid
    )
    SELECT done || array_agg(paid.n), replies || array_agg(
        '{"outcome":"done","purchase":' || purchase_json(bought) || ',"changed":true,"expired":[]}')
      INTO done, replies FROM paid;
  END IF;

  IF cardinality(done) < cardinality(verb_) THEN
    SELECT done || array_agg(o.n::int), replies || array_agg(o.reply) INTO done, replies
      FROM unnest(one_by_one(owners, done, ${ARGUMENTS})) WITH ORDINALITY AS o (reply, n)
      WHERE o.reply IS NOT NULL;
  END IF;
  RETURN replies_json(done, replies);
END $run$;
`;
