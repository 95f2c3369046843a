import { inflateSync } from 'node:zlib';
import { SpendcapError } from '@spendcap/core';
import { LRUCache } from 'lru-cache';
import { boundedFetch } from './bounded-fetch.ts';
import { assertRemote } from './remote-keys.ts';
import { type Claims, isNumericDate, type JwtRules, readJwt, verifyJwt } from './verify.ts';

/** Why a token's status refuses it. */
export type StatusFault = 'revoked' | 'status_unknown';

/** Looks up the status of a token, synchronously while its list is fresh. */
export type StatusLookup = (
  status: unknown,
  at: number,
) => StatusFault | null | Promise<StatusFault | null>;

export interface StatusListRules extends Pick<JwtRules, 'keys' | 'algorithms'> {
  /** The address that every list equals or is below. */
  readonly lists: URL;
  readonly toleranceSeconds: number;
  /** For how long after its `ttl` a list is used that cannot be reloaded. */
  readonly staleSeconds: number;
  readonly fetch: typeof fetch | undefined;
}

interface StatusList {
  readonly bits: number;
  readonly bytes: Uint8Array;
  readonly iat: number;
  /** Epoch milliseconds. */
  readonly loadedAt: number;
  /** Epoch milliseconds: `loadedAt` plus its `ttl`. */
  readonly freshUntil: number;
  /** Epoch milliseconds: the end of staleness, or its own `exp` if that is earlier. */
  readonly usableUntil: number;
}

interface Entry {
  list: StatusList | null;
  loading: Promise<void> | null;
  /** Epoch milliseconds before which a list that failed is not requested again. */
  retryAt: number;
}

const TYP = 'statuslist+jwt';
const MAX_LIST_BYTES = 1024 * 1024;
/** Eight million tokens of one bit: a list that inflates to more is an attack or a mistake. */
const MAX_INFLATED_BYTES = 1024 * 1024;
const MAX_LISTS = 64;
const TIMEOUT_MS = 5_000;
const BACKOFF_MS = 5_000;
/** Concurrent calls arrive with their instants in any order. */
const CLOCK_STEP_MS = 30_000;
/** Bounds of a `ttl`, in seconds, so that it can cause neither a flood nor a silence. */
const TTL = { min: 5, max: 3_600, default: 300 } as const;
const MAX_URI = 1_024;

/**
 * Looks up statuses in OAuth Token Status Lists (draft-ietf-oauth-status-list, section 8.3). Lists
 * are fetched below the configured address only, whatever a token names; kept for their `ttl`;
 * reloaded at the first use after it; used for `staleSeconds` more if that fails. The lookup
 * rejects with `age_status_unavailable` if there is no list to use.
 *
 * Reads lists itself: `@sd-jwt/jwt-status-list` 0.19 inflates without a limit (85 KB became 64 MB
 * and blocked for 25 s) and takes 1.5 s and 56 MB for a list of 1 MiB, which is read here in 5 ms.
 *
 * @throws TypeError for an address that can never work
 */
export function statusLists(rules: StatusListRules): StatusLookup {
  assertRemote(rules.lists, 'statusLists');
  const entries = new LRUCache<string, Entry>({ max: MAX_LISTS });

  return (status, at) => {
    const place = placeOf(status, rules.lists);
    if (place === null) return 'status_unknown';
    const { uri, idx } = place;
    const entry = entries.get(uri) ?? { list: null, loading: null, retryAt: 0 };
    entries.set(uri, entry);
    const { list } = entry;
    if (list !== null && isBetween(list, at, list.freshUntil)) return faultIn(list, idx);
    return reload(entry, { uri, at, rules }).then(() => {
      const { list } = entry;
      if (list !== null && isBetween(list, at, list.usableUntil)) return faultIn(list, idx);
      throw new SpendcapError('age_status_unavailable', 'A status list could not be read.');
    });
  };
}

/** The age of a list that comes from the future is unknown: the clock was set back. */
function isBetween({ loadedAt }: StatusList, at: number, until: number): boolean {
  return loadedAt - CLOCK_STEP_MS <= at && at < until;
}

