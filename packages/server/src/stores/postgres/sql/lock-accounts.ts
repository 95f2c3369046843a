/**
 * Locks the accounts of subjects and makes those that are missing, both in the order of the
 * subject. Returns false if another transaction has one locked and `may_wait` is false. It always
 * waits for a transaction that is making one of them.
 */
export const LOCK_ACCOUNTS = `
CREATE FUNCTION lock_accounts(owners text[], may_wait boolean) RETURNS boolean LANGUAGE plpgsql
AS $body$
DECLARE
  found_count bigint;
  wanted_count bigint;
  made_count bigint;
BEGIN
  IF may_wait THEN
    SELECT count(*) INTO found_count FROM (
      SELECT FROM accounts a WHERE a.subject = ANY (owners) ORDER BY a.subject FOR UPDATE
    ) AS locked;
  ELSE
    SELECT count(*) INTO found_count FROM (
      SELECT FROM accounts a WHERE a.subject = ANY (owners) FOR UPDATE SKIP LOCKED
    ) AS locked;
  END IF;
  IF found_count = cardinality(owners) THEN
    RETURN true;
  END IF;

  -- An owner may be repeated, be null, or have no account.
  SELECT count(DISTINCT o) INTO wanted_count FROM unnest(owners) AS o;
  INSERT INTO accounts (subject, windows, next_expiry, last_at, sums)
    SELECT DISTINCT o COLLATE "C" AS subject, '{}', 0, -1, '{}'::bigint[]
      FROM unnest(owners) AS o
      WHERE found_count < wanted_count AND o IS NOT NULL
        AND NOT EXISTS (SELECT FROM accounts a WHERE a.subject = o)
      ORDER BY subject
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS made_count = ROW_COUNT;
  IF found_count + made_count < wanted_count AND may_wait THEN
    -- Another transaction made one meanwhile. To lock it now would break the order of locks.
    RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'an account was made meanwhile';
  END IF;

  IF made_count > 0 THEN
    -- An account that was deleted may have purchases. It is locked now, so none is missed.
    UPDATE accounts a SET last_at = q.last_at FROM unnest(owners) AS o, LATERAL (
        SELECT max(p.reserved_at) AS last_at FROM purchases p WHERE p.subject = o
      ) AS q
      WHERE a.subject = o AND a.last_at = -1 AND q.last_at IS NOT NULL;
  END IF;
  RETURN found_count + made_count = wanted_count;
END $body$;
`;
