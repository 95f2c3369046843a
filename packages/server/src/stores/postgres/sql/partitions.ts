/** Months of the entry log that are made ahead, beside the one that is. */
const MONTHS_AHEAD = 12;

/**
 * The part of a migration that makes the partitions of the entry log for this month and the coming
 * ones, in UTC. A month that has begun without one keeps its entries in `entries_other`, where all
 * go that have no month: that none is missing matters to nobody but who wants to drop it.
 */
export const MAKE_MONTHS = `
      FOR month IN SELECT generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),
        date_trunc('month', now() AT TIME ZONE 'UTC') + interval '${MONTHS_AHEAD} months', '1 month')
      LOOP
        name := to_char(month, '"entries_"YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        first := extract(epoch FROM month) * 1000;
        last := extract(epoch FROM month + interval '1 month') * 1000;
        LOCK TABLE entries_other IN ACCESS EXCLUSIVE MODE;
        SELECT EXISTS (SELECT FROM entries_other WHERE at >= first AND at < last) INTO strays;
        CONTINUE WHEN strays;
        EXECUTE format('CREATE TABLE %I (LIKE entries INCLUDING DEFAULTS)', name);
        EXECUTE format('ALTER TABLE entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
          name, first, last);
      END LOOP;`;
