import { createHmac, randomBytes } from 'node:crypto';
import type { Assurance } from '@spendcap/core';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface AgeIssuerOptions {
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** The `aud` of its tokens: the limiter's name. */
  readonly audience: string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

export interface IssueRequest {
  /** Whom the token is for. It is never in the token: `sub` is a pseudonym for this audience only. */
  readonly subject: string;
  /** Completed years; becomes `age_range`. Leave it out to state age with `claims`, or not at all. */
  readonly age?: number;
  /** How surely it claims to know the age. Default `verified`. */
  readonly assurance?: Assurance;
  /** Further claims, as `{ age_equal_or_over: { 16: true } }`. They go before all others. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Default 300. Negative makes an expired token. */
  readonly expiresInSeconds?: number;
}

export interface SandboxAgeIssuer {
  /** The public key, as `ageTokens` and `spendcap serve --age-jwks` take it. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** A signed age token: a compact JWS of type `age+jwt`. */
  issue(request: IssueRequest): Promise<string>;
}

/**
 * An age authority to try things with: an ES256 key pair that lives as long as this object, and
 * tokens of spendcap's own profile. It believes what it is told, so keep it out of production.
 *
 * @example
 * ```ts
 * import { ageTokens } from '@spendcap/server';
 * import { ageIssuer } from '@spendcap/sandbox';
 * const named = { issuer: 'https://age.example', audience: 'https://limiter.example' };
 * const issuer = await ageIssuer(named);
 * const verifier = ageTokens({ issuers: [{ ...named, jwks: issuer.jwks }] });
 * const evidence = await verifier.verify(await issuer.issue({ subject: 'player-12', age: 12 }));
 * evidence.statements[0]?.kind; // => 'range'
 * ```
 */
export async function ageIssuer(options: AgeIssuerOptions): Promise<SandboxAgeIssuer> {
  const { issuer, audience, now = Date.now } = options;
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const kid = randomBytes(8).toString('hex');
  const pairwiseKey = randomBytes(32);
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  return {
    jwks: { keys: [jwk] },
    issue: ({ subject, age, assurance = 'verified', claims, expiresInSeconds = 300 }) => {
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
    },
  };
}
