import { SpendcapError } from '@spendcap/core';
import { signJwt } from '../internal/tokens/signing-key.ts';
import { type AuthorityKey, type KeyRing, keyRing } from './keys.ts';

/** Signs claims as a JWT of a type. */
export type SignClaims = (claims: object, typ: string) => Promise<string>;

export interface AuthoritySigner {
  /** Rejects with a SpendcapError `age_keys_unavailable` if no key signs now. */
  readonly sign: SignClaims;
  readonly jwks: () => { readonly keys: readonly Readonly<Record<string, unknown>>[] };
}

/**
 * Signs with the key whose time it is.
 *
 * @param keys a list, or a function that gives the same one while nothing has changed
 * @throws TypeError for keys that cannot sign
 */
export function authoritySigner(
  keys: readonly AuthorityKey[] | (() => readonly AuthorityKey[]),
  { tokenSeconds, now }: { readonly tokenSeconds: number; readonly now: () => number },
): AuthoritySigner {
  const given = typeof keys === 'function' ? keys : () => keys;
  // Read once for each list, since that is slow.
  let read: { readonly keys: readonly AuthorityKey[]; readonly ring: KeyRing } | undefined;
  const ring = () => {
    const current = given();
    if (read?.keys !== current) read = { keys: current, ring: keyRing(current, tokenSeconds) };
    return read.ring;
  };
  ring();
  return {
    jwks: () => ({
      keys: ring()
        .published(now())
        .map(({ publicJwk }) => publicJwk),
    }),
    async sign(claims, typ) {
      const signer = ring().signer(now());
      if (signer === null) {
        throw new SpendcapError('age_keys_unavailable', 'No key of the age authority signs now.');
      }
      return signJwt(signer, typ, claims);
    },
  };
}
