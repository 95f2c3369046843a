import { hash, timingSafeEqual } from 'node:crypto';
import { SpendcapError } from '@spendcap/core';

const MIN_KEY_LENGTH = 16;
/** Of SHA-256 in hexadecimal. */
const DIGEST_LENGTH = 64;
// Three base64url parts. Anything else must be an invalid API key.
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/** The operator's back end, by API key, or a player, by age token. */
export type Caller =
  | { readonly kind: 'operator' }
  | {
      readonly kind: 'player';
      readonly ageToken: string;
      /** The proof of a token in the DPoP scheme (RFC 9449, section 7.1); `null` for a bearer. */
      readonly dpop: string | null;
    };

export interface Authenticator {
  /** @throws SpendcapError `unauthorized` for anyone but an operator */
  operator(request: Request): void;
  /** @throws SpendcapError `unauthorized` without a valid API key or a token */
  caller(request: Request): Caller;
}

/**
 * Keeps the SHA-256 digests of the API keys. Compares with every key in constant time, so that the
 * response time reveals nothing about them.
 *
 * @throws TypeError if there is no key, or one has fewer than 16 characters
 */
export function createAuthenticator(apiKeys: readonly string[]): Authenticator {
  if (!Array.isArray(apiKeys) || apiKeys.length === 0) {
    throw new TypeError('apiKeys requires at least one key');
  }
  for (const key of apiKeys) {
    if (typeof key !== 'string' || key.length < MIN_KEY_LENGTH || !/^[\x21-\x7e]+$/.test(key)) {
      throw new TypeError(
        'apiKeys: each key needs at least 16 printable ASCII characters without spaces',
      );
    }
  }
  const digests = apiKeys.map((key) => Buffer.from(digest(key)));
  // Written again for each candidate: a new Buffer would cost more than its digest.
  const given = Buffer.alloc(DIGEST_LENGTH);
  const isApiKey = (candidate: string) => {
    given.write(digest(candidate));
    let found = false;
    for (const known of digests) found = timingSafeEqual(known, given) || found;
    return found;
  };
  return {
    operator(request) {
      const bearer = credentialOf(request, 'bearer');
      if (bearer === null || !isApiKey(bearer)) throw noCredentials('Send a valid API key.');
    },
    caller(request) {
      const bearer = credentialOf(request, 'bearer');
      if (bearer !== null && isApiKey(bearer)) return { kind: 'operator' };
      const bound = credentialOf(request, 'dpop');
      const ageToken = bearer ?? bound;
      if (ageToken !== null && COMPACT_JWS.test(ageToken)) {
        const dpop = bound === null ? null : (request.headers.get('dpop') ?? '');
        return { kind: 'player', ageToken, dpop };
      }
      throw noCredentials('Send a valid API key or an age token.');
    },
  };
}

/** The credential of `Authorization: Bearer` (RFC 6750 section 2.1) or `DPoP`, or `null`. */
function credentialOf(request: Request, scheme: 'bearer' | 'dpop'): string | null {
  const header = request.headers.get('authorization');
  const end = scheme.length + 1;
  if (header === null || header.slice(0, end).toLowerCase() !== `${scheme} `) return null;
  return header.slice(end).trim();
}

function digest(text: string): string {
  return hash('sha256', text, 'hex');
}

function noCredentials(message: string): SpendcapError {
  return new SpendcapError('unauthorized', message);
}
