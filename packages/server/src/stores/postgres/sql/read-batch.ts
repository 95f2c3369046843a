import { MAX_HOLD_MS } from '@spendcap/core';
import { COLUMNS, PARAMETERS } from './batch.ts';

/** Of each column, the values of the commands whose numbers are in `unanswered`. */
const UNANSWERED = COLUMNS.map(
  ([name]) =>
    `ARRAY(SELECT ${name}_[u.number] FROM unnest(unanswered) WITH ORDINALITY AS u (number, i)
        ORDER BY u.i)`,
).join(',\n      ');

/**
 * Answers a batch of reads (`get`, `usage`, `overdue`) from one snapshot and without a lock, so
 * that reads neither wait for purchases nor delay them. Only if a hold of the subject has expired,
 * or a window has yet to be summed, `apply_batch` answers, since that has to be written.
 */
export const READ_BATCH = `
CREATE FUNCTION read_batch(${PARAMETERS}) RETURNS text LANGUAGE plpgsql
  SET search_path = "@schema", pg_temp
  SET enable_seqscan = off
  SET enable_hashjoin = off
  SET enable_mergejoin = off
  SET jit = off
AS $body$
DECLARE
  -- One for each command; null where apply_batch has to answer.
  replies text[];
  unanswered int[];
  applied json;
BEGIN
  SELECT array_agg(x.reply ORDER BY x.n),
      array_agg(x.n::int ORDER BY x.n) FILTER (WHERE x.reply IS NULL)
    INTO replies, unanswered
  FROM (
    SELECT b.n, CASE
      WHEN b.verb = 'overdue' THEN '[' || coalesce((
        -- One of the two queries runs, so that each has a condition which its index serves.
        SELECT string_agg(purchase_json(o.purchase_row), ',' ORDER BY o.expires_at, o.purchase)
          FROM (
            (SELECT u.expires_at, u.purchase, q AS purchase_row
              FROM unsettled u JOIN purchases q ON q.id = u.purchase
              WHERE b.processor IS NULL AND u.expires_at <= b.at
                AND (u.expires_at, u.purchase) > (b.expires_at, b.id)
              ORDER BY u.expires_at, u.purchase LIMIT b.amount)
            UNION ALL
            (SELECT u.expires_at, u.purchase, q AS purchase_row
              FROM unsettled u JOIN purchases q ON q.id = u.purchase
              WHERE u.processor = b.processor AND u.expires_at <= b.at
                AND (u.expires_at, u.purchase) > (b.expires_at, b.id)
              ORDER BY u.expires_at, u.purchase LIMIT b.amount)
          ) AS o), '') || ']'
      WHEN b.verb = 'get' AND p.id IS NULL THEN '{"purchase":null,"expired":[]}'
      -- A hold has expired.
      WHEN b.at >= a.next_expiry AND EXISTS (SELECT FROM purchases q
          WHERE q.subject = a.subject AND q.reserved_at >= a.next_expiry - ${MAX_HOLD_MS}
            AND q.state = 'reserved' AND NOT q.reconcile AND q.expires_at <= b.at)
        THEN NULL
      WHEN b.verb = 'get' THEN
        CASE WHEN a.subject IS NOT NULL THEN
          '{"purchase":' || purchase_json(p) || ',"expired":[]}' END
      -- Usage. If the account was deleted, the purchases have to be summed again.
      WHEN a.subject IS NOT NULL
        OR NOT EXISTS (SELECT FROM purchases q WHERE q.subject = b.subject)
      THEN (
        SELECT CASE WHEN count(t.total) = count(*) THEN
          '{"used":[' || coalesce(string_agg(t.total::text, ',' ORDER BY t.i), '')
            || '],"expired":[]}' END
        FROM (
          SELECT w.i, coalesce(a.sums[array_position(a.windows::text[], w.json)],
              CASE WHEN NOT EXISTS (SELECT FROM purchases q WHERE q.subject = b.subject
                AND q.reserved_at >= (w.json::jsonb->0)::bigint
                AND q.reserved_at < (w.json::jsonb->1)::bigint) THEN 0 END) AS total
            FROM unnest(windows_[b.list]::text[]) WITH ORDINALITY AS w (json, i)
        ) AS t)
      END AS reply
    FROM unnest(verb_, id_, at_, subject_, amount_, list_, expires_at_, processor_)
        WITH ORDINALITY AS b (verb, id, at, subject, amount, list, expires_at, processor, n)
      LEFT JOIN purchases p ON p.id = b.id AND b.verb = 'get'
      LEFT JOIN accounts a ON a.subject = coalesce(b.subject, p.subject)
    -- Else the planner merges the queries, and a reply is computed at each of its uses above.
    OFFSET 0
  ) AS x;

  IF unanswered IS NOT NULL THEN
    applied := apply_batch(
      ${UNANSWERED},
      windows_, first_, caps_, texts_, true)::json;
    FOR i IN 0 .. cardinality(unanswered) - 1 LOOP
      replies[unanswered[(applied->0->>i)::int]] := (applied->1->i)::text;
    END LOOP;
  END IF;
  RETURN replies_json(ARRAY(SELECT generate_subscripts(replies, 1)), replies);
END $body$;
`;
