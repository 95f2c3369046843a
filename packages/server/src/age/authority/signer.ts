import { SpendcapError } from '@spendcap/core';
import { signJwt } from '../../jwt/signing-key.ts';
import { type AuthorityKey, type KeyRing, keyRing } from './keys.ts';

/** Signs claims as a JWT of a type. */
export type SignClaims = (claims: object, typ: string) => Promise<string>;

export interface AuthoritySigner {
  /**
   * Rejects with a SpendcapError `age_keys_unavailable` if no key is active, or none can be read.
   */
  readonly sign: SignClaims;
  readonly jwks: () => { readonly keys: readonly Readonly<Record<string, unknown>>[] };
}

/**
 * Signs with the active key.
 *
 * @param keys a list, or a function that returns the same one while nothing has changed
 * @throws TypeError for keys that cannot sign
 */
export function authoritySigner(
  keys: readonly AuthorityKey[] | (() => readonly AuthorityKey[]),
  { tokenSeconds, now }: { readonly tokenSeconds: number; readonly now: () => number },
): AuthoritySigner {
  const given = typeof keys === 'function' ? keys : () => keys;
  // Parsed once per list, since that is slow.
  let read: { readonly keys: readonly AuthorityKey[]; readonly ring: KeyRing } | undefined;
  const ring = () => {
    const current = given();
    if (read?.keys !== current) read = { keys: current, ring: keyRing(current, tokenSeconds) };
    return read.ring;
  };
  ring();
  const usable = () => {
    try {
      return ring();
    } catch {
      // Without the cause: the error of a file or a parser may quote the keys.
      throw unavailable('The keys of the age authority could not be read.');
    }
  };
  return {
    jwks: () => ({
      keys: usable()
        .published(now())
        .map(({ publicJwk }) => publicJwk),
    }),
    async sign(claims, typ) {
      const signer = usable().signer(now());
      if (signer === null) throw unavailable('No key of the age authority is active.');
      return signJwt(signer, typ, claims);
    },
  };
}

function unavailable(message: string): SpendcapError {
  return new SpendcapError('age_keys_unavailable', message);
}
