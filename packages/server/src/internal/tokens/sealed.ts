import { createHmac, hkdfSync } from 'node:crypto';
import { open, seal } from '../sealed.ts';

/**
 * Texts that only the holder of a secret can make or read, each for one name and under a key made of the
 * secret and the name, so that no key ever meets many random IVs.
 */
export function sealer(secret: string, purpose: string) {
  const master = Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
  const keyOf = (name: string) => createHmac('sha256', master).update(name).digest();
  return {
    seal: (name: string, text: string): string => seal(keyOf(name), text).toString('base64url'),
    /** `null` for all that was not sealed so. */
    open: (name: string, sealed: string) => open(keyOf(name), Buffer.from(sealed, 'base64url')),
  };
}
