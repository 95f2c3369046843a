/** SQLSTATEs of our own: the transaction is not READ COMMITTED. */
export const WRONG_ISOLATION = 'SC001';
/** The schema was migrated by a newer version. */
export const FROM_THE_FUTURE = 'SC002';
