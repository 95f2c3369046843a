import type { AgeIssuer } from '../age/token/index.ts';
import { boundedFetch } from '../jwt/bounded-fetch.ts';
import { parseStrict } from '../jwt/json.ts';
import { usableKeys } from '../jwt/key-set.ts';

const BOUNDS = { timeoutMs: 5_000, maxBytes: 256 * 1024 } as const;

/** What `ageTokens` accepts. */
export const MAX_SKEW_SECONDS = 5;

/** What was found at the address of an issuer's keys, or in its configured set. */
export interface KeySetFinding {
  readonly issuer: string;
  /** Why no token can be verified with it, or `null`. */
  readonly fault: string | null;
  /** Of the usable keys: `ES256`, or the kind of key if it names no algorithm. */
  readonly algorithms: readonly string[];
  /** This machine's time minus the issuer's, to the second; `null` if it sent none. */
  readonly skewSeconds: number | null;
}

/**
 * Reads the key set of an issuer once, as verifying a token would. It never rejects.
 *
 * @param now epoch milliseconds
 */
export async function inspectKeySet(
  { issuer, jwks }: AgeIssuer,
  now: () => number = Date.now,
): Promise<KeySetFinding> {
  const finding = { issuer, fault: null, algorithms: [], skewSeconds: null };
  if (!(jwks instanceof URL)) return { ...finding, algorithms: algorithmsOf(usableKeys(jwks)) };
  let skewSeconds: number | null = null;
  const dated: typeof fetch = async (...request) => {
    const response = await fetch(...request);
    const sent = Date.parse(response.headers.get('date') ?? '');
    if (!Number.isNaN(sent)) skewSeconds = Math.round((now() - sent) / 1000);
    return response;
  };
  const answer = await boundedFetch(jwks, {}, { ...BOUNDS, fetch: dated });
  if (typeof answer === 'string') return { ...finding, fault: answer };
  if (answer.status !== 200) return { ...finding, fault: `status ${answer.status}`, skewSeconds };
  const keys = usableKeys(parsed(answer.text));
  if (keys === null) return { ...finding, fault: 'no JWK Set with a usable key', skewSeconds };
  return { ...finding, algorithms: algorithmsOf(keys), skewSeconds };
}

function parsed(text: string): unknown {
  try {
    return parseStrict(text);
  } catch {
    return null;
  }
}

function algorithmsOf(set: ReturnType<typeof usableKeys>): readonly string[] {
  return (set?.keys ?? []).map(({ alg, kty, crv }) => alg ?? crv ?? kty ?? 'unknown');
}
