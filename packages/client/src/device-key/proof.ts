import type { ProofRequest } from '../types.ts';

/**
 * Signs with a private key of this device, for age tokens that are bound to it. In a browser, use a
 * non-extractable WebCrypto key pair stored in IndexedDB.
 */
export interface DeviceKey {
  /** The JWS algorithm, for example `ES256`. */
  readonly algorithm: string;
  /** The public key as a JWK, without private members. */
  readonly publicKey: Readonly<Record<string, unknown>>;
  /** The signature in JWS format: for ES256 the 64 bytes that WebCrypto returns. */
  sign(data: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer | Uint8Array>;
  /** SHA-256. Default `crypto.subtle.digest`. */
  readonly sha256?: (data: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer | Uint8Array>;
  /** Epoch milliseconds; the clock skew must be under a minute. Default `Date.now`. */
  readonly now?: () => number;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A DPoP proof (RFC 9449, section 4.2) that binds this request and token to the key. */
export async function makeProof(key: DeviceKey, request: ProofRequest): Promise<string> {
  const { algorithm: alg, publicKey: jwk, now = Date.now, sha256 = platformSha256 } = key;
  const { method: htm, url, ageToken, id: jti } = request;
  const head = encode(bytesOf({ typ: 'dpop+jwt', alg, jwk }));
  const iat = Math.floor(now() / 1000);
  const ath = encode(await sha256(asciiBytes(ageToken)));
  const claims = { jti, htm, htu: url.replace(/[?#].*/, ''), iat, ath };
  const input = `${head}.${encode(bytesOf(claims))}`;
  return `${input}.${encode(await key.sign(asciiBytes(input)))}`;
}

async function platformSha256(data: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const { crypto } = globalThis as unknown as {
    readonly crypto?: {
      readonly subtle?: { digest(name: string, data: Uint8Array): Promise<ArrayBuffer> };
    };
  };
  if (crypto?.subtle === undefined) {
    throw new TypeError('deviceSigner needs `sha256` on this platform');
  }
  return crypto.subtle.digest('SHA-256', data);
}

/** JSON in ASCII, because not every platform has a TextEncoder. */
function bytesOf(value: object): Uint8Array<ArrayBuffer> {
  const escaped = (character: string) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return asciiBytes(JSON.stringify(value).replace(/[^\0-\x7f]/g, escaped));
}

function asciiBytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Base64url without padding. */
function encode(data: ArrayBuffer | Uint8Array): string {
  const bytes = new Uint8Array(data);
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 3);
    const group = (first << 16) | (second << 8) | third;
    const length = Math.min(bytes.length - at, 3) + 1;
    for (let digit = 0; digit < length; digit += 1) {
      text += ALPHABET[(group >> (18 - 6 * digit)) & 63];
    }
  }
  return text;
}
