import { createHmac, timingSafeEqual } from 'node:crypto';

/** Hexadecimal HMAC-SHA256, the only primitive of the mini-game API. */
export function hmac(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

/** Compares in constant time. */
export function isHmac(given: unknown, expected: string): boolean {
  if (typeof given !== 'string') return false;
  const [some, other] = [Buffer.from(given), Buffer.from(expected)];
  // Bytes, not letters: it throws for buffers of different lengths.
  return some.length === other.length && timingSafeEqual(some, other);
}

/** `paySig`: by the app key, over the method of the device or the path of the API. */
export function paySignature(appKey: string, method: string, text: string): string {
  return hmac(appKey, `${method}&${text}`);
}
