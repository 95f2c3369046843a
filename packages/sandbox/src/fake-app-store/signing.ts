import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { certificate, type DistinguishedName } from '../wallet/certificate.ts';
import { p256 } from '../wallet/signer.ts';

/**
 * How signed data is wrong, everything but `valid` must be rejected by its receiver:
 * - `short`: two certificates instead of three
 * - `unmarked`: the leaf is no certificate of the App Store
 * - `no_ca`: the intermediate may not sign certificates
 * - `other_root`: a whole chain of somebody else's
 * - `expired`: certificates that had expired when it was signed
 * - `xcode`: one certificate, as Xcode signs on a developer's machine
 * - `unsigned`: `alg` is `none`
 * - `tampered`: the payload was altered after it was signed
 */
export type FakeAppSignature = (typeof SIGNATURES)[number];

export const SIGNATURES = [
  ...(['valid', 'short', 'unmarked', 'no_ca', 'other_root', 'expired'] as const),
  ...(['xcode', 'unsigned', 'tampered'] as const),
] as const;

/** Of the leaf and of the intermediate, without which they are not the App Store's. */
const LEAF_MARK = '1.2.840.113635.100.6.11.1';
const INTERMEDIATE_MARK = '1.2.840.113635.100.6.2.1';
const YEAR_MS = 365 * 86_400_000;

type Payload = Readonly<Record<string, unknown>>;
interface Chain {
  /** Base64 DER, leaf first. */
  readonly x5c: readonly string[];
  readonly key: KeyObject;
}

/** Signs like the App Store, or wrongly. */
export interface AppStoreSigner {
  /** The trusted root, DER. */
  readonly root: Buffer;
  sign(payload: Payload, signature?: FakeAppSignature): string;
}

/** One chain for the life of the fake: verifiers cache by leaf and intermediate. */
export function appStoreSigner(now: number): AppStoreSigner {
  const root = authority('Sandbox app store root', now);
  const valid = chainUnder(root, now, {});
  const wrong = new Map<FakeAppSignature, Chain>();
  const chainOf = (signature: FakeAppSignature): Chain => {
    if (signature === 'valid' || signature === 'tampered') return valid;
    const chain = wrong.get(signature) ?? wrongChain(signature, root, now);
    wrong.set(signature, chain);
    return chain;
  };
  return {
    root: root.der,
    sign(payload, signature = 'valid') {
      if (signature === 'unsigned') return `${base64url({ alg: 'none' })}.${base64url(payload)}.`;
      const { x5c, key } = chainOf(signature);
      const text = `${base64url({ alg: 'ES256', x5c })}.${base64url(payload)}`;
      const bytes = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
      if (signature !== 'tampered') return `${text}.${bytes.toString('base64url')}`;
      const altered = base64url({ ...payload, signedDate: Number(payload.signedDate) + 1 });
      return `${base64url({ alg: 'ES256', x5c })}.${altered}.${bytes.toString('base64url')}`;
    },
  };
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

interface Authority {
  readonly name: DistinguishedName;
  readonly key: KeyObject;
  readonly der: Buffer;
}

function authority(common: string, now: number): Authority {
  const name = { country: 'UT', name: common };
  const key = p256();
  const der = certificate({
    ...{ subject: name, issuer: name, signingKey: key, publicKey: createPublicKey(key), ca: true },
    ...{ notBefore: now - 20 * YEAR_MS, notAfter: now + 20 * YEAR_MS },
  });
  return { name, key, der };
}

interface ChainOptions {
  readonly leafMarks?: readonly string[];
  readonly ca?: boolean;
  /** Default five years. */
  readonly endsIn?: number;
}

function chainUnder(root: Authority, now: number, options: ChainOptions): Chain {
  const { leafMarks = [LEAF_MARK], ca = true, endsIn = 5 * YEAR_MS } = options;
  const dates = { notBefore: now - 4 * YEAR_MS, notAfter: now + endsIn };
  const name = { country: 'UT', name: 'Sandbox app store intermediate' };
  const [intermediateKey, key] = [p256(), p256()];
  const intermediate = certificate({
    ...{ ...dates, ca, subject: name, issuer: root.name, signingKey: root.key },
    ...{ publicKey: createPublicKey(intermediateKey), marks: [INTERMEDIATE_MARK] },
  });
  const leaf = certificate({
    ...{ ...dates, ca: false, subject: { country: 'UT', name: 'Sandbox app store signer' } },
    ...{ issuer: name, signingKey: intermediateKey },
    ...{ publicKey: createPublicKey(key), marks: leafMarks },
  });
  return { key, x5c: [leaf, intermediate, root.der].map((der) => der.toString('base64')) };
}

function wrongChain(signature: FakeAppSignature, root: Authority, now: number): Chain {
  switch (signature) {
    case 'unmarked':
      return chainUnder(root, now, { leafMarks: [] });
    case 'no_ca':
      return chainUnder(root, now, { ca: false });
    case 'expired':
      return chainUnder(root, now, { endsIn: -YEAR_MS });
    case 'other_root':
      return chainUnder(authority('Sandbox app store root', now), now, {});
    case 'xcode': {
      const { key, der } = authority('StoreKit Testing in Xcode', now);
      return { key, x5c: [der.toString('base64')] };
    }
    default: {
      const { key, x5c } = chainUnder(root, now, {});
      return { key, x5c: x5c.slice(0, 2) };
    }
  }
}
