import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { assertOptions } from '@spendcap/core';
import type { FakePlayNotice, JsonObject } from './objects.ts';

/** How a push of Pub/Sub is configured and recognised. */
export interface FakePlayPush {
  /** The `aud` of its tokens. */
  readonly audience: string;
  /** The service account that signs in. */
  readonly email: string;
  readonly subscription: string;
}

/** Options of `FakeGooglePlay.notification`. */
export interface FakePlayNotificationOptions {
  readonly url?: string;
  /** Replaces claims of the token: `{ aud: 'https://other.example' }`. */
  readonly claims?: JsonObject;
  /** Age of the token in seconds; it is valid for an hour. */
  readonly age?: number;
  /** Signs with a key that is not Google's, under the id of Google's key. */
  readonly isForged?: boolean;
  /** Without a token. */
  readonly isUnsigned?: boolean;
  readonly subscription?: string;
  readonly messageId?: string;
  /** Replaces the decoded message. */
  readonly content?: unknown;
  /** Replaces the base64 text of the message. */
  readonly data?: string;
  /** Replaces the body. */
  readonly body?: string;
}

const OPTION_NAMES = {
  ...({ url: true, claims: true, age: true, isForged: true, isUnsigned: true } as const),
  ...({ subscription: true, messageId: true, content: true, data: true, body: true } as const),
};

const KEY_ID = 'fake-google-1';

/** RSA keys are slow to generate, therefore all fakes of a process use the same ones. */
const keys = new Map<string, KeyObject>();

function keyOf(owner: 'google' | 'stranger'): KeyObject {
  const known = keys.get(owner);
  if (known !== undefined) return known;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  keys.set(owner, privateKey);
  return privateKey;
}

/** The public keys of the tokens, as a JWK Set. */
export function pushKeys(): { readonly keys: readonly JsonObject[] } {
  const jwk = createPublicKey(keyOf('google')).export({ format: 'jwk' });
  return { keys: [{ ...jwk, kid: KEY_ID, alg: 'RS256', use: 'sig' }] };
}

/** The push request of Pub/Sub for a message of the topic. */
export function pushRequest(
  push: FakePlayPush,
  { messageId, at, content }: FakePlayNotice,
  { now, ...given }: FakePlayNotificationOptions & { readonly now: number },
): Request {
  assertOptions('notification', given, OPTION_NAMES);
  const { url = push.audience, isUnsigned = false, subscription = push.subscription } = given;
  const text = JSON.stringify(given.content === undefined ? content : given.content);
  const data = given.data ?? Buffer.from(text).toString('base64');
  const id = given.messageId ?? messageId;
  const publishTime = new Date(at).toISOString();
  const twins = { message_id: id, publish_time: publishTime };
  const message = { attributes: {}, data, messageId: id, publishTime, ...twins };
  const body = given.body ?? JSON.stringify({ message, subscription, deliveryAttempt: 1 });
  const headers = new Headers({ 'content-type': 'application/json' });
  if (!isUnsigned) headers.set('authorization', `Bearer ${tokenOf(push, { ...given, now })}`);
  return new Request(url, { method: 'POST', headers, body });
}

function tokenOf(
  { audience, email }: FakePlayPush,
  given: Pick<FakePlayNotificationOptions, 'claims' | 'age' | 'isForged'> & {
    readonly now: number;
  },
): string {
  const iat = Math.floor(given.now / 1_000) - (given.age ?? 0);
  const claims = {
    ...{ iss: 'https://accounts.google.com', aud: audience, azp: '110000000000000000001' },
    ...{ sub: '110000000000000000001', email, email_verified: true, iat, exp: iat + 3_600 },
    ...given.claims,
  };
  const parts = [{ alg: 'RS256', kid: KEY_ID, typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const signed = parts.join('.');
  const key = keyOf(given.isForged === true ? 'stranger' : 'google');
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
