import { createCipheriv, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { WechatError } from './errors.ts';

const SCHEME = 'WECHATPAY2-SHA256-RSA2048';
/** Of a request's timestamp. WeChat does not publish its own tolerance. */
const TOLERANCE_SECONDS = 300;

export interface ReceivedRequest {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly target: string;
  readonly authorization: string | null;
  readonly body: string;
}

export interface MerchantKey {
  readonly mchId: string;
  readonly serialNo: string;
  readonly publicKey: KeyObject;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Checks the merchant's signature, as WeChat does before anything else. */
export function checkRequest(request: ReceivedRequest, merchant: MerchantKey): void {
  const [, scheme, list = ''] = /^(\S+) (.*)$/.exec(request.authorization ?? '') ?? [];
  if (scheme !== SCHEME) throw signError('认证类型不正确');
  const fields = new Map(
    [...list.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1], match[2] ?? '']),
  );
  const field = (name: string) => fields.get(name) ?? '';
  const timestamp = field('timestamp');
  if (field('mchid') !== merchant.mchId || field('serial_no') !== merchant.serialNo) {
    throw signError('商户证书序列号有误');
  }
  if (!/^\d{10}$/.test(timestamp) || !isRecent(Number(timestamp), merchant.now)) {
    throw signError('签名时间戳已过期');
  }
  const text = lines(request.method, request.target, timestamp, field('nonce_str'), request.body);
  const signature = Buffer.from(field('signature'), 'base64');
  if (!verify('sha256', Buffer.from(text), merchant.publicKey, signature)) {
    throw signError('签名错误');
  }
}

function isRecent(timestamp: number, now: number): boolean {
  return Math.abs(Math.floor(now / 1000) - timestamp) <= TOLERANCE_SECONDS;
}

function signError(message: string): WechatError {
  return new WechatError(401, 'SIGN_ERROR', message);
}

function lines(...parts: readonly string[]): string {
  return parts.map((part) => `${part}\n`).join('');
}

export interface SigningOptions {
  readonly serial: string;
  readonly privateKey: KeyObject;
  /** Epoch seconds. */
  readonly timestamp: number;
}

/** The headers that sign an answer or a notification. */
export function signatureHeaders(body: string, options: SigningOptions): Record<string, string> {
  const nonce = randomBytes(16).toString('hex');
  const timestamp = String(options.timestamp);
  const signed = sign('sha256', Buffer.from(lines(timestamp, nonce, body)), options.privateKey);
  return {
    'wechatpay-timestamp': timestamp,
    'wechatpay-nonce': nonce,
    'wechatpay-serial': options.serial,
    'wechatpay-signature': signed.toString('base64'),
    'wechatpay-signature-type': SCHEME,
  };
}

export interface Sealed {
  readonly algorithm: 'AEAD_AES_256_GCM';
  readonly ciphertext: string;
  readonly associated_data: string;
  readonly nonce: string;
}

/** Encrypts with the merchant's APIv3 key; the tag follows the text. */
export function seal(plaintext: string, apiV3Key: string, associatedData: string): Sealed {
  const nonce = randomBytes(6).toString('hex');
  const cipher = createCipheriv('aes-256-gcm', apiV3Key, nonce).setAAD(Buffer.from(associatedData));
  const parts = [cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return {
    algorithm: 'AEAD_AES_256_GCM',
    ciphertext: Buffer.concat(parts).toString('base64'),
    associated_data: associatedData,
    nonce,
  };
}

/** RFC 3339 in China's time, as in every message of WeChat Pay. */
export function chinaTime(at: number): string {
  return `${new Date(at + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`;
}
