import type { Context } from 'hono';

const MAX_AGE_SECONDS = '600';

type Answer = (context: Context) => Promise<Response>;

export interface Cors {
  /** Adds the origin's headers to an answer, problems included. */
  around(answer: Answer): Answer;
  /** Answers the browser's question before a call of this method. */
  preflight(method: string): Answer;
}

/**
 * CORS for exact origins, without credentials mode: the bearer token is set by the page's script.
 * `null` when no origin is configured.
 *
 * @throws TypeError if an entry is not an origin, as `https://shop.example`
 */
export function createCors(origins: readonly string[]): Cors | null {
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new TypeError('corsOrigins takes exact origins, as https://shop.example');
    }
  }
  if (origins.length === 0) return null;
  const known = new Set(origins);
  const allowOrigin = (context: Context, response: Response): boolean => {
    const origin = context.req.raw.headers.get('origin');
    // Caches must know that the answer depends on it, also where it is refused.
    response.headers.append('vary', 'Origin');
    if (origin === null || !known.has(origin)) return false;
    response.headers.set('access-control-allow-origin', origin);
    return true;
  };
  return {
    around: (answer) => async (context) => {
      const response = await answer(context);
      allowOrigin(context, response);
      return response;
    },
    preflight: (method) => async (context) => {
      const response = new Response(null, { status: 204 });
      if (allowOrigin(context, response)) {
        response.headers.set('access-control-allow-methods', method.toUpperCase());
        response.headers.set('access-control-allow-headers', 'authorization, content-type, dpop');
        response.headers.set('access-control-max-age', MAX_AGE_SECONDS);
      }
      return response;
    },
  };
}
