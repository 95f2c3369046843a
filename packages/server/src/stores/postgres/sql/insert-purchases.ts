/**
 * Writes the purchases of reserves, named by their numbers in the batch, each with its log entry.
 * The other parameters are columns of the batch.
 */
export const INSERT_PURCHASES = `
CREATE FUNCTION insert_purchases(held int[], amount_ bigint[], at_ bigint[], expires_at_ bigint[],
  reconcile_ boolean[], id_ text[], subject_ text[], currency_ text[], app_ text[],
  category_ text[], request_ int[], basis_ int[], processor_ text[], processor_ref_ text[],
  texts_ text[])
RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  WITH bought AS (
    INSERT INTO purchases (amount, reserved_at, expires_at, reconcile, id, subject, currency,
        app, category, request, basis, processor, processor_ref)
      SELECT amount_[n], at_[n], expires_at_[n], reconcile_[n], id_[n], subject_[n],
        currency_[n], app_[n], category_[n], texts_[request_[n]], texts_[basis_[n]],
        processor_[n], processor_ref_[n]
      FROM unnest(held) AS n
  ), waiting AS (
    INSERT INTO unsettled (expires_at, purchase, processor)
      SELECT expires_at_[n], id_[n], processor_[n] FROM unnest(held) AS n WHERE reconcile_[n]
  )
  INSERT INTO entries (at, amount, kind, purchase, subject, basis)
    SELECT at_[n], amount_[n], 'reserved', id_[n], subject_[n], texts_[basis_[n]]
    FROM unnest(held) AS n;
END $body$;
`;
