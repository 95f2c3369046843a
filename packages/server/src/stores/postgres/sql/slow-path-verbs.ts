/**
 * The verbs inside the loop of `one_by_one`, whose variables they use: `c` is the command, whose
 * subject's account is at hand and whose holds that were over have ended (`expired` tells of them as
 * JSON).
 */

/** What `reserve` of `ledger.ts` does, once `used` is known, and who has bought with its id. */
export const RESERVE = `
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
      room := true;
      FOR i IN 1 .. cardinality(used) LOOP
        room := room AND used[i] + c.amount <= caps_[first_[c.list] + i];
      END LOOP;
      IF NOT room THEN
        replies[c.n] := '{"outcome":"refused","used":' || array_to_json(used)
          || ',"expired":[' || expired || ']}';
        CONTINUE;
      END IF;
      IF same AND c.counted THEN
        -- All are its own, so that none is over, and none overflows that has room.
        FOR i IN 1 .. cardinality(sums) LOOP
          sums[i] := sums[i] + c.amount;
        END LOOP;
      ELSE
        weight := c.amount;
        FOR i IN 1 .. cardinality(sums) LOOP
          w := windows[i];
          IF sums[i] > max_safe - c.amount
            AND selects(w, c.currency, c.app, c.category, c.at)
          THEN
            weight := NULL;
            EXIT;
          END IF;
        END LOOP;
        IF weight IS NULL THEN
          replies[c.n] := '{"error":"invalid_amount"}';
          CONTINUE;
        END IF;
        place := 0;
        FOR i IN 1 .. cardinality(sums) LOOP
          w := windows[i];
          CONTINUE WHEN (w->1)::bigint <= c.at;
          place := place + 1;
          windows[place] := windows[i];
          sums[place] := sums[i];
          IF selects(w, c.currency, c.app, c.category, c.at) THEN
            sums[place] := sums[place] + c.amount;
          END IF;
        END LOOP;
        windows := windows[1:place];
        sums := sums[1:place];
      END IF;
      IF NOT c.reconcile THEN
        expiry := least(expiry, c.expires_at);
      END IF;
      last_at := greatest(last_at, c.at);
      dirty := true;
      fresh := fresh || c.n::int;
      FOR i IN 1 .. cardinality(used) LOOP
        used[i] := used[i] + c.amount;
      END LOOP;
      replies[c.n] := CASE expired WHEN '' THEN array_to_json(used)::text
        ELSE '{"outcome":"fresh","used":' || array_to_json(used)
          || ',"expired":[' || expired || ']}' END;`;

/** What `get`, `commit`, `release`, `refund` and `reverseRefund` of `ledger.ts` do. */
export const SETTLE = `
      SELECT * INTO p FROM purchases q WHERE q.id = c.id;
      IF c.verb = 'get' THEN
        replies[c.n] := '{"purchase":' || purchase_json(p) || ',"expired":[' || expired || ']}';
        CONTINUE;
      END IF;
      -- What the purchase takes from its windows: what it is, then by how much it changes.
      weight := CASE p.state WHEN 'reserved' THEN p.amount
        WHEN 'committed' THEN p.committed - p.restored ELSE 0 END;
      outcome := 'done';
      changed := false;
      total := NULL;
      IF c.verb = 'commit' THEN
        total := coalesce(c.amount, p.amount);
        IF p.state <> 'committed' THEN
          p.late := p.state <> 'reserved';
          p.state := 'committed';
          p.committed := total;
          changed := true;
        ELSIF p.committed <> total THEN
          outcome := 'ended';
        END IF;
      ELSIF c.verb = 'release' THEN
        total := p.amount;
        IF p.state = 'committed' THEN
          outcome := 'ended';
        ELSIF p.state = 'reserved' THEN
          p.state := 'released';
          changed := true;
        END IF;
      ELSE
        SELECT * INTO r FROM refunds q WHERE q.purchase = c.id AND q.id = c.refund;
        known := FOUND;
        IF c.verb = 'refund' THEN
          total := coalesce(c.amount, p.committed - p.refunded);
          IF known THEN
            IF c.amount <> r.amount THEN
              outcome := 'conflict';
            END IF;
          ELSIF p.state <> 'committed' THEN
            outcome := 'not_committed';
          ELSIF total > p.committed - p.refunded OR total = 0 THEN
            outcome := 'exceeds';
          ELSE
            p.refunded := p.refunded + total;
            r := ROW(c.id, c.refund, total, CASE WHEN c.restores THEN total ELSE 0 END, false);
            p.restored := p.restored + r.restored;
            changed := true;
          END IF;
        ELSIF NOT known THEN
          -- Its refund has yet to be told of, and must then change nothing.
          INSERT INTO refunds VALUES (c.id, c.refund, NULL, 0, true);
          log := log
            || ROW(NULL, c.at, 0, 'refund_reversed', c.id, current, c.refund, NULL)::entries;
        ELSIF NOT r.reversed THEN
          total := r.amount;
          p.refunded := p.refunded - r.amount;
          p.restored := p.restored - r.restored;
          r.reversed := true;
          changed := true;
        END IF;
      END IF;

      IF changed THEN
        weight := CASE p.state WHEN 'committed' THEN p.committed - p.restored ELSE 0 END - weight;
        IF weight <> 0 THEN
          FOR i IN 1 .. cardinality(sums) LOOP
            w := windows[i];
            IF sums[i] > max_safe - weight
              AND selects(w, p.currency, p.app, p.category, p.reserved_at)
            THEN
              outcome := NULL;
            END IF;
          END LOOP;
          IF outcome IS NULL THEN
            replies[c.n] := '{"error":"invalid_amount"}';
            CONTINUE;
          END IF;
          FOR i IN 1 .. cardinality(sums) LOOP
            w := windows[i];
            IF selects(w, p.currency, p.app, p.category, p.reserved_at) THEN
              sums[i] := sums[i] + weight;
              dirty := true;
            END IF;
          END LOOP;
        END IF;
        UPDATE purchases q SET state = p.state, committed = p.committed, refunded = p.refunded,
          restored = p.restored, late = p.late WHERE q.id = p.id;
        IF p.reconcile AND c.verb IN ('commit', 'release') THEN
          DELETE FROM unsettled u WHERE u.expires_at = p.expires_at AND u.purchase = p.id;
        ELSIF c.verb IN ('refund', 'reverseRefund') THEN
          INSERT INTO refunds VALUES (r.*)
            ON CONFLICT (purchase, id) DO UPDATE SET reversed = excluded.reversed;
        END IF;
        log := log || ROW(NULL, c.at, total, CASE c.verb
            WHEN 'commit' THEN CASE WHEN p.late THEN 'committed_late' ELSE 'committed' END
            WHEN 'release' THEN 'released' WHEN 'refund' THEN 'refunded'
            ELSE 'refund_reversed' END,
          p.id, current, c.refund, NULL)::entries;
      END IF;
      replies[c.n] := '{"outcome":"' || outcome || '","purchase":' || purchase_json(p)
        || CASE outcome WHEN 'done' THEN ',"changed":' || changed::text ELSE '' END
        || ',"expired":[' || expired || ']}';`;
