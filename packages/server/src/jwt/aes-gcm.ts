import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

export const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Of 16 or 32 bytes. */
type Key = Uint8Array | KeyObject;

interface Encryption {
  /** Additional authenticated data: the text decrypts in the same context only. */
  readonly context?: string;
  /** Never twice with one key. Default random. */
  readonly iv?: Uint8Array;
}

/** Encrypts with AES-GCM. Returns IV, ciphertext and tag, concatenated. */
export function encrypt(
  key: Key,
  text: string,
  { context = '', iv = randomBytes(IV_BYTES) }: Encryption = {},
): Buffer {
  const cipher = createCipheriv(algorithmOf(key), key, iv).setAAD(Buffer.from(context));
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** The text, or `null` if it was not encrypted with this key in this context. */
export function decrypt(key: Key, encrypted: Uint8Array, context = ''): string | null {
  if (encrypted.length < IV_BYTES + TAG_BYTES) return null;
  const end = encrypted.length - TAG_BYTES;
  const options = { authTagLength: TAG_BYTES };
  const iv = encrypted.subarray(0, IV_BYTES);
  const decipher = createDecipheriv(algorithmOf(key), key, iv, options)
    .setAAD(Buffer.from(context))
    .setAuthTag(encrypted.subarray(end));
  const text = decipher.update(encrypted.subarray(IV_BYTES, end));
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
