import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

export const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Of 16 or 32 bytes. */
type Key = Uint8Array | KeyObject;

interface Sealing {
  /** What the text belongs to; it opens in the same one only. */
  readonly context?: string;
  /** Never twice with one key; made at random if absent. */
  readonly iv?: Uint8Array;
}

/** Encrypts with AES-GCM: IV, ciphertext and tag, one after the other. */
export function seal(
  key: Key,
  text: string,
  { context = '', iv = randomBytes(IV_BYTES) }: Sealing = {},
): Buffer {
  const cipher = createCipheriv(algorithmOf(key), key, iv).setAAD(Buffer.from(context));
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** The text, or `null` if it was not sealed with this key in this context, tag included. */
export function open(key: Key, sealed: Uint8Array, context = ''): string | null {
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

function algorithmOf(key: Key): 'aes-128-gcm' | 'aes-256-gcm' {
  const bytes = key instanceof Uint8Array ? key.length : key.symmetricKeySize;
  return bytes === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
}
