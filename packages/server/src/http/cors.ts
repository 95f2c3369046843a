import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

const MAX_AGE_SECONDS = 600;
/** The credential, its proof, and the context of a trace (W3C Trace Context, Baggage, Sentry). */
const ALLOW_HEADERS = [
  'authorization',
  'content-type',
  'dpop',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
];

/**
 * CORS for exact origins, for one method of one path. No credentials mode: the page's script sets
 * the bearer token. `null` when no origin is configured.
 *
 * @throws TypeError if an entry is not an origin: `https://shop.example`, or of an app's own scheme
 */
export function corsOf(origins: readonly string[]): ((method: string) => MiddlewareHandler) | null {
  if (!origins.every(isOrigin)) {
    throw new TypeError(
      'corsOrigins takes exact origins, for example https://shop.example or capacitor://localhost',
    );
  }
  if (origins.length === 0) return null;
  return (method) =>
    cors({
      origin: [...origins],
      allowMethods: (origin) => (origins.includes(origin) ? [method.toUpperCase()] : []),
      allowHeaders: ALLOW_HEADERS,
      maxAge: MAX_AGE_SECONDS,
    });
}

/** `URL.origin` is `null` for every scheme that is not the web's own. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, host } = new URL(text);
  return host !== '' && `${protocol}//${host}` === text;
}
