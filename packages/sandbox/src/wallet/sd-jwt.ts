import { createPublicKey, hash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { SDJwtInstance } from '@sd-jwt/core';
import { assertOptions } from '@spendcap/core';
import type { Signer } from './signer.ts';

/** An SD-JWT VC to issue. */
export interface SdJwtRequest {
  /** The `vct`, for example `urn:eudi:pid:1`. */
  readonly type: string;
  /** For example `{ birthdate: '2014-05-01' }` or `{ age_equal_or_over: { 18: true } }`. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The `iss`, if any. */
  readonly issuer?: string;
  /** Default 90. */
  readonly validDays?: number;
  /** Further members of the signed payload, for example `status`. Never selectively disclosed. */
  readonly plain?: Readonly<Record<string, unknown>>;
}

/** An SD-JWT VC in a wallet. */
export interface WalletSdJwt {
  /** Presents claims (paths such as `age_equal_or_over.18`) with a key-binding proof. */
  present(request: {
    readonly claims: readonly string[];
    readonly nonce: string;
    readonly audience: string;
  }): Promise<string>;
}

interface Keys {
  readonly signer: Signer;
  readonly device: KeyObject;
}

/** The disclosed claims by name, nested for members. */
interface Frame {
  [name: string]: true | Frame;
}

const DAY_SECONDS = 86_400;

/** Issues a credential to a holder key. */
export async function walletSdJwt(
  request: SdJwtRequest,
  { signer, device }: Keys,
  now: () => number,
): Promise<WalletSdJwt> {
  const names = { type: true, claims: true, issuer: true, validDays: true, plain: true } as const;
  assertOptions('sdJwt', request, names);
  const { type, claims, issuer, validDays = 90, plain } = request;
  const sdJwt = instance({ signer, device });
  const iat = Math.floor(now() / 1000);
  const { kty, crv, x, y } = createPublicKey(device).export({ format: 'jwk' });
  const payload = {
    ...(issuer === undefined ? {} : { iss: issuer }),
    vct: type,
    iat,
    exp: iat + validDays * DAY_SECONDS,
    cnf: { jwk: { kty, crv, x, y } },
    ...plain,
    ...claims,
  };
  const x5c = signer.chain.map((bytes) => bytes.toString('base64'));
  const header = { typ: 'dc+sd-jwt', x5c };
  const credential = await sdJwt.issue(payload, disclosable(claims), { header });
  return {
    present: ({ claims: requested, nonce, audience }) => {
      const proof = { iat: Math.floor(now() / 1000), aud: audience, nonce };
      return sdJwt.present(credential, frameOf(requested), { kb: { payload: proof } });
    },
  };
}

function instance({ signer, device }: Keys): SDJwtInstance<Record<string, unknown>> {
  return new SDJwtInstance({
    signer: signWith(signer.privateKey),
    signAlg: 'ES256',
    kbSigner: signWith(device),
    kbSignAlg: 'ES256',
    hasher: (data) =>
      hash('sha256', typeof data === 'string' ? data : new Uint8Array(data), 'buffer'),
    hashAlg: 'sha-256',
    saltGenerator: (length) => randomBytes(length).toString('base64url'),
  });
}

function signWith(key: KeyObject): (data: string) => string {
  return (data) =>
    sign('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}

/** Every claim, and every member of a nested claim, is selectively disclosable. */
function disclosable(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const nested = Object.entries(claims)
    .filter(([, value]) => typeof value === 'object' && value !== null && !Array.isArray(value))
    .map(([name, value]) => [name, disclosable(value as Record<string, unknown>)]);
  return { ...Object.fromEntries(nested), _sd: Object.keys(claims) };
}

function frameOf(paths: readonly string[]): Frame {
  const frame: Frame = {};
  for (const path of paths) {
    let level = frame;
    const names = path.split('.');
    const last = names.pop() ?? '';
    for (const name of names) {
      const next = level[name];
      const deeper: Frame = typeof next === 'object' ? next : {};
      level[name] = deeper;
      level = deeper;
    }
    level[last] = true;
  }
  return frame;
}
