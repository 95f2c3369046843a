import { SpendcapError } from '@spendcap/core';
import { type AgeTokenOptions, ageTokens } from '@spendcap/server';
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose';

export const ISSUER = 'https://age.example';
export const AUDIENCE = 'https://limiter.example';
/** 2026-11-23 12:00 in UTC. */
export const NOW = Date.UTC(2026, 10, 23, 12);
export const SECOND = NOW / 1000;

export type Claims = Record<string, unknown>;

/** An age authority with one ES256 key. */
export async function authority(kid = 'key-1') {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  const standard = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'player-1',
    iat: SECOND,
    exp: SECOND + 600,
    assurance: 'verified',
  };
  return {
    privateKey,
    publicKey,
    publicJwk,
    jwks: { keys: [publicJwk] },
    /** `undefined` takes a claim or header away. */
    sign(claims: Claims = {}, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
      return new SignJWT({ ...standard, ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'age+jwt', kid, ...header })
        .sign(privateKey);
    },
    /** Signs header and payload unchanged, whatever they are. */
    async signText(header: string, payload: string): Promise<string> {
      const input = `${base64url(header)}.${base64url(payload)}`;
      const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
      const signature = await crypto.subtle.sign(algorithm, privateKey, Buffer.from(input));
      return `${input}.${Buffer.from(signature).toString('base64url')}`;
    },
  };
}

export type Authority = Awaited<ReturnType<typeof authority>>;

export function verifierOf(
  { jwks }: Pick<Authority, 'jwks'>,
  options: Partial<AgeTokenOptions> & { readonly issuer?: object } = {},
) {
  const { issuer, ...rest } = options;
  return ageTokens({
    issuers: [{ issuer: ISSUER, audience: AUDIENCE, jwks, ...issuer }],
    now: () => NOW,
    ...rest,
  });
}

/**
 * The code and why that a call rejects with; fails the test if it does not, or with another error.
 */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => 'nothing: it was accepted',
    (reason: unknown) => reason,
  );
  if (!SpendcapError.isInstance(error)) throw new Error(`rejected with ${String(error)}`);
  return error.why === undefined ? error.code : `${error.code} ${error.why}`;
}

export function base64url(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return Buffer.from(text).toString('base64url');
}

/** What is wrong with an age token: the `why` that it is refused with. */
export async function faultOf(
  authority: Pick<Authority, 'jwks'>,
  token: string,
  options: Parameters<typeof verifierOf>[1] = {},
): Promise<string> {
  const outcome = await refusal(verifierOf(authority, options).verify(token));
  return outcome.replace('age_token_invalid ', '');
}
