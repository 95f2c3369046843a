import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts with AES-GCM under a key of 16 or 32 bytes and a fresh IV: IV, ciphertext and tag, one after
 * the other.
 *
 * @param context what the text belongs to; it opens in the same one only
 */
export function seal(key: Uint8Array, text: string, context = ''): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(algorithmOf(key), key, iv).setAAD(Buffer.from(context));
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** The text, or `null` if it was not sealed with this key in this context, tag included. */
export function open(key: Uint8Array, sealed: Uint8Array, context = ''): string | null {
  if (sealed.length < IV_BYTES + TAG_BYTES) return null;
  const end = sealed.length - TAG_BYTES;
  const options = { authTagLength: TAG_BYTES };
  const iv = sealed.subarray(0, IV_BYTES);
  const decipher = createDecipheriv(algorithmOf(key), key, iv, options)
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(end));
  const text = decipher.update(sealed.subarray(IV_BYTES, end));
  try {
    return Buffer.concat([text, decipher.final()]).toString();
  } catch {
    return null;
  }
}

function algorithmOf(key: Uint8Array): 'aes-128-gcm' | 'aes-256-gcm' {
  return key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
}
