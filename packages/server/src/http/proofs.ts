import { invalidRequest, SpendcapError } from '@spendcap/core';
import type { Player } from '../limiter/types.ts';
import type { Caller } from './auth.ts';

/** Finds the DPoP proof of a call, and says what request it must have been made for. */
export interface Proofs {
  /**
   * Of a player's own call: in the `DPoP` header.
   *
   * @throws SpendcapError `unauthorized`
   */
  inHeader(request: Request, caller: Extract<Caller, { kind: 'player' }>, path: string): Player;
  /**
   * Of a back end's call for a player: in the body.
   *
   * @throws SpendcapError `invalid_request`
   */
  inBody<Body extends { readonly proof?: string }>(
    body: Body,
    path: string,
  ): Omit<Body, 'proof'> & Pick<Player, 'proof'>;
}

/**
 * @param publicUrl not taken from the request, whose `Host` anyone may choose
 * @throws TypeError for an address that is none
 */
export function createProofs(publicUrl: string | undefined): Proofs {
  const base = publicUrl?.replace(/\/$/, '');
  if (base !== undefined && !/^https?:\/\/[^?#]+$/.test(base)) {
    throw new TypeError('publicUrl must be an http or https address without a query');
  }
  return {
    inHeader({ method }, { ageToken, dpop }, path) {
      if (dpop === null) return { ageToken };
      if (base !== undefined) {
        return { ageToken, proof: { jwt: dpop, method, url: base + path } };
      }
      throw new SpendcapError('unauthorized', 'Proofs are not taken here: publicUrl is not set.');
    },
    inBody({ proof: jwt, ...body }, path) {
      if (jwt === undefined) return body;
      if (base !== undefined) {
        return { ...body, proof: { jwt, method: 'POST', url: base + path } };
      }
      throw invalidRequest('proof', 'is not taken here: publicUrl is not set');
    },
  };
}
