/** True if a window counts a purchase: `selects` of `ledger/account.ts`. */
const SELECTS = `
CREATE FUNCTION selects(w jsonb, currency text, app text, category text, reserved_at bigint)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $body$
  SELECT (w->>0)::bigint <= reserved_at AND reserved_at < (w->>1)::bigint AND w->>2 = currency
    AND (w->3 = 'null' OR w->>3 = app) AND (w->4 = 'null' OR w->4 ? category)
$body$;
`;

/**
 * True if an amount fits beside all sums, under the caps that come after the `first` so many. False
 * for more than four windows, which the slow path does. Unrolled, so that the planner can inline
 * it.
 */
const FITS = `
CREATE FUNCTION fits(sums bigint[], amount bigint, caps bigint[], first int)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $body$
  SELECT CASE cardinality(sums) WHEN 0 THEN true
    WHEN 1 THEN sums[1] + amount <= caps[first + 1]
    WHEN 2 THEN sums[1] + amount <= caps[first + 1] AND sums[2] + amount <= caps[first + 2]
    WHEN 3 THEN sums[1] + amount <= caps[first + 1] AND sums[2] + amount <= caps[first + 2]
      AND sums[3] + amount <= caps[first + 3]
    WHEN 4 THEN sums[1] + amount <= caps[first + 1] AND sums[2] + amount <= caps[first + 2]
      AND sums[3] + amount <= caps[first + 3] AND sums[4] + amount <= caps[first + 4]
    ELSE false END
$body$;
`;

/** At most four sums, each with an amount added. Unrolled, so that the planner can inline it. */
const PLUS = `
CREATE FUNCTION plus(sums bigint[], amount bigint)
RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $body$
  SELECT CASE cardinality(sums) WHEN 0 THEN sums
    WHEN 1 THEN ARRAY[sums[1] + amount]
    WHEN 2 THEN ARRAY[sums[1] + amount, sums[2] + amount]
    WHEN 3 THEN ARRAY[sums[1] + amount, sums[2] + amount, sums[3] + amount]
    WHEN 4 THEN ARRAY[sums[1] + amount, sums[2] + amount, sums[3] + amount, sums[4] + amount]
    END
$body$;
`;

/**
 * The sums of the wanted windows, if they are not the account's own, as when a day has ended. A
 * window that the account has keeps its sum, and one that began after the last purchase has none.
 * Null if a sum has to be worked out from the purchases, or if a window of the account that has not
 * ended would be lost.
 */
const ROLLED = `
CREATE FUNCTION rolled(windows text, sums bigint[], last_at bigint, wanted text, at bigint)
RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $body$
DECLARE
  known CONSTANT text[] := windows::text[];
  known_sum bigint;
  result bigint[] := '{}'::bigint[];
  w text;
BEGIN
  FOREACH w IN ARRAY wanted::text[] LOOP
    known_sum := sums[array_position(known, w)];
    IF known_sum IS NULL AND (w::jsonb->0)::bigint <= last_at THEN
      RETURN NULL;
    END IF;
    result := result || coalesce(known_sum, 0);
  END LOOP;
  FOREACH w IN ARRAY known LOOP
    IF (w::jsonb->1)::bigint > at AND w <> ALL (wanted::text[]) THEN
      RETURN NULL;
    END IF;
  END LOOP;
  RETURN result;
END $body$;
`;

/** A purchase as a list, in the order of `PurchaseRow` in `decode.ts`. */
const PURCHASE_JSON = `
CREATE FUNCTION purchase_json(p purchases) RETURNS text LANGUAGE sql STABLE AS $body$
  SELECT json_build_array(p.id, p.request, p.subject, p.amount, p.currency, p.app, p.category,
    p.processor, p.processor_ref, p.reserved_at, p.expires_at, p.reconcile, p.basis, p.state,
    p.committed, p.refunded, p.restored, p.late)::text
$body$;
`;

/** The numbers of commands, from 1, and the reply to each. */
const REPLIES_JSON = `
CREATE FUNCTION replies_json(numbers int[], replies text[]) RETURNS text LANGUAGE sql STABLE
AS $body$
  SELECT '[[' || array_to_string(numbers, ',') || '],['
    || array_to_string(replies, ',', 'null') || ']]'
$body$;
`;

export const HELPERS = SELECTS + FITS + PLUS + ROLLED + PURCHASE_JSON + REPLIES_JSON;
