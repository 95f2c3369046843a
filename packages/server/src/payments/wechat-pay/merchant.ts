import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  KeyObject,
  X509Certificate,
} from 'node:crypto';
import { assertOptions, type OptionNames } from '@spendcap/core';
import { checkNow, checkTimeout } from '../deps.ts';

/** Options of `wechatPayClient`. */
export interface WechatPayClientOptions {
  /** The merchant number, `mchid`. */
  readonly mchId: string;
  /** The apps through which this merchant sells, at least one. */
  readonly appIds: readonly string[];
  /** Serial number of the merchant's own API certificate. */
  readonly serialNo: string;
  /** The private key of that certificate: PEM, or a KeyObject. RSA, at least 2048 bits. */
  readonly privateKey: string | KeyObject;
  /** The APIv3 key: 32 bytes. */
  readonly apiV3Key: string;
  /**
   * WeChat Pay's keys as PEM by `Wechatpay-Serial`: public keys (`PUB_KEY_ID_...`), platform
   * certificates, or both while a merchant is moving to the public key. Platform certificates that
   * are not listed are downloaded when they are first needed; a public key cannot be.
   */
  readonly platformKeys?: Readonly<Record<string, string>>;
  /** Default `https://api.mch.weixin.qq.com`. */
  readonly baseUrl?: string;
  /** Time limit of a call in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Default: the global `fetch`. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

const OPTIONS: OptionNames<WechatPayClientOptions> = {
  mchId: true,
  appIds: true,
  serialNo: true,
  privateKey: true,
  apiV3Key: true,
  platformKeys: true,
  baseUrl: true,
  timeoutMs: true,
  fetch: true,
  now: true,
};

/** A key that verifies WeChat Pay's messages. */
export interface PlatformKey {
  readonly key: KeyObject;
  /** Epoch milliseconds; a public key has no validity. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Checked options. */
export interface Merchant {
  readonly mchId: string;
  readonly appIds: readonly string[];
  readonly serialNo: string;
  readonly privateKey: KeyObject;
  readonly apiV3Key: KeyObject;
  readonly platformKeys: ReadonlyMap<string, PlatformKey>;
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly now: () => number;
}

/** @throws TypeError for an option that can never work; it never quotes a key */
export function merchantOf(options: WechatPayClientOptions): Merchant {
  assertOptions('wechatPayClient', options, OPTIONS);
  const { mchId, appIds, serialNo, apiV3Key, platformKeys = {}, timeoutMs = 10_000 } = options;
  const { baseUrl = 'https://api.mch.weixin.qq.com', now = Date.now } = options;
  if (!isText(mchId, /^\d{5,32}$/)) throw new TypeError('mchId: expected the merchant number');
  const areApps = Array.isArray(appIds) && appIds.every((id) => isText(id, /^\w{5,32}$/));
  if (!areApps || appIds.length === 0) throw new TypeError('appIds: expected at least one app id');
  if (!isText(serialNo, /^[0-9A-Fa-f]{8,64}$/)) {
    throw new TypeError('serialNo: expected the hexadecimal number of your API certificate');
  }
  if (typeof apiV3Key !== 'string' || Buffer.byteLength(apiV3Key) !== 32) {
    throw new TypeError('apiV3Key: expected a text of 32 bytes');
  }
  if (!isText(baseUrl, /^https?:\/\/[^/?#]+$/)) {
    throw new TypeError('baseUrl: expected an origin such as https://api2.mch.weixin.qq.com');
  }
  checkTimeout(timeoutMs);
  checkNow(now);
  const privateKey = privateKeyOf(options.privateKey);
  const keys = platformKeysOf(platformKeys);
  assertForeign(privateKey, keys);
  const fetch = options.fetch ?? ((request: Request) => globalThis.fetch(request));
  if (typeof fetch !== 'function') throw new TypeError('fetch: expected a function');
  return {
    ...{ mchId, appIds: [...appIds], serialNo: serialNo.toUpperCase(), privateKey },
    // Node.js decrypts several times faster with a KeyObject than with bytes.
    apiV3Key: createSecretKey(apiV3Key, 'utf8'),
    ...{ platformKeys: keys, baseUrl, timeoutMs, fetch, now },
  };
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function privateKeyOf(given: string | KeyObject): KeyObject {
  const message = 'privateKey: expected a private RSA key of at least 2048 bits, as PEM';
  try {
    const key = given instanceof KeyObject ? given : createPrivateKey(given);
    if (key.type === 'private' && isStrongRsa(key)) return key;
  } catch {
    // The cause might quote the key.
  }
  throw new TypeError(message);
}

function isStrongRsa({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
}

function platformKeysOf(given: unknown): ReadonlyMap<string, PlatformKey> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError('platformKeys: expected PEM texts by Wechatpay-Serial');
  }
  return new Map(
    Object.entries(given).map(([serial, pem]: [string, unknown]) => {
      const isPublicKey = serial.startsWith('PUB_KEY_ID_');
      const key = isPublicKey ? publicKeyIn(pem) : certificateIn(pem, serial);
      if (key !== null) return [isPublicKey ? serial : serial.toUpperCase(), key];
      const expected = isPublicKey ? 'public RSA key' : 'certificate with that serial number';
      throw new TypeError(`platformKeys: ${serial} is not the PEM of a ${expected}`);
    }),
  );
}

function publicKeyIn(pem: unknown): PlatformKey | null {
  // `createPublicKey` would also take a private key or a certificate.
  if (typeof pem !== 'string' || !/^\s*-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(pem)) return null;
  try {
    const key = createPublicKey(pem);
    return isStrongRsa(key) ? { key, notBefore: -Infinity, notAfter: Infinity } : null;
  } catch {
    return null;
  }
}

/** The key of a certificate; `null` if it has another serial number, or is none. */
export function certificateIn(pem: unknown, serial: string): PlatformKey | null {
  if (typeof pem !== 'string') return null;
  try {
    const certificate = new X509Certificate(pem);
    const { publicKey: key, validFromDate, validToDate, serialNumber } = certificate;
    if (serialNumber !== serial.toUpperCase() || !isStrongRsa(key)) return null;
    return { key, notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() };
  } catch {
    return null;
  }
}

/** The merchant's own certificate in the place of WeChat's would verify nothing, or forgeries. */
function assertForeign(own: KeyObject, keys: ReadonlyMap<string, PlatformKey>): void {
  const ownPublic = createPublicKey(own);
  for (const [serial, { key }] of keys) {
    if (!key.equals(ownPublic)) continue;
    throw new TypeError(`platformKeys: ${serial} is your own certificate, not WeChat Pay's key`);
  }
}
