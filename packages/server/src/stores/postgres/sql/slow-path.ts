import { MAX_HOLD_MS } from '@spendcap/core';
import { COMMANDS, PARAMETERS, WRITE_HELD } from './fragments.ts';
import { RESERVE, SETTLE } from './slow-path-verbs.ts';

/** Before a command that has to look at what came before it, and at the end. */
const WRITE_FRESH = `
    IF cardinality(fresh) > 0 THEN
      WITH held AS (SELECT f.n FROM unnest(fresh) AS f (n)), ${WRITE_HELD}
      SELECT '{}'::int[] INTO fresh;
    END IF;`;

/** Ends the holds of the subject that are over, and finds when the next one will be. */
const EXPIRE = `
    expired := '';
    IF c.at >= expiry THEN
      -- In a list: a text that grows is copied each time.
      ended_texts := '{}';
      -- A hold that ends then was made at most as long before as a hold may last.
      first := expiry - ${MAX_HOLD_MS};
      FOR p IN
        WITH ended AS (
          UPDATE purchases q SET state = 'expired' WHERE q.subject = current
            AND q.reserved_at >= first AND q.state = 'reserved' AND NOT q.reconcile
            AND q.expires_at <= c.at
          RETURNING *
        ) SELECT * FROM ended ORDER BY ended.reserved_at, ended.id
      LOOP
        ended_texts := ended_texts || purchase_json(p);
        log := log || ROW(NULL, c.at, p.amount, 'expired', p.id, current, NULL, NULL)::entries;
        FOR i IN 1 .. cardinality(sums) LOOP
          w := windows[i];
          IF selects(w, p.currency, p.app, p.category, p.reserved_at) THEN
            sums[i] := sums[i] - p.amount;
          END IF;
        END LOOP;
      END LOOP;
      expired := array_to_string(ended_texts, ',');
      SELECT coalesce(min(q.expires_at), forever) INTO expiry FROM purchases q
        WHERE q.subject = current AND q.reserved_at >= first AND q.state = 'reserved'
          AND NOT q.reconcile;
      dirty := true;
    END IF;`;

/** Finds what each asked window has used; one without a sum is worked out, and remembered. */
const USE = `
      same := windows = c.asked;
      IF same THEN
        used := sums;
      ELSE
        used := '{}';
        FOR j IN 1 .. cardinality(c.asked) LOOP
          place := array_position(windows, c.asked[j]);
          total := sums[place];
          IF total IS NULL THEN
            w := c.asked[j];
            first := (w->0)::bigint;
            last := (w->1)::bigint;
          END IF;
          IF total IS NULL AND first > last_at THEN
            total := 0;
          ELSIF total IS NULL THEN
${WRITE_FRESH}
            SELECT least(coalesce(sum(CASE q.state WHEN 'reserved' THEN q.amount
                WHEN 'committed' THEN q.committed - q.restored ELSE 0 END), 0), max_safe + 1)
              INTO total FROM purchases q
              WHERE q.subject = current AND q.reserved_at >= first AND q.reserved_at < last
                AND selects(w, q.currency, q.app, q.category, q.reserved_at);
          END IF;
          IF place IS NULL AND total <= max_safe AND cardinality(sums) < max_windows THEN
            windows := windows || c.asked[j];
            sums := sums || total;
            dirty := true;
          END IF;
          used := used || total;
        END LOOP;
        same := windows = c.asked;
      END IF;`;

/**
 * What `run` does for the commands that are not done at once: in order of their subjects and, within
 * one, in the order in which they came.
 */
export const EACH_FUNCTION = `
CREATE FUNCTION one_by_one(owners text[], done int[], ${PARAMETERS})
RETURNS text[] LANGUAGE plpgsql AS $each$
DECLARE
  forever CONSTANT bigint := 9007199254740991;
  max_safe CONSTANT bigint := 9007199254740991;
  max_windows CONSTANT int := 100;
  c record;
  replies text[] := array_fill(NULL::text, ARRAY[cardinality(verb_)]);
  -- The account of the subject whose turn it is.
  current text;
  dirty boolean := false;
  expiry bigint;
  last_at bigint;
  windows text[];
  sums bigint[];
  -- What has yet to be written.
  fresh int[] := '{}';
  accounts_changed accounts[] := '{}';
  log entries[] := '{}';
  -- The command whose turn it is.
  p purchases;
  r refunds;
  w jsonb;
  first bigint;
  last bigint;
  used bigint[];
  total bigint;
  place int;
  room boolean;
  same boolean;
  known boolean;
  outcome text;
  changed boolean;
  weight bigint;
  expired text;
  ended_texts text[];
BEGIN
  FOR c IN
    SELECT b.*, coalesce(b.owner, b.subject) COLLATE "C" AS holder, windows_[b.list]::text[] AS asked,
      a.next_expiry, a.last_at, a.windows::text[] AS held_windows, a.sums AS held_sums,
      (SELECT q.subject FROM purchases q WHERE q.id = b.id) AS buyer
    FROM ${COMMANDS}
      LEFT JOIN accounts a ON a.subject = coalesce(b.owner, b.subject)
    WHERE NOT b.n = ANY (done)
    ORDER BY holder, b.n
  LOOP
    -- Nothing was bought, neither before nor by this batch.
    IF c.verb = 'usage' AND c.owner IS NULL AND current IS DISTINCT FROM c.holder THEN
      replies[c.n] := json_build_object(
        'used', array_fill(0, ARRAY[cardinality(c.asked)]), 'expired', '[]'::json);
      CONTINUE;
    END IF;
    IF c.buyer IS NULL AND c.again THEN
${WRITE_FRESH}
      SELECT q.subject INTO c.buyer FROM purchases q WHERE q.id = c.id;
    END IF;
    -- No verb has looked at a subject yet whose purchase is not there, or came after the look for it.
    IF c.verb NOT IN ('reserve', 'usage') AND c.buyer IS DISTINCT FROM c.holder
      OR c.holder IS NULL
    THEN
      replies[c.n] := CASE c.verb WHEN 'get' THEN '{"purchase":null,"expired":[]}'
        ELSE '{"outcome":"not_found","expired":[]}' END;
      CONTINUE;
    END IF;

    IF current IS DISTINCT FROM c.holder THEN
      IF dirty THEN
        accounts_changed := accounts_changed
          || ROW(current, windows::text, expiry, last_at, sums)::accounts;
        dirty := false;
      END IF;
      current := c.holder;
      expiry := c.next_expiry;
      last_at := c.last_at;
      windows := c.held_windows;
      sums := c.held_sums;
    END IF;
    IF c.at >= expiry OR c.verb NOT IN ('reserve', 'usage') THEN
${WRITE_FRESH}
    END IF;
${EXPIRE}

    IF c.verb IN ('reserve', 'usage') THEN
${USE}
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
      || ROW(current, windows::text, expiry, last_at, sums)::accounts;
  END IF;
${WRITE_FRESH}
  INSERT INTO entries (at, amount, kind, purchase, subject, refund)
    SELECT l.at, l.amount, l.kind, l.purchase, l.subject, l.refund FROM unnest(log) AS l;
  UPDATE accounts a SET next_expiry = u.next_expiry, last_at = u.last_at, windows = u.windows, sums = u.sums
    FROM unnest(accounts_changed) AS u WHERE a.subject = u.subject;
  RETURN replies;
END $each$;
`;
