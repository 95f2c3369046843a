import { problemOf, problemResponse } from '../../http/problems.ts';
import type { AuthorityStatus } from './revocation.ts';

export interface AuthorityHandlerOptions {
  readonly jwks: () => object;
  readonly status: AuthorityStatus | null;
  readonly now: () => number;
}

/** Well below the hour for which `spendcap keys rotate` publishes a new key before it signs. */
const JWKS_HEADERS = {
  'content-type': 'application/jwk-set+json',
  'cache-control': 'public, max-age=300',
} as const;
const JWKS_PATH = '/.well-known/jwks.json';

/** The public endpoints of an authority, for any server with `Request` and `Response`. */
export function createAuthorityHandler(
  options: AuthorityHandlerOptions,
): (request: Request) => Promise<Response> {
  return async ({ method, url }) => {
    try {
      const found = await find(options, new URL(url).pathname);
      if (found === null) {
        return problemResponse({ code: 'not_found', status: 404, detail: 'No such route.' });
      }
      if (method !== 'GET' && method !== 'HEAD') {
        return problemResponse(
          { code: 'method_not_allowed', status: 405, detail: 'See the Allow header.' },
          { headers: { allow: 'GET, HEAD' } },
        );
      }
      return new Response(method === 'HEAD' ? null : found.body, { headers: found.headers });
    } catch (error) {
      return problemOf(error);
    }
  };
}

interface Found {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function find(
  { jwks, status, now }: AuthorityHandlerOptions,
  pathname: string,
): Promise<Found | null> {
  if (pathname.endsWith(JWKS_PATH)) return { body: JSON.stringify(jwks()), headers: JWKS_HEADERS };
  const list = status && (await status.listAt(pathname, now()));
  if (status === null || list === null) return null;
  // Caches in between may keep it for half of the `ttl`; verifiers go by the `ttl` itself.
  const seconds = Math.floor(status.ttlSeconds / 2);
  const headers = {
    'content-type': 'application/statuslist+jwt',
    'cache-control': `public, max-age=${seconds}`,
  };
  return { body: list, headers };
}
