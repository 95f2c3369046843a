import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { certificate, type DistinguishedName, toPem } from './certificate.ts';

/** The key that signs attestations, and its certificate chain. */
export interface Signer {
  readonly privateKey: KeyObject;
  /** DER, starting with the signer's certificate, without the root. */
  readonly chain: readonly Buffer[];
}

const ROOT: DistinguishedName = { country: 'UT', name: 'Sandbox root' };
const SIGNER: DistinguishedName = { country: 'UT', name: 'Sandbox signer' };
const YEAR_MS = 365 * 86_400_000;
/** ISO 18013-5, annex B.1.4: the extended key usage of document signers. */
const LICENCE_SIGNER = '1.0.18013.5.1.2';

/** Generates a root and a signer under it. */
export function certifiedSigner(now: number): { readonly root: string; readonly signer: Signer } {
  const rootKey = p256();
  const privateKey = p256();
  const made = { issuer: ROOT, signingKey: rootKey, notBefore: now - YEAR_MS };
  const root = certificate({
    ...made,
    subject: ROOT,
    publicKey: createPublicKey(rootKey),
    notAfter: now + 10 * YEAR_MS,
    ca: true,
  });
  const own = certificate({
    ...made,
    subject: SIGNER,
    publicKey: createPublicKey(privateKey),
    notAfter: now + YEAR_MS,
    ca: false,
    purposes: [LICENCE_SIGNER],
  });
  return { root: toPem(root), signer: { privateKey, chain: [own] } };
}

export function p256(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}
