import { createPublicKey, hash, type KeyObject, sign } from 'node:crypto';
import { type SdJwtSourceOptions, sdJwtSource } from '@spendcap/server/age/sources/sd-jwt';
import { type Certified, certified, p256 } from '../../../jwt/certificate-kit.ts';
import { base64url, type Claims, NOW, SECOND } from '../../token/token-kit.ts';

export const TYPE = 'urn:eudi:pid:1';
export const AUDIENCE = 'x509_san_dns:game.example';
export const NONCE = 'n-0S6_WzA2Mj';

export const root = certified('root', null);
export const signer = certified('signer', root);
export const holder = p256();

/** How a presentation differs from one that is accepted; `undefined` takes a member away. */
export interface Changes {
  readonly header?: Claims;
  readonly payload?: Claims;
  /** Instead of the one that shows `birthdate`. */
  readonly disclosures?: readonly string[];
  /** The digests that the issuer signs. Default those of `disclosures`. */
  readonly digests?: readonly unknown[];
  readonly chain?: readonly Certified[];
  readonly issuerKey?: KeyObject;
  /** Of the digests and of what is shown. Default `sha256`. */
  readonly hash?: string;
  readonly proofHeader?: Claims;
  readonly proof?: Claims;
  /** Who signs the proof. */
  readonly proofKey?: KeyObject;
  /** What the issuer bound the credential to. */
  readonly boundTo?: KeyObject;
}

export const BIRTHDATE = disclosure('birthdate', '2014-05-01');

/** A disclosure as it is spelled: of a claim, or of an array's element without a name. */
export function disclosure(...parts: readonly unknown[]): string {
  return base64url(['c2FsdA', ...parts]);
}

export function digestOf(text: string, algorithm = 'sha256'): string {
  return hash(algorithm, text, 'base64url');
}

export function jws(header: Claims, payload: Claims, key: KeyObject): string {
  const input = `${base64url(header)}.${base64url(payload)}`;
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

export function publicJwk(key: KeyObject): Claims {
  return { ...createPublicKey(key).export({ format: 'jwk' }) };
}

/** A presentation made by hand, right in every respect that is not changed. */
export function presentation(changes: Changes = {}): string {
  const { disclosures = [BIRTHDATE], chain = [signer] } = changes;
  const x5c = chain.map(({ der }) => der.toString('base64'));
  const credential = jws(
    { alg: 'ES256', typ: 'dc+sd-jwt', x5c, ...changes.header },
    {
      vct: TYPE,
      iat: SECOND - 86_400,
      exp: SECOND + 86_400,
      cnf: { jwk: publicJwk(changes.boundTo ?? holder) },
      _sd_alg: 'sha-256',
      _sd: changes.digests ?? disclosures.map((each) => digestOf(each, changes.hash)),
      ...changes.payload,
    },
    changes.issuerKey ?? signer.key,
  );
  return shown([credential, ...disclosures].map((part) => `${part}~`).join(''), changes);
}

/** What is shown, with a proof over it. */
export function shown(parts: string, changes: Changes = {}): string {
  const { proof, proofHeader, proofKey = holder } = changes;
  const sdHash = digestOf(parts, changes.hash);
  const payload = { iat: SECOND, aud: AUDIENCE, nonce: NONCE, sd_hash: sdHash, ...proof };
  return parts + jws({ alg: 'ES256', typ: 'kb+jwt', ...proofHeader }, payload, proofKey);
}

export function sourceOf(options: Partial<SdJwtSourceOptions> = {}) {
  const issuers = [{ types: [TYPE], roots: [root.pem] }];
  const source = sdJwtSource({ issuers, audience: AUDIENCE, ...options });
  return (text: string, nonce = NONCE, at = NOW) =>
    source.verify({ presentation: text, nonce }, { at });
}
