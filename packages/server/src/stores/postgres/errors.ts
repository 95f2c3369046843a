import { SpendcapError, type SpendcapErrorCode } from '@spendcap/core';
import { FROM_THE_FUTURE, WRONG_ISOLATION } from './sql/schema.ts';

/** Another transaction was in the way; nothing was done, and the same again may pass. */
const IN_THE_WAY = new Set(['40001', '40P01', '23505']);
/** Classes of SQLSTATE that speak of one command's values, not of the database. */
const OF_ONE_COMMAND = new Set(['22', '23', '54']);
/** The connection or the server ended: a commit may have been on its way. */
const CONNECTION_ENDED = new Set(['57P01', '57P02', '57P05', '08003', '08006', '08007', '40003']);
/** No connection was made, so nothing was sent. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENOENT']);
const NO_CONNECTION_IN_TIME = 'timeout exceeded when trying to connect';
const POOL_ENDED = 'Cannot use a pool after calling end on the pool';

const MIGRATE = 'Run `spendcap migrate` or store.migrate() first.';
/** What the operator has to do, where it is known. */
const ADVICE: Readonly<Record<string, string>> = {
  '3F000': `The schema does not exist. ${MIGRATE}`,
  '42P01': `Tables are missing from the schema. ${MIGRATE}`,
  '42883': `Functions are missing from the schema. ${MIGRATE}`,
  '42501': 'The database role may not use the schema. Grant it what docs/postgres.md names.',
  '25006': 'The server is read-only. Connect to the primary.',
  [FROM_THE_FUTURE]:
    'The schema was migrated by a newer version of spendcap. Upgrade this process first.',
  [WRONG_ISOLATION]:
    'The transaction is not READ COMMITTED. Set default_transaction_isolation back for this role.',
};

/** An id was taken while the statement waited; it was undone. */
export function isTaken(cause: unknown): boolean {
  return stateOf(cause) === '23505';
}

export function isInTheWay(cause: unknown): boolean {
  return IN_THE_WAY.has(stateOf(cause));
}

export function isOfOneCommand(cause: unknown): boolean {
  return OF_ONE_COMMAND.has(stateOf(cause).slice(0, 2));
}

/**
 * What a failed statement means to the caller. Unless it is certain that it did not run, its
 * outcome is unknown.
 */
export function toSpendcapError(cause: unknown): SpendcapError {
  if (SpendcapError.isInstance(cause)) return cause;
  const state = stateOf(cause);
  const advice = ADVICE[state];
  if (advice !== undefined) return error('store_unavailable', advice, cause);
  if (isOfOneCommand(cause)) {
    return error('invalid_request', 'The database cannot keep a value of this call.', cause);
  }
  if (NOT_CONNECTED.has(state) || isBeforeSending(cause)) {
    return error('store_unavailable', 'No connection to the database could be made.', cause);
  }
  // An error with a SQLSTATE was told by a server that has undone the transaction.
  if (/^[0-9A-Z]{5}$/.test(state) && !CONNECTION_ENDED.has(state)) {
    return error('store_unavailable', 'The database cannot serve this call now.', cause);
  }
  return error('outcome_unknown', 'The connection ended before the answer came. Retry.', cause);
}

function isBeforeSending(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    (cause.message === NO_CONNECTION_IN_TIME || cause.message === POOL_ENDED)
  );
}

function error(code: SpendcapErrorCode, message: string, cause: unknown): SpendcapError {
  return new SpendcapError(code, message, { cause: describe(cause) });
}

/** Only the code of a driver's error: its message and detail may quote what was sent. */
function describe(cause: unknown): string {
  const state = stateOf(cause);
  if (state !== '') return state;
  return cause instanceof Error ? cause.name : 'unknown';
}

function stateOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return '';
  return String(cause.code);
}