interface Wanted {
  readonly uri: string;
  readonly at: number;
  readonly rules: StatusListRules;
}

/** Never rejects: a failure leaves the list as it was. */
async function reload(entry: Entry, wanted: Wanted): Promise<void> {
  const wait = entry.retryAt - wanted.at;
  if (wait > 0 && wait <= BACKOFF_MS) return;
  entry.loading ??= fetchList(wanted)
    .then((list) => {
      // An older list than the last is a replay, or comes from a server that is behind.
      if (list !== null && list.iat >= (entry.list?.iat ?? 0)) entry.list = list;
      else entry.retryAt = wanted.at + BACKOFF_MS;
    })
    .finally(() => {
      entry.loading = null;
    });
  await entry.loading;
}

async function fetchList({ uri, at, rules }: Wanted): Promise<StatusList | null> {
  const answer = await boundedFetch(
    new URL(uri),
    { headers: { accept: `application/${TYP}` } },
    { fetch: rules.fetch ?? fetch, timeoutMs: TIMEOUT_MS, maxBytes: MAX_LIST_BYTES },
  );
  if (typeof answer === 'string' || answer.status !== 200) return null;
  const jwt = readJwt(answer.text, MAX_LIST_BYTES);
  if (typeof jwt === 'string') return null;
  const { keys, algorithms, toleranceSeconds } = rules;
  const required = { subject: uri, requiredClaims: ['iat', 'status_list'] };
  const jwtRules = { keys, algorithms, toleranceSeconds, typ: TYP, ...required };
  const fault = await verifyJwt(jwt, jwtRules, at).catch(() => 'keys unavailable');
  return fault === null ? listOf(jwt.claims, { uri, at, rules }) : null;
}

function listOf(claims: Claims, { at, rules }: Wanted): StatusList | null {
  const { iat, exp, ttl = TTL.default, status_list } = claims;
  const { bits, lst } = (status_list ?? {}) as Claims;
  if (![1, 2, 4, 8].includes(bits as number) || typeof lst !== 'string') return null;
  if (!isNumericDate(iat) || typeof ttl !== 'number' || !(ttl > 0)) return null;
  const ends = isNumericDate(exp) ? exp * 1000 : Number.MAX_SAFE_INTEGER;
  const bytes = inflated(lst);
  // Without tolerance: until then the issuer vouches for every status in it.
  if (ends <= at || bytes === null) return null;
  const freshUntil = at + Math.min(Math.max(ttl, TTL.min), TTL.max) * 1000;
  return {
    bits: bits as number,
    bytes,
    iat,
    loadedAt: at,
    freshUntil: Math.min(freshUntil, ends),
    usableUntil: Math.min(freshUntil + rules.staleSeconds * 1000, ends),
  };
}

function inflated(lst: string): Uint8Array | null {
  try {
    const deflated = Buffer.from(lst, 'base64url');
    return inflateSync(deflated, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch {
    return null;
  }
}

/** Index 0 is in the lowest bits of the first byte; every status but 0 refuses the token. */
function faultIn({ bits, bytes }: StatusList, idx: number): StatusFault | null {
  const byte = bytes[Math.floor((idx * bits) / 8)];
  if (byte === undefined) return 'status_unknown';
  const value = (byte >> ((idx * bits) % 8)) & ((1 << bits) - 1);
  return value === 0 ? null : 'revoked';
}

function placeOf(status: unknown, lists: URL): { uri: string; idx: number } | null {
  const { uri, idx } = ((status as Claims | null)?.status_list ?? {}) as Claims;
  if (typeof uri !== 'string' || uri.length > MAX_URI || !URL.canParse(uri)) return null;
  if (!Number.isSafeInteger(idx) || Number(idx) < 0) return null;
  const { href, origin, pathname } = new URL(uri);
  const below = lists.pathname.endsWith('/') ? lists.pathname : `${lists.pathname}/`;
  const isBelow = pathname === lists.pathname || pathname.startsWith(below);
  // In normal form, without a query or fragment, so that one list has one name.
  const isNormal = href === uri && href === origin + pathname;
  return isNormal && origin === lists.origin && isBelow ? { uri, idx: Number(idx) } : null;
}
