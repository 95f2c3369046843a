import { createHmac, createSecretKey, hash } from 'node:crypto';

const MIN_KEY_BYTES = 16;

/**
 * Makes the pseudonym of an issuer's subject: HMAC-SHA256 with a key; without one, SHA-256, which
 * hides a `sub` only if it cannot be guessed.
 *
 * @throws TypeError for a key of fewer than 16 bytes
 */
export function pseudonyms(
  key: Uint8Array | string | undefined,
): (issuer: string, sub: string) => string {
  if (key === undefined) {
    return (issuer, sub) => `sub_${hash('sha256', `${issuer}\n${sub}`, 'base64url')}`;
  }
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  if (!(bytes instanceof Uint8Array) || bytes.length < MIN_KEY_BYTES) {
    throw new TypeError(`subjectKey must have at least ${MIN_KEY_BYTES} bytes`);
  }
  const secret = createSecretKey(bytes);
  return (issuer, sub) =>
    `sub_${createHmac('sha256', secret).update(`${issuer}\n${sub}`).digest('base64url')}`;
}
