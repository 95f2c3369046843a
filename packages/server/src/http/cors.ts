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
 * @throws TypeError for an entry that no browser would send as an `Origin`
 */
export function corsOf(given: readonly string[]): ((method: string) => MiddlewareHandler) | null {
  const origins = Array.isArray(given) ? [...given] : [given];
  const fault = origins.map(faultOf).find((found) => found !== null);
  if (fault !== undefined) throw new TypeError(`corsOrigins takes exact origins${fault}`);
  if (origins.length === 0) return null;
  return (method) =>
    cors({
      origin: origins,
      allowMethods: (origin) => (origins.includes(origin) ? [method.toUpperCase()] : []),
      allowHeaders: ALLOW_HEADERS,
      maxAge: MAX_AGE_SECONDS,
    });
}

const EXAMPLES = ', for example https://shop.example or capacitor://localhost';
/** A page at such an address has no origin, or there are no pages at it. */
const WITHOUT_ORIGIN = /^(?:about|blob|data|file|ftp|javascript|wss?):/;

/**
 * What is wrong with an entry, or `null`: browsers send the normal form (RFC 6454, section 6.1),
 * which for web addresses has a lower-case ASCII host and no default port. No credentials are
 * quoted.
 */
function faultOf(text: unknown): string | null {
  if (typeof text === 'string' && text.includes('*')) return ': wildcards are not supported';
  if (typeof text !== 'string' || !URL.canParse(text)) return EXAMPLES;
  const { protocol, host } = new URL(text);
  if (host === '' || WITHOUT_ORIGIN.test(protocol)) return EXAMPLES;
  // URL keeps the host of an app's own scheme as it is, and browsers do not.
  const origin = `${protocol}//${host.toLowerCase()}`;
  return origin === text ? null : `: write ${origin}`;
}
