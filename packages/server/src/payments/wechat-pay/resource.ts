import { type CipherKey, createDecipheriv } from 'node:crypto';

const TAG_BYTES = 16;
/** GCM's nonce (NIST SP 800-38D); WeChat sends twelve ASCII characters. */
const NONCE_BYTES = 12;

/**
 * Decrypts a resource of a notification or a certificate (AEAD_AES_256_GCM, RFC 5116), with its tag
 * and its associated data checked.
 *
 * @returns `null` if it was not sealed with this key, or is no such resource
 */
export function openResource(resource: unknown, apiV3Key: CipherKey): string | null {
  if (typeof resource !== 'object' || resource === null) return null;
  const { algorithm, ciphertext, nonce, associated_data = '' } = resource as Resource;
  if (algorithm !== 'AEAD_AES_256_GCM' || typeof ciphertext !== 'string') return null;
  if (typeof nonce !== 'string' || Buffer.byteLength(nonce) !== NONCE_BYTES) return null;
  // Empty data may be absent or null.
  const data = associated_data ?? '';
  if (typeof data !== 'string') return null;
  const bytes = Buffer.from(ciphertext, 'base64');
  if (bytes.length <= TAG_BYTES) return null;
  try {
    const decipher = createDecipheriv('aes-256-gcm', apiV3Key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(data)).setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = decipher.update(bytes.subarray(0, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

interface Resource {
  readonly algorithm?: unknown;
  readonly ciphertext?: unknown;
  readonly nonce?: unknown;
  readonly associated_data?: unknown;
}
