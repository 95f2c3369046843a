import { randomBytes } from 'node:crypto';
import { parseJson } from '@spendcap/core';
import { withDeadline } from '../deadline.ts';
import { readBody } from '../raw-body.ts';
import { wechatPayError } from './errors.ts';
import { type Merchant, merchantOf, type WechatPayClientOptions } from './merchant.ts';
import { type PlatformKeys, platformKeys } from './platform-keys.ts';
import { openResource } from './resource.ts';
import { authorization, type SignedMessage, signText } from './signature.ts';

/** Above the size of any answer of these calls. */
const MAX_ANSWER_BYTES = 1_048_576;

/** An object that was parsed from JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A call of WeChat Pay's API v3. */
export interface WechatPayCall {
  readonly method: 'GET' | 'POST';
  /** Path and query: `/v3/bill/tradebill?bill_date=2026-05-20`. */
  readonly path: string;
  readonly body?: JsonObject;
}

/** A client of WeChat Pay's API v3 for one merchant, see `wechatPayClient`. */
export interface WechatPayClient {
  readonly mchId: string;
  readonly appIds: readonly string[];
  /**
   * Signs and makes a call, and verifies the signature of its answer.
   *
   * @returns the JSON object; `null` for 204
   * @throws WechatPayError for any other status, or an answer without a valid signature; what
   *   `fetch` rejects with; SpendcapError `outcome_unknown` if the answer cannot be verified yet
   */
  request(call: WechatPayCall): Promise<JsonObject | null>;
  /** Signs a text with the merchant's key: base64 of SHA-256 with RSA. */
  sign(text: string): string;
  /**
   * True if a notification is signed by WeChat Pay, over its raw bytes, at most 5 minutes ago.
   *
   * @throws SpendcapError `outcome_unknown` while WeChat Pay's certificates cannot be had
   */
  verify(message: SignedMessage, at: number): Promise<boolean>;
  /** Decrypts the resource of a notification; `null` if it was not sealed with the APIv3 key. */
  decrypt(resource: unknown): string | null;
}

/**
 * A client of WeChat Pay's API v3. There is no official one for Node.js. It opens no connection and
 * keeps no state except platform certificates, which it downloads when they are first needed.
 *
 * @example
 * ```ts
 * import { generateKeyPairSync } from 'node:crypto';
 * import { wechatPayClient } from '@spendcap/server/payments/wechat-pay';
 * const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
 * const wechat = wechatPayClient({
 *   mchId: '1900000001',
 *   appIds: ['wx00000000000000aa'],
 *   serialNo: '5A6B7C8D9E0F1A2B3C4D5E6F708192A3B4C5D6E7',
 *   privateKey,
 *   apiV3Key: 'example-key-of-32-bytes-for-docs',
 * });
 * wechat.mchId; // => '1900000001'
 * ```
 * @throws TypeError for an option that can never work, for example a key of the wrong kind
 */
export function wechatPayClient(options: WechatPayClientOptions): WechatPayClient {
  const merchant = merchantOf(options);
  const keys: PlatformKeys = platformKeys(merchant, async () => {
    const call = { method: 'GET', path: '/v3/certificates' } as const;
    const { response, message } = await exchange(merchant, call, null);
    if (response.status !== 200) throw failure(response, refusalIn(message.body));
    return message;
  });
  return {
    mchId: merchant.mchId,
    appIds: merchant.appIds,
    async request(call) {
      const serial = keys.preferred(merchant.now());
      const { response, message } = await exchange(merchant, call, serial);
      // 202 is a refusal, too: the player is paying.
      const isDone = response.status === 200 || response.status === 204;
      if (!isDone) throw failure(response, refusalIn(message.body));
      const isVerified = await keys.verify(message, merchant.now());
      if (!isVerified) throw failure(response, { code: 'UNVERIFIED' });
      if (response.status === 204) return null;
      const answer = objectIn(message.body);
      if (answer === null) throw failure(response, { code: null });
      return answer;
    },
    sign: (text) => signText(text, merchant.privateKey),
    verify: keys.verify,
    decrypt: (resource) => openResource(resource, merchant.apiV3Key),
  };
}

interface Exchange {
  readonly response: Response;
  readonly message: SignedMessage;
}

function exchange(
  merchant: Merchant,
  call: WechatPayCall,
  serial: string | null,
): Promise<Exchange> {
  const request = requestOf(merchant, call, serial);
  return withDeadline(merchant.timeoutMs, async (signal) => {
    const response = await merchant.fetch(new Request(request, { signal }));
    return { response, message: await messageOf(response) };
  });
}

function requestOf(
  merchant: Merchant,
  { method, path, body: given }: WechatPayCall,
  serial: string | null,
): Request {
  // Appended to the origin, anything else could name another host.
  if (!path.startsWith('/v3/')) throw new TypeError('path: expected one that begins with /v3/');
  const url = new URL(merchant.baseUrl + path);
  const body = given === undefined ? '' : JSON.stringify(given);
  const timestamp = Math.floor(merchant.now() / 1_000);
  const nonce = randomBytes(16).toString('hex');
  const text = { method, target: url.pathname + url.search, timestamp, nonce, body };
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'spendcap',
    authorization: authorization(text, merchant),
    ...(serial === null ? {} : { 'wechatpay-serial': serial }),
  };
  const sent = given === undefined ? {} : { body };
  return new Request(url, { method, headers, ...sent, redirect: 'error' });
}

async function messageOf(response: Response): Promise<SignedMessage> {
  const body = await readBody(response, MAX_ANSWER_BYTES);
  if (body === null) throw failure(response, { code: 'UNVERIFIED' });
  return { header: (name) => response.headers.get(name), body };
}

interface Refusal {
  readonly code: string | null;
  readonly field?: string;
}

function failure(response: Response, refusal: Refusal): Error {
  const requestId = response.headers.get('request-id');
  return wechatPayError({ status: response.status, requestId, ...refusal });
}

function refusalIn(body: Uint8Array): Refusal {
  const { code, detail } = objectIn(body) ?? {};
  const field = typeof detail === 'object' ? Reflect.get(detail ?? {}, 'field') : undefined;
  return {
    code: typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : null,
    ...(typeof field === 'string' && /^[\w/.-]{1,64}$/.test(field) ? { field } : {}),
  };
}

/** The JSON object in a body; `null` if it is none. */
export function objectIn(body: Uint8Array | string): JsonObject | null {
  try {
    const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
    const value = parseJson(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}
