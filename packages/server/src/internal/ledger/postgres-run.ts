import { RESERVE, SETTLE } from './postgres-verbs.ts';

/**
 * The ledger inside the server: `run` takes a batch of commands and answers each, in one
 * transaction.
 *
 * 1. The subjects are found, their accounts locked and those that are missing made, in the order
 *    of the subject, so that batches cannot wait for each other in a circle: what waits to make an
 *    account waits for no lock any more. An account is the subject's lock: nothing of a subject is
 *    written without it, and every query after it sees what was committed.
 * 2. The commands are done subject by subject and, within one, in the order in which they came. It
 *    is `ledger.ts` in the server's language: holds that are over end first; a window without a sum
 *    is worked out from the purchases.
 * 3. New purchases, entries and accounts are written together at the end, or as soon as a command
 *    has to look at what came before it.
 *
 * The settings make the plans hold for a table of any size: it is planned while empty.
 */
export const RUN_FUNCTION = `
CREATE FUNCTION run(batch jsonb) RETURNS text LANGUAGE plpgsql
  SET search_path = "@schema", pg_temp
  SET enable_seqscan = off
  SET enable_hashjoin = off
  SET enable_mergejoin = off
  SET jit = off
AS $run$
DECLARE
  forever CONSTANT bigint := 9007199254740991;
  max_safe CONSTANT bigint := 9007199254740991;
  max_windows CONSTANT int := 100;
  hints CONSTANT jsonb := batch->'hints';
  all_windows CONSTANT jsonb := batch->'windows';
  locked text[];
  c record;
  replies text[] := array_fill(NULL::text, ARRAY[jsonb_array_length(batch->'commands')]);
  -- The account of the subject whose turn it is.
  current text;
  dirty boolean := false;
  expiry bigint;
  selectors jsonb[];
  starts bigint[];
  ends bigint[];
  sums bigint[];
  -- What has yet to be written.
  fresh purchases[] := '{}';
  accounts_changed accounts[] := '{}';
  log entries[] := '{}';
  -- The command whose turn it is.
  p purchases;
  r refunds;
  selector jsonb;
  w jsonb;
  first bigint;
  last bigint;
  used bigint[];
  total bigint;
  place int;
  room boolean;
  known boolean;
  outcome text;
  changed boolean;
  weight bigint;
  expired text;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING ERRCODE = 'SC001', MESSAGE = 'not read committed';
  END IF;

  SELECT array_agg(s ORDER BY s COLLATE "C") INTO locked FROM (
    SELECT value AS s FROM jsonb_array_elements_text(batch->'subjects')
    UNION
    SELECT value FROM jsonb_array_elements_text(batch->'asked')
      WHERE EXISTS (SELECT FROM purchases q WHERE q.subject = value)
    UNION
    SELECT q.subject FROM jsonb_array_elements_text(batch->'ids') JOIN purchases q ON q.id = value
  ) AS found;
  SELECT count(*) INTO place FROM (
    SELECT FROM accounts a WHERE a.subject = ANY (locked) ORDER BY a.subject FOR UPDATE
  ) AS those;
  IF place < cardinality(locked) THEN
    INSERT INTO accounts
      SELECT s, 0, '{}', '{}', '{}', '{}' FROM unnest(locked) AS s
        WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.subject = s)
        ORDER BY s COLLATE "C"
      ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS total = ROW_COUNT;
    -- Another process has made one of them meanwhile: it can only be locked from the start again.
    IF place + total < cardinality(locked) THEN
      RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'an account was made meanwhile';
    END IF;
  END IF;

  FOR c IN
    SELECT x.*, x.place::int AS n, coalesce(x.subject, x.owner, hints->>x.id) COLLATE "C" AS holder,
      a.next_expiry, a.selectors, a.starts, a.ends, a.sums
    FROM (
      SELECT y.place, y.v->>0 AS verb, y.v->>1 AS id, (y.v->>2)::bigint AS at,
        y.v->>3 AS subject, (y.v->>4)::bigint AS amount, y.v->>5 AS request, y.v->>6 AS currency,
        y.v->>7 AS app, y.v->>8 AS category, (y.v->>9)::bigint AS expires_at,
        y.v->>10 AS on_expiry, y.v->>11 AS basis, y.v->>12 AS refund,
        (y.v->>13)::boolean AS restores, (y.v->>14)::int AS at_most,
        all_windows->((y.v->>15)::int) AS windows,
        (SELECT q.subject FROM purchases q WHERE q.id = y.v->>1) AS owner
      FROM jsonb_array_elements(batch->'commands') WITH ORDINALITY AS y (v, place)
    ) AS x LEFT JOIN accounts a ON a.subject = coalesce(x.subject, x.owner, hints->>x.id)
    ORDER BY holder, n
  LOOP
    IF c.verb = 'overdue' THEN
      replies[c.n] := '[' || coalesce((
        SELECT string_agg(purchase_json(q::purchases), ',' ORDER BY q.expires_at) FROM (
          SELECT * FROM purchases o WHERE o.state = 'reserved' AND o.on_expiry = 'reconcile'
            AND o.expires_at <= c.at ORDER BY o.expires_at LIMIT c.at_most
        ) AS q), '') || ']';
      CONTINUE;
    END IF;
    IF c.holder IS NULL THEN
      replies[c.n] := CASE c.verb WHEN 'get' THEN '{"purchase":null,"expired":[]}'
        ELSE '{"outcome":"not_found","expired":[]}' END;
      CONTINUE;
    END IF;
    IF c.verb <> 'reserve' AND NOT coalesce(c.holder = ANY (locked), false) THEN
      -- Who has bought nothing is not written down for asking.
      IF c.verb <> 'usage' THEN
        RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'made after its subject was looked for';
      END IF;
      replies[c.n] := json_build_object(
        'used', array_fill(0, ARRAY[jsonb_array_length(c.windows)]), 'expired', '[]'::json);
      CONTINUE;
    END IF;

    IF current IS DISTINCT FROM c.holder THEN
      IF dirty THEN
        accounts_changed := accounts_changed
          || ROW(current, expiry, selectors, starts, ends, sums)::accounts;
        dirty := false;
      END IF;
      current := c.holder;
      expiry := c.next_expiry;
      selectors := c.selectors;
      starts := c.starts;
      ends := c.ends;
      sums := c.sums;
    END IF;

    -- New purchases are written before a command that may have to look at them.
    IF cardinality(fresh) > 0
      AND (c.verb NOT IN ('reserve', 'usage') OR c.at >= expiry OR hints ? c.id)
    THEN
      INSERT INTO purchases SELECT * FROM unnest(fresh);
      fresh := '{}';
    END IF;

    -- Only this batch could have made it, and has not: no verb looks at the subject, so no hold ends.
    IF c.owner IS NULL AND c.verb NOT IN ('reserve', 'usage')
      AND NOT EXISTS (SELECT FROM purchases q WHERE q.id = c.id AND q.subject = current)
    THEN
      replies[c.n] := CASE c.verb WHEN 'get' THEN '{"purchase":null,"expired":[]}'
        ELSE '{"outcome":"not_found","expired":[]}' END;
      CONTINUE;
    END IF;

    expired := '';
    IF c.at >= expiry THEN
      FOR p IN
        WITH ended AS (
          UPDATE purchases q SET state = 'expired' WHERE q.subject = current
            AND q.state = 'reserved' AND q.on_expiry = 'release' AND q.expires_at <= c.at
          RETURNING *
        ) SELECT * FROM ended ORDER BY ended.reserved_at, ended.id
      LOOP
        expired := expired || CASE expired WHEN '' THEN '' ELSE ',' END || purchase_json(p);
        log := log || ROW(NULL, c.at, 'expired', p.id, current, p.amount, NULL, NULL)::entries;
        FOR i IN 1 .. cardinality(sums) LOOP
          IF selects(selectors[i], starts[i], ends[i], p.currency, p.app, p.category, p.reserved_at)
          THEN
            sums[i] := sums[i] - p.amount;
          END IF;
        END LOOP;
      END LOOP;
      SELECT coalesce(min(q.expires_at), forever) INTO expiry FROM purchases q
        WHERE q.subject = current AND q.state = 'reserved' AND q.on_expiry = 'release';
      dirty := true;
    END IF;

    IF c.verb IN ('reserve', 'usage') THEN
      used := '{}';
      room := true;
      FOR j IN 0 .. jsonb_array_length(c.windows) - 1 LOOP
        w := c.windows->j;
        selector := w->'selector';
        first := (w->'start')::bigint;
        last := (w->'end')::bigint;
        total := NULL;
        FOR i IN 1 .. cardinality(sums) LOOP
          IF starts[i] = first AND ends[i] = last AND selectors[i] = selector THEN
            total := sums[i];
            EXIT;
          END IF;
        END LOOP;
        IF total IS NULL THEN
          IF cardinality(fresh) > 0 THEN
            INSERT INTO purchases SELECT * FROM unnest(fresh);
            fresh := '{}';
          END IF;
          SELECT least(coalesce(sum(CASE q.state WHEN 'reserved' THEN q.amount
              WHEN 'committed' THEN q.committed - q.restored ELSE 0 END), 0), max_safe + 1)
            INTO total FROM purchases q
            WHERE q.subject = current AND q.reserved_at >= first AND q.reserved_at < last
              AND selects(selector, first, last, q.currency, q.app, q.category, q.reserved_at);
          IF total <= max_safe AND cardinality(sums) < max_windows THEN
            selectors := selectors || selector;
            starts := starts || first;
            ends := ends || last;
            sums := sums || total;
            dirty := true;
          END IF;
        END IF;
        used := used || total;
        IF c.verb = 'reserve' THEN
          room := room AND total + c.amount <= (w->'cap')::bigint;
        END IF;
      END LOOP;
    END IF;

    CASE c.verb
    WHEN 'usage' THEN
      replies[c.n] := '{"used":' || array_to_json(used) || ',"expired":[' || expired || ']}';

    WHEN 'reserve' THEN
${RESERVE}
    ELSE
${SETTLE}
    END CASE;
  END LOOP;

  IF dirty THEN
    accounts_changed := accounts_changed
      || ROW(current, expiry, selectors, starts, ends, sums)::accounts;
  END IF;
  INSERT INTO purchases SELECT * FROM unnest(fresh);
  INSERT INTO entries (at, kind, purchase, subject, amount, refund, basis)
    SELECT l.at, l.kind, l.purchase, l.subject, l.amount, l.refund, l.basis FROM unnest(log) AS l;
  UPDATE accounts a SET next_expiry = u.next_expiry, selectors = u.selectors, starts = u.starts,
    ends = u.ends, sums = u.sums
    FROM unnest(accounts_changed) AS u WHERE a.subject = u.subject;
  RETURN '[' || array_to_string(replies, ',') || ']';
END $run$;
`;
