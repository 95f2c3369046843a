import { parseJson, type RawNotification, type VerifiedNotification } from '@spendcap/core';
import { type JwkSet, keySet } from '../../jwt/key-set.ts';
import { readJwt, verifyJwt } from '../../jwt/verify.ts';
import { type JsonObject, objectOf, textOf } from './fields.ts';

/** How the push subscription of the app's notifications is configured. */
export interface GooglePlayPush {
  /** The audience of the push subscription. Without one, Pub/Sub uses the address of the push. */
  readonly audience: string;
  /** The service account with which the push subscription signs in. */
  readonly email: string;
  /** `projects/{project}/subscriptions/{name}`. */
  readonly subscription: string;
  /** Google's keys. Default: read from Google when they are first needed. */
  readonly jwks?: URL | JwkSet;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

const GOOGLE_KEYS = 'https://www.googleapis.com/oauth2/v3/certs';
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
const MAX_TOKEN_BYTES = 8_192;
const TOLERANCE_SECONDS = 300;
/** Google's tokens are valid for an hour. */
const MAX_LIFETIME_SECONDS = 24 * 3_600;

/**
 * Verifies a push of Pub/Sub: its OpenID token, then whether it is of this subscription and app.
 * What it says is not signed, and serves as a hint where to look.
 *
 * @throws TypeError for a key set that can never work
 */
export function pushVerifier(
  push: GooglePlayPush,
  { packageName, now }: { readonly packageName: string; readonly now: () => number },
) {
  const { audience, email, subscription, jwks = new URL(GOOGLE_KEYS), fetch } = push;
  const keys = keySet(jwks, { code: 'outcome_unknown', now, fetch });
  const rules = {
    ...{ keys, algorithms: ['RS256'], typ: 'JWT', toleranceSeconds: TOLERANCE_SECONDS },
    ...{ issuer: ISSUERS, audience, requiredClaims: ['iss', 'aud', 'exp', 'iat', 'email'] },
  };

  async function isSigned(authorization: string | null, at: number): Promise<boolean> {
    const [, token] = /^Bearer ([^\s]+)$/.exec(authorization ?? '') ?? [];
    if (token === undefined) return false;
    const jwt = readJwt(token, MAX_TOKEN_BYTES);
    if (typeof jwt === 'string' || (await verifyJwt(jwt, rules, at)) !== null) return false;
    const { claims } = jwt;
    const isShort = Number(claims.exp) < at / 1_000 + MAX_LIFETIME_SECONDS;
    return isShort && claims.email === email && claims.email_verified === true;
  }

  return async (
    { header, body }: RawNotification,
    at: number,
  ): Promise<VerifiedNotification | 'refused' | null> => {
    if (!(await isSigned(header('authorization'), at))) return null;
    const envelope = jsonIn(Buffer.from(body));
    if (envelope.subscription !== subscription) return 'refused';
    const { data, messageId, message_id } = objectOf(envelope.message);
    const id = textOf(messageId) ?? textOf(message_id);
    const content = jsonIn(Buffer.from(textOf(data) ?? '', 'base64'));
    // Unreadable: delivering it again would not help.
    if (Object.keys(content).length === 0) return { id, type: 'unreadable', payload: content };
    if (content.packageName !== packageName) return 'refused';
    const type = Object.keys(content).find((name) => name.endsWith('Notification')) ?? 'unknown';
    return { id, type, payload: content };
  };
}

/** An object; an empty one for anything else. */
function jsonIn(bytes: Buffer): JsonObject {
  try {
    return objectOf(parseJson(bytes.toString('utf8')));
  } catch {
    return {};
  }
}
