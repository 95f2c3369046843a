import { COLUMNS, NONE_IS_OVER, PARAMETERS, SHARED } from './fragments.ts';

/** Of each column, the values of the commands in `rest`. */
const REST = COLUMNS.map(
  ([name]) => `ARRAY(SELECT ${name}_[i] FROM unnest(rest) WITH ORDINALITY AS u (i, n) ORDER BY n)`,
).join(',\n      ');

/**
 * Reads, in one snapshot and without a lock: they neither wait for purchases nor hold them up. Only
 * if a hold of the subject is over, or a window has yet to be summed, `run` answers, which writes
 * that down.
 */
export const READ_FUNCTION = `
CREATE FUNCTION read(${PARAMETERS}) RETURNS text LANGUAGE plpgsql
  SET search_path = "@schema", pg_temp
  SET enable_seqscan = off
  SET enable_hashjoin = off
  SET enable_mergejoin = off
  SET jit = off
AS $read$
DECLARE
  replies text[];
  rest int[];
  others json;
BEGIN
  SELECT array_agg(x.reply ORDER BY x.n),
      array_agg(x.n::int ORDER BY x.n) FILTER (WHERE x.reply IS NULL)
    INTO replies, rest
  FROM (
    SELECT b.n, CASE
      WHEN b.verb = 'overdue' THEN '[' || coalesce((
        SELECT string_agg(purchase_json(o.overdue), ',' ORDER BY o.expires_at, o.purchase) FROM (
          SELECT u.*, q AS overdue FROM unsettled u JOIN purchases q ON q.id = u.purchase
            WHERE u.expires_at <= b.at ORDER BY u.expires_at, u.purchase LIMIT b.amount
        ) AS o), '') || ']'
      WHEN b.verb = 'get' AND p.id IS NULL THEN '{"purchase":null,"expired":[]}'
      WHEN NOT ${NONE_IS_OVER} THEN NULL
      WHEN b.verb = 'get' THEN
        CASE WHEN a.subject IS NOT NULL THEN
          '{"purchase":' || purchase_json(p) || ',"expired":[]}' END
      WHEN a.subject IS NOT NULL
        OR NOT EXISTS (SELECT FROM purchases o WHERE o.subject = b.subject)
      THEN (
        SELECT CASE WHEN count(t.total) = count(*) THEN
          '{"used":[' || coalesce(string_agg(t.total::text, ',' ORDER BY t.i), '')
            || '],"expired":[]}' END
        FROM (
          SELECT w.i, coalesce(a.sums[array_position(a.windows::text[], w.json)],
            CASE WHEN NOT EXISTS (
              SELECT FROM purchases o WHERE o.subject = b.subject
                AND o.reserved_at >= (w.json::jsonb->0)::bigint
                AND o.reserved_at < (w.json::jsonb->1)::bigint) THEN 0 END) AS total
          FROM unnest(windows_[b.list]::text[]) WITH ORDINALITY AS w (json, i)
        ) AS t)
      END AS reply
    FROM unnest(verb_, id_, at_, subject_, amount_, list_)
        WITH ORDINALITY AS b (verb, id, at, subject, amount, list, n)
      LEFT JOIN purchases p ON p.id = b.id AND b.verb = 'get'
      LEFT JOIN accounts a ON a.subject = coalesce(b.subject, p.subject)
  ) AS x;
  IF rest IS NOT NULL THEN
    others := run(
      ${REST},
      ${SHARED}, true);
    FOR i IN 0 .. cardinality(rest) - 1 LOOP
      replies[rest[(others->0->>i)::int]] := others->1->i;
    END LOOP;
  END IF;
  RETURN replies_json(ARRAY(SELECT generate_subscripts(replies, 1)), replies);
END $read$;
`;
