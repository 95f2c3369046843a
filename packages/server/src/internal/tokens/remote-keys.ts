import type { CompactVerifyGetKey } from 'jose';
import { boundedFetch } from '../bounded-fetch.ts';

export interface RemoteKeysOptions {
  /** Makes a finder of a published set, or `null` if it is no set. */
  readonly finder: (jwks: unknown) => CompactVerifyGetKey | null;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** For how long, once ten minutes old, a set still counts that cannot be read again. Default 3600. */
  readonly staleSeconds?: number | undefined;
}

const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 5_000;
/** From then on a set is read again beside the work, which does not wait for it. */
const REFRESH_MS = 5 * 60_000;
/** From then on the work waits. */
const FRESH_MS = 10 * 60_000;
/** Keys that nobody knows are asked for this often at most: an attacker can name any number of them. */
const COOLDOWN_MS = 30_000;
/** After a failure, doubled with each further one. */
const PAUSE_MS = { first: 1_000, most: 30_000 } as const;
const STALE_SECONDS = 3_600;
const MAX_STALE_SECONDS = 86_400;

interface Held {
  readonly find: CompactVerifyGetKey;
  readonly at: number;
}

/**
 * The keys of a set that someone publishes at an address. It is read when first needed, beside the work
 * from five minutes on, and before the work goes on from ten minutes on; once for all who wait. A key
 * that is not in it has it read once more, at most every 30 seconds. A server that fails is left in
 * peace for one second, then two, up to 30; the last set counts meanwhile for `staleSeconds`, and
 * after that nothing does: the finder rejects.
 *
 * @throws TypeError for a `staleSeconds` that is none
 */
export function remoteKeys(url: URL, options: RemoteKeysOptions): CompactVerifyGetKey {
  const { now = () => Date.now(), staleSeconds = STALE_SECONDS } = options;
  if (!Number.isInteger(staleSeconds) || staleSeconds < 0 || staleSeconds > MAX_STALE_SECONDS) {
    throw new TypeError(`keysStaleSeconds must be a whole number from 0 to ${MAX_STALE_SECONDS}`);
  }
  const usableMs = FRESH_MS + staleSeconds * 1000;
  let held: Held | null = null;
  let reading: Promise<void> | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  let failures = 0;

  async function read(): Promise<void> {
    askedAt = now();
    const find = await fetchSet(url, options);
    if (find === null) {
      failures += 1;
      return;
    }
    failures = 0;
    held = { find, at: now() };
  }

  function refresh(): Promise<void> {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  }

  /** A clock that was set back counts as any length of time. */
  const since = (instant: number): number => {
    const passed = now() - instant;
    return passed < 0 ? Number.POSITIVE_INFINITY : passed;
  };
  const mayAsk = () => reading !== null || since(askedAt) >= pauseAfter(failures);

  async function current(): Promise<CompactVerifyGetKey> {
    const age = held === null ? Number.POSITIVE_INFINITY : since(held.at);
    if (age >= REFRESH_MS && mayAsk()) {
      const done = refresh();
      if (age >= FRESH_MS) await done;
    }
    if (held === null || since(held.at) >= usableMs) throw new Error('The key set cannot be read.');
    return held.find;
  }

  return async (header, token) => {
    const find = await current();
    try {
      return await find(header, token);
    } catch (error) {
      const isUnknown = (error as { code?: string }).code === 'ERR_JWKS_NO_MATCHING_KEY';
      // Someone who waits for the same reading gets its answer, too.
      if (!isUnknown || (reading === null && since(askedAt) < COOLDOWN_MS)) throw error;
      await refresh();
      return (await current())(header, token);
    }
  };
}

function pauseAfter(failures: number): number {
  return failures === 0 ? 0 : Math.min(PAUSE_MS.first * 2 ** (failures - 1), PAUSE_MS.most);
}

/** `null` for every answer but a set. Never rejects. */
async function fetchSet(
  url: URL,
  { finder, fetch: fetchKeys = fetch }: RemoteKeysOptions,
): Promise<CompactVerifyGetKey | null> {
  const init = { headers: { accept: 'application/jwk-set+json, application/json' } };
  const bounds = { fetch: fetchKeys, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
  const answer = await boundedFetch(url, init, bounds);
  if (typeof answer === 'string' || answer.status !== 200) return null;
  try {
    return finder(JSON.parse(answer.text));
  } catch {
    return null;
  }
}
