import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { SECOND } from './token-kit.ts';

export const PUBLIC_URL = 'https://pay.example/spendcap';

export interface ProofParts {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
}

/** A player's device with a key of its own. */
export async function device(alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = await exportJWK(publicKey);
  return {
    jwk,
    privateKey,
    privateJwk: await exportJWK(privateKey),
    jkt: await calculateJwkThumbprint(jwk),
    /** A proof for a call of the API; `undefined` takes a claim or header away. */
    prove(token: string, [htm, path]: readonly [string, string], parts: ProofParts = {}) {
      const ath = createHash('sha256').update(token).digest('base64url');
      const htu = PUBLIC_URL + path;
      return new SignJWT({ jti: randomUUID(), htm, htu, iat: SECOND, ath, ...parts.claims })
        .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk, ...parts.header })
        .sign(privateKey);
    },
  };
}

export type Device = Awaited<ReturnType<typeof device>>;
