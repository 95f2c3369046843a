import { deflateSync } from 'node:zlib';
import { assertOptions, SpendcapError } from '@spendcap/core';
import type { SignClaims } from './signer.ts';
import { STATUS_LIST_PLACES, type StatusStore } from './status-store.ts';

/** Makes the tokens of an authority revocable, by OAuth Token Status List. */
export interface StatusListOptions {
  /**
   * The https address below which the lists are served, for example `https://age.example/status`.
   */
  readonly uri: string;
  readonly store: StatusStore;
  /** For how long a verifier may cache a list: 5 seconds to the lifetime of a token. Default 60. */
  readonly ttlSeconds?: number;
}

export interface AuthorityStatus {
  /** The `status` claim of a new token; `exp` in seconds, `at` in milliseconds. */
  claimFor(token: { holder: string; exp: number; at: number }): Promise<object>;
  revoke(holder: string, at: number): Promise<number>;
  /** The signed list at a path; `null` if there is none, or it has ended. */
  listAt(pathname: string, at: number): Promise<string | null>;
  readonly ttlSeconds: number;
}

const TTL_SECONDS = { min: 5, default: 60 } as const;
/** Clock skew of a verifier whose clock is behind, and which accepts the token longer. */
const TOLERANCE_SECONDS = 60;
/** The lifetime of a list, as a multiple of its `ttl`. */
const LIFETIME_IN_TTLS = 10;
const LIST_NAME = /^[\w-]{1,64}$/;
const CACHED_MS = 2_000;
const MAX_CACHED = 1_000;

interface StatusContext {
  readonly issuer: string;
  readonly tokenSeconds: number;
  readonly sign: SignClaims;
}

interface CachedList {
  readonly token: Promise<string | null>;
  readonly until: number;
}

/**
 * Assigns statuses and serves the lists (draft-ietf-oauth-status-list, sections 4 to 8), one bit a
 * token.
 *
 * @throws TypeError for options that can never work
 */
export function authorityStatus(
  options: StatusListOptions,
  { issuer, tokenSeconds, sign }: StatusContext,
): AuthorityStatus {
  assertOptions('ageAuthority statusList', options, { uri: true, store: true, ttlSeconds: true });
  const { store, ttlSeconds = Math.min(TTL_SECONDS.default, tokenSeconds) } = options;
  const base = baseOf(options.uri);
  if (typeof store?.allot !== 'function') throw new TypeError('statusList.store must be a store');
  const { min } = TTL_SECONDS;
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < min || ttlSeconds > tokenSeconds) {
    throw new TypeError(`statusList.ttlSeconds must be a whole number from ${min} to tokenSeconds`);
  }
  const prefix = new URL(base).pathname;
  // Lists are public: signing one for each request would amplify a flood.
  const cache = new Map<string, CachedList>();

  async function signedList(list: string, at: number): Promise<string | null> {
    const revoked = await ofStore(store.revoked(list, at));
    if (revoked === null) return null;
    const iat = Math.floor(at / 1000);
    const claims = {
      iss: issuer,
      sub: base + list,
      iat,
      exp: iat + LIFETIME_IN_TTLS * ttlSeconds,
      ttl: ttlSeconds,
      status_list: { bits: 1, lst: compressed(revoked) },
    };
    return sign(claims, 'statuslist+jwt');
  }

  return {
    ttlSeconds,
    async claimFor({ holder, exp, at }) {
      const expiresAt = (exp + TOLERANCE_SECONDS) * 1000;
      const { list, index } = await ofStore(store.allot({ holder, expiresAt, at }));
      return { status_list: { idx: index, uri: base + list } };
    },
    async revoke(holder, at) {
      const count = await ofStore(store.revoke(holder, at));
      cache.clear();
      return count;
    },
    async listAt(pathname, at) {
      const list = pathname.slice(pathname.lastIndexOf('/') + 1);
      if (!LIST_NAME.test(list) || !pathname.endsWith(prefix + list)) return null;
      const known = cache.get(list);
      if (known !== undefined && at < known.until) return known.token;
      if (cache.size >= MAX_CACHED) cache.clear();
      const token = signedList(list, at);
      cache.set(list, { token, until: at + CACHED_MS });
      token.catch(() => cache.delete(list));
      return token;
    },
  };
}

function baseOf(uri: string): string {
  const isAddress = URL.canParse(uri) && /^https?:\/\/[^?#]+$/.test(uri);
  if (!isAddress)
    throw new TypeError('statusList.uri must be an http or https URL without a query');
  return `${new URL(uri).href.replace(/\/$/, '')}/`;
}

/** One bit each, the first in the lowest bit of the first byte, in ZLIB format (section 4.1). */
function compressed(revoked: readonly number[]): string {
  const bits = new Uint8Array(STATUS_LIST_PLACES / 8);
  for (const index of revoked) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  return deflateSync(bits, { level: 9 }).toString('base64url');
}

async function ofStore<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new SpendcapError('store_unavailable', 'The status store failed.', { cause });
  }
}
