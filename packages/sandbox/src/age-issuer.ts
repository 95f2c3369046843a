import { createHmac, randomBytes } from 'node:crypto';
import { type Assurance, assertOptions, type OptionNames } from '@spendcap/core';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { PERSONAS, type Persona } from './personas.ts';

/** Options of `ageIssuer`. */
export interface AgeIssuerOptions {
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** The `aud` of its tokens: the limiter's identifier. */
  readonly audience: string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/** A token to issue. */
export interface IssueRequest {
  /** The player. Not part of the token: `sub` is a pseudonym for this audience only. */
  readonly subject: string;
  /**
   * Completed years, written as `age_range`. Omit to state the age with `claims`, or not at all.
   */
  readonly age?: number;
  /** Default `verified`. */
  readonly assurance?: Assurance;
  /** Additional claims, for example `{ age_equal_or_over: { 16: true } }`. Override all others. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Default 300. Negative makes an expired token. */
  readonly expiresInSeconds?: number;
}

const REQUEST: OptionNames<IssueRequest> = {
  subject: true,
  age: true,
  assurance: true,
  claims: true,
  expiresInSeconds: true,
};

/** Options of `tokenOf`: all of a request but the player. */
export type TokenOptions = Omit<IssueRequest, 'subject' | 'age'>;

/** An issuer of test age tokens, see `ageIssuer`. */
export interface SandboxAgeIssuer {
  /** The public key set, for `ageTokens` and `spendcap serve --age-jwks`. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** Signs an age token: a compact JWS of type `age+jwt`. */
  issue(request: IssueRequest): Promise<string>;
  /** Signs an age token for a persona. */
  tokenOf(persona: Persona['id'], options?: TokenOptions): Promise<string>;
}

/**
 * A test issuer of age tokens in spendcap's own profile, with an in-memory ES256 key pair. It
 * verifies nothing: never use it in production.
 *
 * @example
 * ```ts
 * import { ageTokens } from '@spendcap/server';
 * import { ageIssuer } from '@spendcap/sandbox';
 * const named = { issuer: 'https://age.example', audience: 'https://limiter.example' };
 * const issuer = await ageIssuer(named);
 * const verifier = ageTokens({ issuers: [{ ...named, jwks: issuer.jwks }] });
 * const evidence = await verifier.verify(await issuer.tokenOf('player-12'));
 * evidence.statements[0]?.kind; // => 'range'
 * ```
 */
export async function ageIssuer(options: AgeIssuerOptions): Promise<SandboxAgeIssuer> {
  assertOptions('ageIssuer', options, { issuer: true, audience: true, now: true });
  const { issuer, audience, now = Date.now } = options;
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const kid = randomBytes(8).toString('hex');
  const pairwiseKey = randomBytes(32);
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  const issue: SandboxAgeIssuer['issue'] = async (request) => {
    assertOptions('issue', request, REQUEST);
    const { subject, age, assurance = 'verified', claims, expiresInSeconds = 300 } = request;
    const iat = Math.floor(now() / 1000);
    const range = age === undefined ? {} : { age_range: { min: age, max_exclusive: age + 1 } };
    const sub = createHmac('sha256', pairwiseKey)
      .update(`${audience}\n${subject}`)
      .digest('base64url');
    return new SignJWT({
      iss: issuer,
      aud: audience,
      sub,
      iat,
      exp: iat + expiresInSeconds,
      assurance,
      ...range,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'age+jwt', kid })
      .sign(privateKey);
  };
  return {
    jwks: { keys: [jwk] },
    issue,
    async tokenOf(persona, token = {}) {
      const known = PERSONAS.find(({ id }) => id === persona);
      if (known === undefined) throw new TypeError(`there is no persona '${persona}'`);
      return issue({ ...token, subject: known.id, age: known.age });
    },
  };
}
