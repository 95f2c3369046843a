import {
  type OidcProvider,
  type OidcSourceOptions,
  oidcSource,
} from '@spendcap/server/age/sources/oidc';
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose';
import { type Claims, NOW, SECOND } from '../../token/token-kit.ts';

export const PROVIDER = 'https://id.example';
export const CLIENT = 'game';
export const NONCE = 'n-0S6_WzA2Mj';

/** An OpenID provider with one RS256 key. */
export async function provider() {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'rsa-1', alg: 'RS256', use: 'sig' };
  const standard = {
    iss: PROVIDER,
    aud: CLIENT,
    sub: 'user-1',
    iat: SECOND,
    exp: SECOND + 300,
    nonce: NONCE,
  };
  return {
    jwks: { keys: [jwk] },
    /** `undefined` takes a claim or header away. */
    sign(claims: Claims = {}, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
      return new SignJWT({ ...standard, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'rsa-1', ...header })
        .sign(privateKey);
    },
  };
}

export type Provider = Awaited<ReturnType<typeof provider>>;

export function sourceOf(
  { jwks }: Pick<Provider, 'jwks'>,
  options: Partial<OidcProvider> = {},
  rest: Partial<OidcSourceOptions> = {},
) {
  const providers = [{ issuer: PROVIDER, clientId: CLIENT, jwks, ...options }];
  const source = oidcSource({ providers, ...rest });
  return (idToken: string, nonce = NONCE, at = NOW) => source.verify({ idToken, nonce }, { at });
}
