import { FOREVER, MAX_HOLD_MS } from '@spendcap/core';
import { MAX_COUNTERS } from '../../../ledger/ledger.ts';
import { SLOW_PARAMETERS } from './batch.ts';

/**
 * The slow path of `apply_batch`: the verbs of `ledger/ledger.ts`, one command after another, for
 * all commands that are not in `done`. Returns a reply for each of them, by its place in the batch,
 * and null for the others.
 *
 * Order: by subject and, within a subject, as in the batch. All of a subject's commands work on one
 * copy of its account in variables (`own_…`), which is written when the next subject begins.
 *
 * The caller has locked the account of every owner, so what is read of a subject stays true.
 * Commands without an owner name an id that was never held, or a subject that has bought nothing.
 */
export const APPLY_ONE_BY_ONE = `
CREATE FUNCTION apply_one_by_one(owners text[], done int[], ${SLOW_PARAMETERS})
RETURNS text[] LANGUAGE plpgsql AS $body$
DECLARE
  forever CONSTANT bigint := ${FOREVER};
  max_safe CONSTANT bigint := ${Number.MAX_SAFE_INTEGER};
  max_hold_ms CONSTANT bigint := ${MAX_HOLD_MS};
  max_windows CONSTANT int := ${MAX_COUNTERS};
  replies text[] := array_fill(NULL::text, ARRAY[cardinality(verb_)]);
  c record;
  -- The subject at work and its account. The sums are those of the windows, in order.
  current text;
  own_windows text[];
  own_sums bigint[];
  own_expiry bigint;
  own_last_at bigint;
  changed_account boolean := false;
  -- Numbers of reserves whose purchases have yet to be written: together, since one by one they
  -- would take a third longer.
  held int[] := '{}'::int[];
  -- What the current command needs.
  p purchases;
  r refunds;
  w jsonb;
  seek_from bigint;
  seek_to bigint;
  place int;
  total bigint;
  -- Usage of the windows of the command, in its order.
  used bigint[];
  same_windows boolean;
  fits_all boolean;
  is_known boolean;
  -- A record of a purchase that nobody has.
  is_new boolean;
  changed boolean;
  outcome text;
  -- By how much the purchase changes the sums of the windows that count it.
  difference bigint;
  -- Holds that the command found expired, as JSON.
  expired_list text[];
  expired text;
BEGIN
  FOR c IN
    SELECT b.*, coalesce(b.owner, b.subject) COLLATE "C" AS holder,
        windows_[b.list]::text[] AS windows,
        a.next_expiry, a.last_at, a.windows::text[] AS known_windows, a.sums AS known_sums,
        (SELECT q.subject FROM purchases q WHERE q.id = b.id) AS buyer
      FROM unnest(verb_, id_, at_, subject_, amount_, list_, in_all_windows_, repeated_id_,
          request_, currency_, app_, category_, expires_at_, reconcile_, basis_, refund_, restores_,
          total_, processor_, processor_ref_, owners)
        WITH ORDINALITY AS b (verb, id, at, subject, amount, list, in_all_windows, repeated_id,
          request, currency, app, category, expires_at, reconcile, basis, refund, restores, total,
          processor, processor_ref, owner, n)
        LEFT JOIN accounts a ON a.subject = coalesce(b.owner, b.subject)
      WHERE NOT b.n = ANY (done)
      ORDER BY holder, b.n
  LOOP
    -- Nobody has the purchase.
    IF c.holder IS NULL THEN
      replies[c.n] := CASE c.verb WHEN 'get' THEN '{"purchase":null,"expired":[]}'
        ELSE '{"outcome":"not_found","expired":[]}' END;
      CONTINUE;
    END IF;
    -- The subject has bought nothing, neither before nor in this batch.
    IF c.verb = 'usage' AND c.owner IS NULL AND current IS DISTINCT FROM c.holder THEN
      replies[c.n] := json_build_object(
        'used', array_fill(0, ARRAY[cardinality(c.windows)]), 'expired', '[]'::json)::text;
      CONTINUE;
    END IF;

    -- The next subject.
    IF current IS DISTINCT FROM c.holder THEN
      IF changed_account THEN
        UPDATE accounts a SET next_expiry = own_expiry, last_at = own_last_at,
            windows = own_windows::text, sums = own_sums
          WHERE a.subject = current;
      END IF;
      current := c.holder;
      own_windows := c.known_windows;
      own_sums := c.known_sums;
      own_expiry := c.next_expiry;
      own_last_at := c.last_at;
      changed_account := false;
    END IF;

    -- A reserve of the account's own windows needs the account only. All else may read purchases.
    IF cardinality(held) > 0 AND (c.repeated_id OR c.at >= own_expiry
      OR c.verb NOT IN ('reserve', 'usage') OR own_windows <> c.windows)
    THEN
      PERFORM insert_purchases(held, amount_, at_, expires_at_, reconcile_, id_, subject_,
        currency_, app_, category_, request_, basis_, processor_, processor_ref_,
        texts_);
      held := '{}';
    END IF;

    -- An earlier command of this batch may have made the purchase.
    IF c.buyer IS NULL AND c.repeated_id THEN
      SELECT q.subject INTO c.buyer FROM purchases q WHERE q.id = c.id;
    END IF;
    -- Nobody has it, or another subject made it after the owners were looked up.
    IF c.verb NOT IN ('reserve', 'record', 'usage') AND c.buyer IS DISTINCT FROM c.holder THEN
      replies[c.n] := CASE c.verb WHEN 'get' THEN '{"purchase":null,"expired":[]}'
        ELSE '{"outcome":"not_found","expired":[]}' END;
      CONTINUE;
    END IF;

    -- Holds that have expired end before the command, so that no sweeper is needed.
    expired := '';
    IF c.at >= own_expiry THEN
      -- A list, since a text that grows is copied each time.
      expired_list := '{}';
      -- A hold that expires then was made at most this long before.
      seek_from := own_expiry - max_hold_ms;
      FOR p IN
        WITH ended AS (
          UPDATE purchases q SET state = 'expired'
            WHERE q.subject = current AND q.reserved_at >= seek_from AND q.state = 'reserved'
              AND NOT q.reconcile AND q.expires_at <= c.at
            RETURNING *
        ), logged AS (
          INSERT INTO entries (at, amount, kind, purchase, subject)
            SELECT c.at, e.amount, 'expired', e.id, current FROM ended e
              ORDER BY e.reserved_at, e.id
        )
        SELECT * FROM ended ORDER BY ended.reserved_at, ended.id
      LOOP
        expired_list := expired_list || purchase_json(p);
        FOR i IN 1 .. cardinality(own_sums) LOOP
          w := own_windows[i]::jsonb;
          IF selects(w, p.currency, p.app, p.category, p.reserved_at) THEN
            own_sums[i] := own_sums[i] - p.amount;
          END IF;
        END LOOP;
      END LOOP;
      expired := array_to_string(expired_list, ',');
      SELECT coalesce(min(q.expires_at), forever) INTO own_expiry FROM purchases q
        WHERE q.subject = current AND q.reserved_at >= seek_from AND q.state = 'reserved'
          AND NOT q.reconcile;
      changed_account := true;
    END IF;

    -- The usage of each window. A window without a sum is summed from the purchases, once.
    is_new := c.verb = 'record' AND c.buyer IS NULL;
    IF c.verb IN ('reserve', 'usage') OR is_new THEN
      same_windows := own_windows = c.windows;
      IF same_windows THEN
        used := own_sums;
      ELSE
        used := '{}';
        FOR j IN 1 .. cardinality(c.windows) LOOP
          place := array_position(own_windows, c.windows[j]);
          total := own_sums[place];
          IF total IS NULL THEN
            w := c.windows[j]::jsonb;
            seek_from := (w->0)::bigint;
            seek_to := (w->1)::bigint;
            total := 0;
            IF seek_from <= own_last_at THEN
              SELECT least(coalesce(sum(CASE q.state WHEN 'reserved' THEN q.amount
                  WHEN 'committed' THEN q.committed - q.restored ELSE 0 END), 0),
                  max_safe + 1)::bigint
                INTO total FROM purchases q
                WHERE q.subject = current AND q.reserved_at >= seek_from
                  AND q.reserved_at < seek_to
                  AND selects(w, q.currency, q.app, q.category, q.reserved_at);
            END IF;
          END IF;
          -- An unsafe sum would bar every change of what it counts, so it is not kept.
          IF place IS NULL AND total <= max_safe AND cardinality(own_sums) < max_windows THEN
            own_windows := own_windows || c.windows[j];
            own_sums := own_sums || total;
            changed_account := true;
          END IF;
          used := used || total;
        END LOOP;
        same_windows := own_windows = c.windows;
      END IF;
    END IF;

    IF c.verb = 'usage' THEN
      replies[c.n] := '{"used":' || array_to_json(used) || ',"expired":[' || expired || ']}';
      CONTINUE;
    END IF;

    IF c.verb = 'reserve' THEN
      IF c.buyer IS NOT NULL THEN
        SELECT * INTO p FROM purchases q WHERE q.id = c.id;
        IF p.subject = current AND p.request = texts_[c.request] THEN
          replies[c.n] := '{"outcome":"held","purchase":' || purchase_json(p)
            || ',"replayed":true,"used":' || array_to_json(used)
            || ',"expired":[' || expired || ']}';
        ELSE
          replies[c.n] := '{"outcome":"conflict","expired":[' || expired || ']}';
        END IF;
        CONTINUE;
      END IF;
      fits_all := true;
      FOR i IN 1 .. cardinality(used) LOOP
        fits_all := fits_all AND used[i] + c.amount <= caps_[first_[c.list] + i];
      END LOOP;
      IF NOT fits_all THEN
        replies[c.n] := '{"outcome":"refused","used":' || array_to_json(used)
          || ',"expired":[' || expired || ']}';
        CONTINUE;
      END IF;
      IF same_windows AND c.in_all_windows THEN
        -- None of them has ended, and a cap is a safe integer, so no sum becomes unsafe.
        FOR i IN 1 .. cardinality(own_sums) LOOP
          own_sums[i] := own_sums[i] + c.amount;
        END LOOP;
      ELSE
        outcome := 'held';
        FOR i IN 1 .. cardinality(own_sums) LOOP
          w := own_windows[i]::jsonb;
          IF own_sums[i] > max_safe - c.amount
            AND selects(w, c.currency, c.app, c.category, c.at)
          THEN
            outcome := 'unsafe';
          END IF;
        END LOOP;
        IF outcome = 'unsafe' THEN
          replies[c.n] := '{"error":"invalid_amount"}';
          CONTINUE;
        END IF;
        -- Windows that have ended are dropped: if one is requested again, it is summed again.
        place := 0;
        FOR i IN 1 .. cardinality(own_sums) LOOP
          w := own_windows[i]::jsonb;
          CONTINUE WHEN (w->1)::bigint <= c.at;
          place := place + 1;
          own_windows[place] := own_windows[i];
          own_sums[place] := own_sums[i];
          IF selects(w, c.currency, c.app, c.category, c.at) THEN
            own_sums[place] := own_sums[place] + c.amount;
          END IF;
        END LOOP;
        own_windows := own_windows[1:place];
        own_sums := own_sums[1:place];
      END IF;
      own_last_at := greatest(own_last_at, c.at);
      IF NOT c.reconcile THEN
        own_expiry := least(own_expiry, c.expires_at);
      END IF;
      changed_account := true;
      held := held || c.n::int;
      FOR i IN 1 .. cardinality(used) LOOP
        used[i] := used[i] + c.amount;
      END LOOP;
      replies[c.n] := CASE expired WHEN '' THEN array_to_json(used)::text
        ELSE '{"outcome":"fresh","used":' || array_to_json(used)
          || ',"expired":[' || expired || ']}' END;
      CONTINUE;
    END IF;

    -- The verbs of one purchase.
    SELECT * INTO p FROM purchases q WHERE q.id = c.id;
    IF c.verb = 'get' THEN
      replies[c.n] := '{"purchase":' || purchase_json(p) || ',"expired":[' || expired || ']}';
      CONTINUE;
    END IF;
    IF is_new THEN
      -- What was never held is committed below as a hold that has ended: late, past every cap.
      p.id := c.id;
      p.subject := current;
      p.amount := c.amount;
      p.currency := c.currency;
      p.app := c.app;
      p.category := c.category;
      p.processor := c.processor;
      p.processor_ref := c.processor_ref;
      p.request := texts_[c.request];
      p.basis := texts_[c.basis];
      p.reserved_at := c.expires_at;
      p.expires_at := c.expires_at;
      p.reconcile := true;
      p.state := 'released';
      p.committed := 0;
      p.refunded := 0;
      p.restored := 0;
    ELSIF c.verb = 'record' AND (p.subject <> current OR p.currency <> c.currency
      OR p.processor <> c.processor)
    THEN
      replies[c.n] := '{"outcome":"conflict","expired":[' || expired || ']}';
      CONTINUE;
    END IF;
    -- First minus what the purchase counts before the change; what it counts after is added below.
    difference := -CASE p.state WHEN 'reserved' THEN p.amount
      WHEN 'committed' THEN p.committed - p.restored ELSE 0 END;
    outcome := 'done';
    changed := false;
    total := NULL;
    CASE c.verb
    WHEN 'commit', 'record' THEN
      total := coalesce(c.amount, p.amount);
      IF p.state <> 'committed' THEN
        p.late := p.state <> 'reserved';
        p.state := 'committed';
        p.committed := total;
        changed := true;
      ELSIF p.committed <> total THEN
        outcome := 'ended';
      END IF;

    WHEN 'attach' THEN
      IF p.processor IS DISTINCT FROM c.processor OR p.processor_ref <> c.processor_ref THEN
        outcome := 'conflict';
      ELSIF p.processor_ref IS NULL THEN
        p.processor_ref := c.processor_ref;
        changed := true;
      END IF;

    WHEN 'release' THEN
      total := p.amount;
      IF p.state = 'committed' THEN
        outcome := 'ended';
      ELSIF p.state = 'reserved' THEN
        p.state := 'released';
        changed := true;
      END IF;

    WHEN 'refund' THEN
      SELECT * INTO r FROM refunds q WHERE q.purchase = c.id AND q.id = c.refund;
      is_known := FOUND;
      -- What this call adds: a total only grows. Of a refund that is not known, \`r\` is all null.
      total := coalesce(c.total - coalesce(r.amount, 0), c.amount, p.committed - p.refunded);
      IF is_known AND (c.total IS NULL OR r.reversed OR total <= 0) THEN
        IF c.amount <> r.amount THEN
          outcome := 'conflict';
        END IF;
      ELSIF p.state <> 'committed' THEN
        outcome := 'not_committed';
      ELSIF total > p.committed - p.refunded OR total = 0 THEN
        outcome := 'exceeds';
      ELSE
        r := ROW(c.id, c.refund, coalesce(r.amount, 0) + total,
          coalesce(r.restored, 0) + CASE WHEN c.restores THEN total ELSE 0 END, false);
        p.refunded := p.refunded + total;
        p.restored := p.restored + CASE WHEN c.restores THEN total ELSE 0 END;
        changed := true;
      END IF;

    WHEN 'reverseRefund' THEN
      SELECT * INTO r FROM refunds q WHERE q.purchase = c.id AND q.id = c.refund;
      is_known := FOUND;
      IF NOT is_known THEN
        -- It came before its refund, which must then change nothing.
        INSERT INTO refunds (purchase, id, amount, restored, reversed)
          VALUES (c.id, c.refund, NULL, 0, true);
        INSERT INTO entries (at, amount, kind, purchase, subject, refund)
          VALUES (c.at, 0, 'refund_reversed', c.id, current, c.refund);
      ELSIF NOT r.reversed THEN
        total := r.amount;
        p.refunded := p.refunded - r.amount;
        p.restored := p.restored - r.restored;
        r.reversed := true;
        changed := true;
      END IF;
    END CASE;

    IF changed AND c.verb = 'attach' THEN
      -- No state changes, and so no sum and no hold that waits to be settled.
      UPDATE purchases q SET processor_ref = p.processor_ref WHERE q.id = p.id;
    ELSIF changed THEN
      difference := difference
        + CASE p.state WHEN 'committed' THEN p.committed - p.restored ELSE 0 END;
      FOR i IN 1 .. cardinality(own_sums) LOOP
        w := own_windows[i]::jsonb;
        IF own_sums[i] > max_safe - difference
          AND selects(w, p.currency, p.app, p.category, p.reserved_at)
        THEN
          outcome := 'unsafe';
        END IF;
      END LOOP;
      IF outcome = 'unsafe' THEN
        replies[c.n] := '{"error":"invalid_amount"}';
        CONTINUE;
      END IF;
      IF difference <> 0 THEN
        FOR i IN 1 .. cardinality(own_sums) LOOP
          w := own_windows[i]::jsonb;
          IF selects(w, p.currency, p.app, p.category, p.reserved_at) THEN
            own_sums[i] := own_sums[i] + difference;
            changed_account := true;
          END IF;
        END LOOP;
      END IF;
      IF is_new THEN
        INSERT INTO purchases VALUES (p.*);
        own_last_at := greatest(own_last_at, p.reserved_at);
        -- Also where no sum counts it: without that time, a window would be taken for empty.
        changed_account := true;
      ELSE
        UPDATE purchases q SET state = p.state, committed = p.committed, refunded = p.refunded,
            restored = p.restored, late = p.late
          WHERE q.id = p.id;
      END IF;
      IF c.verb IN ('refund', 'reverseRefund') THEN
        INSERT INTO refunds (purchase, id, amount, restored, reversed) VALUES (r.*)
          ON CONFLICT (purchase, id) DO UPDATE SET amount = excluded.amount,
            restored = excluded.restored, reversed = excluded.reversed;
      ELSIF p.reconcile AND NOT is_new THEN
        DELETE FROM unsettled u WHERE u.expires_at = p.expires_at AND u.purchase = p.id;
      END IF;
      INSERT INTO entries (at, amount, kind, purchase, subject, refund, basis)
        VALUES (c.at, total, CASE
            WHEN is_new THEN 'recorded'
            WHEN c.verb = 'release' THEN 'released'
            WHEN c.verb = 'refund' THEN 'refunded'
            WHEN c.verb = 'reverseRefund' THEN 'refund_reversed'
            WHEN p.late THEN 'committed_late'
            ELSE 'committed' END,
          p.id, current, c.refund, CASE WHEN is_new THEN p.basis END);
    END IF;
    replies[c.n] := '{"outcome":"' || outcome || '","purchase":' || purchase_json(p)
      || CASE outcome WHEN 'done' THEN ',"changed":' || changed::text ELSE '' END
      || ',"expired":[' || expired || ']}';
  END LOOP;

  IF changed_account THEN
    UPDATE accounts a SET next_expiry = own_expiry, last_at = own_last_at,
        windows = own_windows::text, sums = own_sums
      WHERE a.subject = current;
  END IF;
  IF cardinality(held) > 0 THEN
    PERFORM insert_purchases(held, amount_, at_, expires_at_, reconcile_, id_, subject_,
      currency_, app_, category_, request_, basis_, processor_, processor_ref_,
      texts_);
  END IF;
  RETURN replies;
END $body$;
`;
