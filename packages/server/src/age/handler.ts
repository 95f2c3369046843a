import { problemResponse } from '../http/problems.ts';

export interface AuthorityHandlerOptions {
  readonly jwks: () => object;
}

/**
 * Short of the hour for which `spendcap keys rotate` publishes a new key before it signs, so that
 * no cache is behind.
 */
const JWKS_HEADERS = {
  'content-type': 'application/jwk-set+json',
  'cache-control': 'public, max-age=300',
} as const;
const JWKS_PATH = '/.well-known/jwks.json';

/** The public side of an authority, for any server that has `Request` and `Response`. */
export function createAuthorityHandler(
  options: AuthorityHandlerOptions,
): (request: Request) => Promise<Response> {
  return async ({ method, url }) => {
    const { pathname } = new URL(url);
    if (!pathname.endsWith(JWKS_PATH)) {
      return problemResponse({ code: 'not_found', status: 404, detail: 'Nothing is here.' });
    }
    if (method !== 'GET' && method !== 'HEAD') {
      return problemResponse(
        { code: 'method_not_allowed', status: 405, detail: 'See the Allow header.' },
        { headers: { allow: 'GET, HEAD' } },
      );
    }
    const body = method === 'HEAD' ? null : JSON.stringify(options.jwks());
    return new Response(body, { headers: JWKS_HEADERS });
  };
}
