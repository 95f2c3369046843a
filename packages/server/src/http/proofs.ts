import { invalidRequest, SpendcapError } from '@spendcap/core';
import type { Player } from '../limiter/types.ts';
import type { Caller } from './auth.ts';

/** Finds the DPoP proof of a call and adds the method and URL that it must have been signed for. */
export interface Proofs {
  /**
   * For a player's own call: the `DPoP` header.
   *
   * @throws SpendcapError `unauthorized`
   */
  inHeader(request: Request, caller: Extract<Caller, { kind: 'player' }>, path: string): Player;
  /**
   * For a back end's call on behalf of a player: a field of the body.
   *
   * @throws SpendcapError `invalid_request`
   */
  inBody<Body extends { readonly proof?: string }>(
    body: Body,
    path: string,
  ): Omit<Body, 'proof'> & Pick<Player, 'proof'>;
}

/**
 * @param publicUrl from configuration: the caller chooses a request's `Host`
 * @throws TypeError if it is not an http or https URL
 */
export function createProofs(publicUrl: string | undefined): Proofs {
  const base = publicUrl?.replace(/\/$/, '');
  if (base !== undefined && !/^https?:\/\/[^?#]+$/.test(base)) {
    throw new TypeError('publicUrl must be an http or https URL without a query');
  }
  return {
    inHeader({ method }, { ageToken, dpop }, path) {
      if (dpop === null) return { ageToken };
      if (base !== undefined) {
        return { ageToken, proof: { jwt: dpop, method, url: base + path } };
      }
      throw new SpendcapError(
        'unauthorized',
        'DPoP proofs are not accepted: publicUrl is not set.',
      );
    },
    inBody({ proof: jwt, ...body }, path) {
      if (jwt === undefined) return body;
      if (base !== undefined) {
        return { ...body, proof: { jwt, method: 'POST', url: base + path } };
      }
      throw invalidRequest('proof', 'is not accepted: publicUrl is not set');
    },
  };
}
