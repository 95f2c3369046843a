import { SpendcapError, type SpendcapErrorCode } from '@spendcap/core';
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import { boundedFetch } from './bounded-fetch.ts';
import { parseStrict } from './json.ts';

/** Finds the key of a token, and says whether it can. */
export type KeyFinder = JWTVerifyGetKey & {
  /** Rejects while the keys cannot be read. At most five seconds. */
  readonly ready: () => Promise<void>;
};

export interface RemoteKeysOptions {
  /** Of the error while the keys cannot be read. */
  readonly code: SpendcapErrorCode;
  /** Reads a published set, or returns `null` if it is not one. */
  readonly read: (jwks: unknown) => JSONWebKeySet | null;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** For how long, once ten minutes old, a set is used that cannot be reloaded. Default 3600. */
  readonly staleSeconds?: number | undefined;
}

const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 5_000;
/** From this age on, a set is reloaded in the background. */
const REFRESH_MS = 5 * 60_000;
/** From this age on, tokens wait for the reload. */
const FRESH_MS = 10 * 60_000;
/** Between reloads for unknown keys, which an attacker can name without end. */
const COOLDOWN_MS = 30_000;
/** After a failure, doubled with each further one. */
const BACKOFF_MS = { first: 1_000, most: 30_000 } as const;
const STALE_SECONDS = { default: 3_600, max: 86_400 } as const;

/**
 * The keys of a JWK Set at an address, as jose's `createRemoteJWKSet` keeps them. What this adds is
 * when to call its `reload()`: in the background after five minutes, before a token is verified
 * after ten, at most every 30 seconds for an unknown key, with backoff from one second to 30 while
 * the server fails. The last set is used meanwhile for `staleSeconds`; after that the finder
 * rejects.
 *
 * jose's own `fresh` and `coolingDown` go by `Date.now`, and trust a clock that was set back. They
 * are switched off in favour of the injected clock.
 *
 * @throws TypeError for an address or a `staleSeconds` that can never work
 */
export function remoteKeys(url: URL, options: RemoteKeysOptions): KeyFinder {
  const { code, now = () => Date.now(), staleSeconds = STALE_SECONDS.default } = options;
  assertRemote(url, 'jwks');
  if (!Number.isInteger(staleSeconds) || staleSeconds < 0 || staleSeconds > STALE_SECONDS.max) {
    throw new TypeError(`keysStaleSeconds must be a whole number from 0 to ${STALE_SECONDS.max}`);
  }
  const set = createRemoteJWKSet(url, {
    [customFetch]: fetchUsable(options),
    headers: { accept: 'application/jwk-set+json, application/json' },
    cacheMaxAge: Infinity,
    cooldownDuration: Infinity,
  });
  const usableMs = FRESH_MS + staleSeconds * 1000;
  let loadedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failures = 0;
  let loading: Promise<void> | null = null;

  async function load(): Promise<void> {
    try {
      // Inside, as nobody waits for a reload in the background, and a clock may throw.
      triedAt = now();
      await set.reload();
      failures = 0;
      loadedAt = now();
    } catch {
      failures += 1;
    } finally {
      loading = null;
    }
  }

  /** Never rejects. Concurrent callers share one reload. */
  function reload(): Promise<void> {
    loading ??= load();
    return loading;
  }

  /** A clock that was set back counts as any length of time. */
  const since = (instant: number): number => {
    const passed = now() - instant;
    return passed < 0 ? Number.POSITIVE_INFINITY : passed;
  };
  const mayReload = () => loading !== null || since(triedAt) >= backoff(failures);
  const unavailable = () => new SpendcapError(code, 'The issuer’s key set could not be read.');

  async function assertLoaded(): Promise<void> {
    const age = since(loadedAt);
    if (age >= REFRESH_MS && mayReload()) {
      const done = reload();
      // A server that is known to fail is not waited for while there is a set to use.
      if (age >= usableMs || (age >= FRESH_MS && failures === 0)) await done;
    }
    if (since(loadedAt) >= usableMs) throw unavailable();
  }

  const find: JWTVerifyGetKey = async (header, token) => {
    await assertLoaded();
    try {
      return await set(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (loading !== null || since(triedAt) >= COOLDOWN_MS) await reload();
      else if (failures === 0) throw error;
      // The key may be in the set that could not be read.
      if (failures > 0) throw unavailable();
      return set(header, token);
    }
  };
  return Object.assign(find, { ready: assertLoaded });
}

function backoff(failures: number): number {
  return failures === 0 ? 0 : Math.min(BACKOFF_MS.first * 2 ** (failures - 1), BACKOFF_MS.most);
}

/** Bounds time and size, and leaves out the keys that jose would stumble over. */
function fetchUsable({ read, fetch: fetchKeys = fetch }: RemoteKeysOptions): FetchImplementation {
  return async (url, { headers }) => {
    const bounds = { fetch: fetchKeys, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
    const answer = await boundedFetch(new URL(url), { headers }, bounds);
    const jwks = typeof answer === 'string' ? null : read(parseStrict(answer.text));
    if (typeof answer === 'string' || jwks === null) throw new Error('not a key set');
    const response = new Response(null, { status: answer.status });
    // As it was parsed here: jose's own JSON.parse can misread a name with an escape.
    return Object.assign(response, { json: async () => jwks });
  };
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
