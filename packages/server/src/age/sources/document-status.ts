import { SpendcapError } from '@spendcap/core';
import { certificateChains } from '../../jwt/certificate-chain.ts';
import type { KeyFinder } from '../../jwt/jws.ts';
import { type JwkSet, keySet } from '../../jwt/key-set.ts';
import { statusLists } from '../../jwt/status-list.ts';
import { assertAlgorithms } from '../../jwt/verify-key.ts';
import { ageEvidenceInvalid } from './evidence-fault.ts';
import { chainOf } from './signer-key.ts';

/**
 * Asks for the status of a document: an entry `{ status_list: { uri, idx } }` of a Token Status List.
 * `unknown` is a status that cannot be looked up. It rejects with `age_source_unavailable` if a list
 * cannot be read.
 */
export type StatusCheck = (
  status: unknown,
  asked: { readonly at: number },
) => Promise<'valid' | 'revoked' | 'unknown'>;

/** Whose status lists are read, and how they are signed: by `jwks`, or by a chain to one of `roots`. */
export interface StatusListSigner {
  /** The address that every list equals or lies below (https). */
  readonly lists: URL;
  readonly jwks?: URL | JwkSet;
  /** Pinned certificates, PEM. */
  readonly roots?: readonly string[];
  /** Default `['ES256']`. */
  readonly algorithms?: readonly string[];
  /** For how long beyond its `ttl` a list counts that cannot be read, in seconds. Default 300. */
  readonly staleSeconds?: number;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Epoch milliseconds, for the dates of certificates. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Checks statuses in signed lists (OAuth Token Status List, in its JWT form), which are fetched below the
 * configured address only, whatever a document names, and kept for their `ttl`.
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
  const { lists, algorithms = ['ES256'], staleSeconds = 300, fetch } = signer;
  const check = statusLists({
    lists,
    keys: keysOf(signer),
    keysCode: 'age_source_unavailable',
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
      const message = 'A status list cannot be read.';
      throw new SpendcapError('age_source_unavailable', message, { cause });
    }
  };
}

function keysOf({ jwks, roots, fetch, now = Date.now }: StatusListSigner): KeyFinder {
  if ((jwks === undefined) === (roots === undefined)) {
    throw new TypeError('a status list is signed by jwks or under roots');
  }
  if (jwks !== undefined) return keySet(jwks, { fetch });
  const trusted = certificateChains({ roots: roots ?? [] });
  return ({ x5c }) => {
    const chain = chainOf(x5c);
    const key = chain === null ? undefined : trusted(chain, now())?.publicKey;
    if (key === undefined) throw new Error('not signed under a pinned root');
    return key;
  };
}

/**
 * Demands that a document with a status be valid. One without a status cannot be revoked.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `status_unchecked` or `revoked`
 */
export async function demandValid(
  status: unknown,
  check: StatusCheck | undefined,
  at: number,
): Promise<void> {
  if (status === undefined) return;
  const answer = check === undefined ? 'unknown' : await check(status, { at });
  if (answer === 'valid') return;
  throw ageEvidenceInvalid(answer === 'revoked' ? 'revoked' : 'status_unchecked');
}
