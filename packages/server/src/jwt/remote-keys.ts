import { boundedFetch } from './bounded-fetch.ts';
import type { KeyFinder } from './jws.ts';

export interface RemoteKeysOptions {
  /** Makes a finder of a published set, or `null` if it is no set. */
  readonly finder: (jwks: unknown) => KeyFinder | null;
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
  readonly find: KeyFinder;
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
export function remoteKeys(url: URL, options: RemoteKeysOptions): KeyFinder {
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

  function usable(): KeyFinder {
    if (held !== null && since(held.at) < usableMs) return held.find;
    throw new Error('The key set cannot be read.');
  }

  function current(): KeyFinder | Promise<KeyFinder> {
    const age = held === null ? Number.POSITIVE_INFINITY : since(held.at);
    if (age < REFRESH_MS || !mayAsk()) return usable();
    const done = refresh();
    // Known to fail, it is not waited for while there is something to serve.
    const waits = age >= usableMs || (age >= FRESH_MS && failures === 0);
    return waits ? done.then(usable) : usable();
  }

  /** Once more, for a key that is not in the set; someone who waits for the same reading gets its answer. */
  async function newer(): Promise<KeyFinder | null> {
    if (reading !== null || since(askedAt) >= COOLDOWN_MS) await refresh();
    else if (failures === 0) return null;
    // The key may be in the set that could not be read.
    if (failures > 0) throw new Error('The key set cannot be read now.');
    return usable();
  }

  return async (header) => {
    const find = current();
    const key = await (find instanceof Promise ? await find : find)(header);
    if (key !== null) return key;
    const next = await newer();
    return next === null ? null : next(header);
  };
}

function pauseAfter(failures: number): number {
  return failures === 0 ? 0 : Math.min(PAUSE_MS.first * 2 ** (failures - 1), PAUSE_MS.most);
}

/** `null` for every answer but a set. Never rejects. */
async function fetchSet(
  url: URL,
  { finder, fetch: fetchKeys = fetch }: RemoteKeysOptions,
): Promise<KeyFinder | null> {
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

/** @throws TypeError for an address that may not be fetched from */
export function assertRemote(url: URL, name: string): void {
  if (!(url instanceof URL)) throw new TypeError(`${name} must be a URL`);
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
  if (!secure) throw new TypeError(`${name} must be an https URL, unless its host is this machine`);
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(`${name} must be a URL without credentials`);
  }
}

function isLoopback({ hostname }: URL): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}
