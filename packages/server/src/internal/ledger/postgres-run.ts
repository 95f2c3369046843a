import { FOREVER } from '@spendcap/core';
import {
  ARGUMENTS,
  commandsWith,
  NEXT_EXPIRY,
  NONE_IS_OVER,
  PARAMETERS,
  WRITE_HELD,
} from './postgres-columns.ts';

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

/**
 * The ledger inside the server: `run` takes a batch of commands and answers each, in one
 * transaction. It is `ledger.ts` in the server's language.
 *
 * 1. The subjects are found, their accounts locked and those that are missing made, in the order
 *    of the subject, so that batches cannot wait for each other in a circle: what waits to make an
 *    account waits for no lock any more. An account is the subject's lock: nothing of a subject is
 *    written without it, and every query after it sees what was committed.
 * 2. What is usual is done for the whole batch at once: reserves alone for their subject that
 *    fit into windows whose sums are known; and commits of all that was held.
 * 3. The others are done subject by subject and, within one, in the order in which they came: holds
 *    that are over end first; a window without a sum is worked out from the purchases. What they
 *    write is written together at the end, or as soon as a command has to look at it.
 *
 * The settings make the plans hold for a table of any size: it is planned while empty.
 */
export const RUN_FUNCTION = `
CREATE FUNCTION run(${PARAMETERS}) RETURNS text LANGUAGE plpgsql
  SET search_path = "@schema", pg_temp
  SET enable_seqscan = off
  SET enable_hashjoin = off
  SET enable_mergejoin = off
  SET jit = off
AS $run$
DECLARE
  owners text[];
  found bigint;
  wanted bigint;
  made bigint;
  done int[] := '{}';
  replies text[] := '{}';
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING ERRCODE = 'SC001', MESSAGE = 'not read committed';
  END IF;

  IF 'reserve' = ALL (verb_) THEN
    owners := subject_;
  ELSE
    -- Who has bought nothing is not written down for asking.
    SELECT array_agg(CASE b.verb WHEN 'reserve' THEN b.subject
        WHEN 'usage' THEN (SELECT q.subject FROM purchases q WHERE q.subject = b.subject LIMIT 1)
        ELSE (SELECT q.subject FROM purchases q WHERE q.id = b.id) END ORDER BY b.n)
      INTO owners FROM unnest(verb_, id_, subject_) WITH ORDINALITY AS b (verb, id, subject, n);
  END IF;
  SELECT count(*) INTO found FROM (
    SELECT FROM accounts a WHERE a.subject = ANY (owners) ORDER BY a.subject FOR UPDATE
  ) AS locked;
  -- One may be named twice, be nobody, or have no account.
  IF found < cardinality(owners) THEN
    SELECT count(DISTINCT o) INTO wanted FROM unnest(owners) AS o;
    INSERT INTO accounts
      SELECT DISTINCT o COLLATE "C" AS subject, '{}', 0,
          coalesce((SELECT max(q.reserved_at) FROM purchases q WHERE q.subject = o), -1),
          '{}'::bigint[]
        FROM unnest(owners) AS o
        WHERE found < wanted AND o IS NOT NULL
          AND NOT EXISTS (SELECT FROM accounts a WHERE a.subject = o)
        ORDER BY subject
      ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    -- Another process has made one of them meanwhile: it can only be locked from the start again.
    IF found + made < wanted THEN
      RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'an account was made meanwhile';
    END IF;
  END IF;

  IF 'reserve' = ANY (verb_) THEN
  WITH held AS (
    UPDATE accounts a SET windows = windows_[b.list],
        sums = CASE WHEN a.windows = windows_[b.list] THEN plus(a.sums, b.amount)
          ELSE plus(${ROLLED}, b.amount) END,
        last_at = greatest(a.last_at, b.at),
        next_expiry = least(CASE WHEN b.reconcile THEN ${FOREVER} ELSE b.expires_at END,
          ${NEXT_EXPIRY})
      FROM ${PLAIN_RESERVES}
      WHERE b.plain = 'reserve' AND a.subject = b.subject AND ${NONE_IS_OVER}
        AND CASE WHEN a.windows = windows_[b.list] THEN fits(a.sums, b.amount, caps_, first_[b.list])
          ELSE fits(${ROLLED}, b.amount, caps_, first_[b.list]) END
        AND NOT EXISTS (SELECT FROM purchases q WHERE q.id = b.id)
      RETURNING b.n::int, a.sums
  ), ${WRITE_HELD}
  SELECT coalesce(array_agg(h.n), '{}'), coalesce(array_agg(array_to_json(h.sums)::text), '{}')
    INTO done, replies FROM held h;
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

  RETURN (SELECT '[' || string_agg(t.reply, ',' ORDER BY t.n) || ']' FROM (
    SELECT * FROM unnest(done, replies) AS d (n, reply)
    UNION ALL
    SELECT o.n, o.reply FROM unnest(CASE WHEN cardinality(done) < cardinality(verb_)
      THEN one_by_one(owners, done, ${ARGUMENTS}) END) WITH ORDINALITY AS o (reply, n)
      WHERE o.reply IS NOT NULL
  ) AS t);
END $run$;
`;
