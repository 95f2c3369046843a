import { SpendcapError } from '@spendcap/core';
import { misconfigured, unavailable } from '../../ledger/store-kit.ts';
import { FROM_THE_FUTURE, WRONG_ISOLATION } from './sql/states.ts';

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';
const UNIQUE_VIOLATION = '23505';
const READ_ONLY = '25006';
export const INSUFFICIENT_PRIVILEGE = '42501';

/** It contains a digit, unlike the code `EPIPE` of a socket. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/** Classes of SQLSTATE about the values of one command: data exception, constraint, limit. */
const DATA_CLASSES = new Set(['22', '23', '54']);

/**
 * Classes of SQLSTATE about how server, role or schema are set up: authorization, no such database,
 * no such schema, access rule or unknown object.
 */
const CONFIGURATION_CLASSES = new Set(['28', '3D', '3F', '42']);

/** The connection or the server ended: a commit may have been in progress. */
const CONNECTION_ENDED = new Set(['57P01', '57P02', '57P05', '40003']);
/** Connection exceptions; PgBouncer reports a lost server connection as 08P01. */
const CONNECTION_CLASS = '08';

/** `pg` reports these before it sends anything. */
const NOT_SENT = new Set([
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
]);

/** OpenSSL's codes for a certificate that is not trusted, and those of Node.js. */
const UNTRUSTED = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

const MIGRATE = 'Run `spendcap migrate` or store.migrate() first.';

/** What the operator has to do, where it is known. */
const ADVICE: Readonly<Record<string, string>> = {
  '28000': 'The database refuses this role. Check the user name and pg_hba.conf.',
  '28P01': 'The database refuses the password of this role.',
  '3D000': 'The database does not exist. Check its name.',
  '3F000': `The schema does not exist. ${MIGRATE}`,
  '42P01': `Tables are missing from the schema. ${MIGRATE}`,
  '42883': `Functions are missing from the schema. ${MIGRATE}`,
  [INSUFFICIENT_PRIVILEGE]:
    'The database role lacks a privilege. Grant it what docs/postgres.md lists.',
  [FROM_THE_FUTURE]:
    'The schema was migrated by a newer version of spendcap. Upgrade this process first.',
  [WRONG_ISOLATION]:
    'The transaction is not READ COMMITTED. Reset default_transaction_isolation for this role.',
};

/** Serialization failure, deadlock or unique violation: rolled back, safe to retry. */
export function isRetryableConflict(cause: unknown): boolean {
  const state = stateOf(cause);
  return state === SERIALIZATION_FAILURE || state === DEADLOCK || state === UNIQUE_VIOLATION;
}

/** Another transaction inserted the same key first. */
export function isUniqueViolation(cause: unknown): boolean {
  return stateOf(cause) === UNIQUE_VIOLATION;
}

/** The values of one command are at fault, not the database. */
export function isDataError(cause: unknown): boolean {
  if (SpendcapError.isInstance(cause)) return cause.code === 'invalid_request';
  return DATA_CLASSES.has(stateOf(cause).slice(0, 2));
}

/** The server takes no writes: a standby, or a setting. */
export function isReadOnly(cause: unknown): boolean {
  return stateOf(cause) === READ_ONLY;
}

/** The server rolled the statement back; it can run the next one on the same connection. */
export function isRolledBack(cause: unknown): boolean {
  const state = stateOf(cause);
  const ended = CONNECTION_ENDED.has(state) || state.startsWith(CONNECTION_CLASS);
  return SQLSTATE.test(state) && !ended && !isFatal(cause);
}

/** FATAL and PANIC end the session, whatever their code. */
function isFatal(cause: unknown): boolean {
  const { severity } = (cause ?? {}) as { readonly severity?: unknown };
  return severity === 'FATAL' || severity === 'PANIC';
}

/** Why no connection was made. Certainly nothing was done. */
export function toConnectError(cause: unknown): SpendcapError {
  if (SpendcapError.isInstance(cause)) return cause;
  const state = stateOf(cause);
  if (isConfiguration(state)) return toMisconfigured(cause);
  if (UNTRUSTED.test(state)) {
    return misconfigured('The certificate of the database is not trusted.', describe(cause));
  }
  // `pg` has no code for a missing password or a server without TLS.
  if (cause instanceof Error && /^SASL: |^The server does not support SSL/.test(cause.message)) {
    const message = 'The login to the database failed. Check password and TLS settings.';
    return misconfigured(message, describe(cause));
  }
  return unavailable('No connection to the database could be made.', describe(cause));
}

/**
 * What a failed statement means to the caller. Unless it certainly did nothing, that is unknown.
 */
export function toSpendcapError(cause: unknown): SpendcapError {
  if (SpendcapError.isInstance(cause)) return cause;
  if (isReadOnly(cause)) {
    return unavailable('The server is read-only. Connect to the primary.', describe(cause));
  }
  if (isConfiguration(stateOf(cause))) return toMisconfigured(cause);
  if (isDataError(cause) && !isRetryableConflict(cause)) {
    const message = 'The database cannot store a value of this call.';
    return new SpendcapError('invalid_request', message, { cause: describe(cause) });
  }
  if (isRolledBack(cause) || (cause instanceof Error && NOT_SENT.has(cause.message))) {
    return unavailable('The database cannot serve this call now.', describe(cause));
  }
  const message = 'The connection ended before the reply. Retry.';
  return new SpendcapError('outcome_unknown', message, { cause: describe(cause) });
}

function isConfiguration(state: string): boolean {
  return (
    Object.hasOwn(ADVICE, state) ||
    (SQLSTATE.test(state) && CONFIGURATION_CLASSES.has(state.slice(0, 2)))
  );
}

function toMisconfigured(cause: unknown): SpendcapError {
  const advice = ADVICE[stateOf(cause)] ?? `The schema is not as migrated. ${MIGRATE}`;
  return misconfigured(advice, describe(cause));
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
