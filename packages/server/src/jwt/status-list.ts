import { inflateSync } from 'node:zlib';
import { SpendcapError } from '@spendcap/core';
import { boundedFetch } from './bounded-fetch.ts';
import { type Claims, checkSignature, decodeClaims, isNumericDate, type JwsRules } from './jws.ts';
import { assertRemote } from './remote-keys.ts';

/** What the status of a token may say against it. */
export type StatusFault = 'revoked' | 'status_unknown';

/** Tells the status of a token: at once while its list is fresh. */
export type StatusCheck = (
  status: unknown,
  at: number,
) => StatusFault | null | Promise<StatusFault | null>;

export interface StatusListRules extends Pick<JwsRules, 'keys' | 'keysCode' | 'algorithms'> {
  /** The address that every list equals or lies below. */
  readonly lists: URL;
  readonly toleranceSeconds: number;
  /** For how long beyond its `ttl` a list counts that cannot be fetched again. */
  readonly staleSeconds: number;
  readonly fetch: typeof fetch | undefined;
}

interface StatusList {
  readonly bits: number;
  readonly bytes: Uint8Array;
  readonly iat: number;
  /** Epoch milliseconds. */
  readonly readAt: number;
  /** Epoch milliseconds: of when it was fetched, plus its `ttl`. */
  readonly freshUntil: number;
  /** Epoch milliseconds: the end of staleness, or its own `exp` if that is sooner. */
  readonly usableUntil: number;
}

interface Entry {
  list: StatusList | null;
  fetching: Promise<void> | null;
  /** Epoch milliseconds before which a list that failed is not asked for again. */
  pausedUntil: number;
}

const TYP = 'statuslist+jwt';
const MAX_LIST_BYTES = 1024 * 1024;
/** Two million tokens of four bits: a list that unpacks to more is an attack or a mistake. */
const MAX_UNPACKED_BYTES = 1024 * 1024;
const MAX_LISTS = 64;
const TIMEOUT_MS = 5_000;
const PAUSE_MS = 5_000;
/** Calls that overlap come with their instants in any order. */
const CLOCK_STEP_MS = 30_000;
/** Bounds of a `ttl`, in seconds, so that neither flood nor silence can be ordered by it. */
const TTL = { min: 5, max: 3_600, default: 300 } as const;
const MAX_URI = 1_024;

/**
 * Checks statuses by OAuth Token Status List (draft-ietf-oauth-status-list, section 8.3). Lists are fetched
 * from the configured address only, whatever a token names; kept for their `ttl`; fetched again when
 * first needed after it; used for a while longer where that fails, and then no more: fail closed. The
 * call rejects with `age_status_unavailable` where no list can be used.
 *
 * @throws TypeError for an address that can never work
 */
export function statusLists(rules: StatusListRules): StatusCheck {
  assertRemote(rules.lists, 'statusLists');
  const entries = new Map<string, Entry>();

  function entryOf(uri: string): Entry {
    const entry = entries.get(uri) ?? { list: null, fetching: null, pausedUntil: 0 };
    // The longest unused first, so that it is the first to go.
    entries.delete(uri);
    entries.set(uri, entry);
    if (entries.size > MAX_LISTS) entries.delete(entries.keys().next().value as string);
    return entry;
  }

  return (status, at) => {
    const place = placeOf(status, rules.lists);
    if (place === null) return 'status_unknown';
    const entry = entryOf(place.uri);
    const known = entry.list;
    if (known !== null && isBetween(known, at, known.freshUntil)) return faultIn(known, place.idx);
    return refreshed(entry, { uri: place.uri, at, rules }).then(() => {
      const { list } = entry;
      if (list !== null && isBetween(list, at, list.usableUntil)) return faultIn(list, place.idx);
      throw new SpendcapError('age_status_unavailable', 'A status list cannot be read.');
    });
  };
}

/** Nobody knows how old a list is that comes out of the future: the clock was set back. */
function isBetween({ readAt }: StatusList, at: number, until: number): boolean {
  return readAt - CLOCK_STEP_MS <= at && at < until;
}

interface Wanted {
  readonly uri: string;
  readonly at: number;
  readonly rules: StatusListRules;
}

/** Never rejects: what could not be fetched leaves the entry as it was. */
async function refreshed(entry: Entry, wanted: Wanted): Promise<void> {
  const pause = entry.pausedUntil - wanted.at;
  if (pause > 0 && pause <= PAUSE_MS) return;
  entry.fetching ??= fetchList(wanted)
    .then((list) => {
      // An older list than the last is a replay, or comes from a server that is behind.
      if (list !== null && list.iat >= (entry.list?.iat ?? 0)) entry.list = list;
      else entry.pausedUntil = wanted.at + PAUSE_MS;
    })
    .finally(() => {
      entry.fetching = null;
    });
  await entry.fetching;
}

async function fetchList({ uri, at, rules }: Wanted): Promise<StatusList | null> {
  const answer = await boundedFetch(
    new URL(uri),
    { headers: { accept: `application/${TYP}` } },
    { fetch: rules.fetch ?? fetch, timeoutMs: TIMEOUT_MS, maxBytes: MAX_LIST_BYTES },
  );
  if (typeof answer === 'string' || answer.status !== 200) return null;
  const claims = decodeClaims(answer.text, MAX_LIST_BYTES);
  if (typeof claims === 'string' || claims.sub !== uri) return null;
  const fault = await checkSignature(answer.text, { ...rules, typ: TYP }).catch(() => 'no keys');
  return fault === null ? listOf(claims, { uri, at, rules }) : null;
}

function listOf(claims: Claims, { at, rules }: Wanted): StatusList | null {
  const { iat, exp = Number.MAX_SAFE_INTEGER / 1000, ttl = TTL.default, status_list } = claims;
  const { bits, lst } = (status_list ?? {}) as Claims;
  const isList = [1, 2, 4, 8].includes(bits as number) && typeof lst === 'string';
  if (!isList || !isNumericDate(iat) || typeof ttl !== 'number' || !(ttl > 0)) return null;
  const ends = Number(exp) * 1000;
  const isNow = Number(iat) * 1000 <= at + rules.toleranceSeconds * 1000 && ends > at;
  const bytes = unpacked(lst);
  if (!isNow || bytes === null) return null;
  const freshUntil = at + Math.min(Math.max(ttl, TTL.min), TTL.max) * 1000;
  return {
    bits: bits as number,
    bytes,
    iat: iat as number,
    readAt: at,
    freshUntil: Math.min(freshUntil, ends),
    usableUntil: Math.min(freshUntil + rules.staleSeconds * 1000, ends),
  };
}

function unpacked(lst: string): Uint8Array | null {
  try {
    const packed = Buffer.from(lst, 'base64url');
    return inflateSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch {
    return null;
  }
}

/** Index 0 is in the lowest bits of the first byte; every status but 0 is against the token. */
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
  const isThere = pathname === lists.pathname || pathname.startsWith(below);
  // As it is spelled, and without a query or fragment, so that one list has one name.
  const isPlain = href === uri && href === origin + pathname;
  return isPlain && origin === lists.origin && isThere ? { uri, idx: Number(idx) } : null;
}
