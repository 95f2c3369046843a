import { assertOptions, type OptionNames, SpendcapError } from '@spendcap/core';
import type { JWTVerifyGetKey } from 'jose';
import { assertAlgorithms } from '../../jwt/algorithms.ts';
import { certificateChains } from '../../jwt/certificate-chain.ts';
import { type JwkSet, keySet } from '../../jwt/key-set.ts';
import { statusLists } from '../../jwt/status-list.ts';
import { ageEvidenceInvalid } from './evidence-fault.ts';
import { chainOf } from './signer-key.ts';

/**
 * Checks the status of a document: an entry `{ status_list: { uri, idx } }` of a Token Status List.
 * `unknown` is a status that cannot be looked up. It rejects with `age_source_unavailable` if a
 * list cannot be read.
 */
export type StatusCheck = (
  status: unknown,
  context: { readonly at: number },
) => Promise<'valid' | 'revoked' | 'unknown'>;

/** Whose status lists are read, and what verifies them: `jwks`, or a chain to one of `roots`. */
export interface StatusListSigner {
  /** The address that every list equals or is below (https). */
  readonly lists: URL;
  readonly jwks?: URL | JwkSet;
  /** Pinned certificates, PEM. */
  readonly roots?: readonly string[];
  /** Default `['ES256']`. */
  readonly algorithms?: readonly string[];
  /** Seconds after its `ttl` for which a list that cannot be reloaded is used. Default 300. */
  readonly staleSeconds?: number;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Epoch milliseconds, for the dates of certificates. Default `Date.now`. */
  readonly now?: () => number;
}

const STATUS_LIST_CHECK_OPTIONS: OptionNames<StatusListSigner> = {
  lists: true,
  jwks: true,
  roots: true,
  algorithms: true,
  staleSeconds: true,
  fetch: true,
  now: true,
};

/**
 * Checks statuses in signed lists (OAuth Token Status List, JWT form), which are fetched below the
 * configured address only, whatever a document names, and cached for their `ttl`.
 *
 * @throws TypeError for options that can never work
 * @example
 * ```ts
 * import { statusListCheck } from '@spendcap/server/age/sources';
 * const check = statusListCheck({
 *   lists: new URL('https://pid.example/status'),
 *   jwks: new URL('https://pid.example/jwks.json'),
 * });
 * const elsewhere = { status_list: { uri: 'https://evil.example/status/1', idx: 7 } };
 * await check(elsewhere, { at: Date.now() }); // => 'unknown'
 * ```
 */
export function statusListCheck(signer: StatusListSigner): StatusCheck {
  assertOptions('statusListCheck', signer, STATUS_LIST_CHECK_OPTIONS);
  const { lists, algorithms = ['ES256'], staleSeconds = 300, fetch } = signer;
  const check = statusLists({
    lists,
    keys: keysOf(signer),
    algorithms: assertAlgorithms(algorithms),
    toleranceSeconds: 5,
    staleSeconds,
    fetch,
  });
  return async (status, { at }) => {
    try {
      const fault = await check(status, at);
      if (fault === null) return 'valid';
      return fault === 'revoked' ? 'revoked' : 'unknown';
    } catch (cause) {
      const message = 'A status list could not be read.';
      throw new SpendcapError('age_source_unavailable', message, { cause });
    }
  };
}

function keysOf(signer: StatusListSigner): JWTVerifyGetKey {
  const { jwks, roots, fetch, now = Date.now } = signer;
  if ((jwks === undefined) === (roots === undefined)) {
    throw new TypeError('a status list signer needs either jwks or roots');
  }
  if (jwks !== undefined) return keySet(jwks, { code: 'age_source_unavailable', fetch });
  const trusted = certificateChains({ roots: roots ?? [] });
  return ({ x5c }) => {
    const chain = chainOf(x5c);
    const key = chain === null ? undefined : trusted(chain, now())?.publicKey;
    if (key === undefined) throw new Error('not signed under a pinned root');
    return key;
  };
}

/**
 * Requires that a document with a status is valid. One without a status cannot be revoked.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `status_unchecked` or `revoked`
 */
export async function demandValid(
  status: unknown,
  check: StatusCheck | undefined,
  at: number,
): Promise<void> {
  if (status === undefined) return;
  const answer = check === undefined ? 'unknown' : await answerOf(check, { status, at });
  if (answer === 'valid') return;
  throw ageEvidenceInvalid(answer === 'revoked' ? 'revoked' : 'status_unchecked');
}

interface CheckedStatus {
  readonly status: unknown;
  readonly at: number;
}

/** @throws SpendcapError `age_source_unavailable` if the check fails, without its cause */
async function answerOf(check: StatusCheck, { status, at }: CheckedStatus): Promise<unknown> {
  try {
    return await check(status, { at });
  } catch (error) {
    if (SpendcapError.isInstance(error)) throw error;
    throw new SpendcapError('age_source_unavailable', 'The status could not be checked.');
  }
}
