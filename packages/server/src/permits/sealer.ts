import { createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import { IV_BYTES, open, seal } from '../jwt/sealed.ts';

const COUNTER_BYTES = 4;
const LAST_COUNT = 2 ** (8 * COUNTER_BYTES) - 1;

/** Texts that only the holder of a secret can make or read, each for one name. */
export function sealer(secret: string, purpose: string) {
  // Made ready once: it would cost more than the rest.
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', purpose, 32)));
  const nextIv = counted();
  return {
    seal: (name: string, text: string): string =>
      seal(key, text, { context: name, iv: nextIv() }).toString('base64url'),
    /** `null` for all that was not sealed so. */
    open: (name: string, sealed: string) => open(key, Buffer.from(sealed, 'base64url'), name),
  };
}

/**
 * IVs that never come twice: a random part of this sealer's own, and a counter (NIST SP 800-38D, section
 * 8.2.1). All random, they would meet after too few permits of a large shop.
 */
function counted(): () => Buffer {
  let own = randomBytes(IV_BYTES - COUNTER_BYTES);
  let count = 0;
  return () => {
    if (count === LAST_COUNT) {
      own = randomBytes(own.length);
      count = 0;
    }
    count += 1;
    const iv = Buffer.alloc(IV_BYTES);
    own.copy(iv);
    iv.writeUInt32BE(count, own.length);
    return iv;
  };
}
