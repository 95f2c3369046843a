import { createHash, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';

/** What a channel signs: the fields of a callback, as text. */
export interface SignedText {
  /**
   * `sorted`: all fields but the signature, by the code units of their names. A list: these, in
   * this order.
   */
  readonly order: 'sorted' | readonly string[];
  /** Fields that are not signed, besides the signature. Default none. */
  readonly without?: readonly string[];
  /** Default true: a field without a value is left out. With a list it is signed as empty. */
  readonly skipEmpty?: boolean;
  /** Between two `name=value`. Default `&`. */
  readonly separator?: string;
}

/**
 * How a channel signs. `digest` hashes the text and a secret, as `template` puts them together:
 * `{text}&key={secret}`; `{md5}` is the secret's MD5.
 */
export type SignatureScheme =
  | { readonly kind: 'hmac'; readonly hash: 'md5' | 'sha1' | 'sha256'; readonly secret: string }
  | {
      readonly kind: 'digest';
      readonly hash: 'md5' | 'sha1' | 'sha256';
      readonly secret: string;
      readonly template: string;
    }
  | { readonly kind: 'rsa'; readonly hash: 'sha1' | 'sha256'; readonly publicKey: KeyObject };

/** The fields of a callback. */
export type Fields = ReadonlyMap<string, string>;

export function signedTextOf(fields: Fields, signature: string, text: SignedText): string {
  const { order, without = [], separator = '&' } = text;
  const skipEmpty = text.skipEmpty ?? order === 'sorted';
  const names =
    order === 'sorted'
      ? [...fields.keys()].filter((name) => name !== signature && !without.includes(name)).sort()
      : order;
  return names
    .map((name) => [name, fields.get(name) ?? ''] as const)
    .filter(([, value]) => !skipEmpty || value !== '')
    .map(([name, value]) => `${name}=${value}`)
    .join(separator);
}

/** True if a signature, in hexadecimal (of either case) or base64, signs the text. */
export function isSigned(scheme: SignatureScheme, text: string, given: string): boolean {
  if (scheme.kind === 'rsa') {
    return verify(scheme.hash, Buffer.from(text), scheme.publicKey, Buffer.from(given, 'base64'));
  }
  const expected = macOf(scheme, text);
  return [Buffer.from(given, 'hex'), Buffer.from(given, 'base64')].some(
    (bytes) => bytes.length === expected.length && timingSafeEqual(bytes, expected),
  );
}

function macOf(scheme: Exclude<SignatureScheme, { kind: 'rsa' }>, text: string): Buffer {
  const { hash, secret } = scheme;
  if (scheme.kind === 'hmac') return createHmac(hash, secret).update(text).digest();
  const parts: Readonly<Record<string, string>> = {
    text,
    secret,
    md5: createHash('md5').update(secret).digest('hex'),
  };
  const signed = scheme.template.replace(/\{(text|secret|md5)\}/g, (_, name) => parts[name] ?? '');
  return createHash(hash).update(signed).digest();
}
