import { hash, type KeyObject, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isStrongIfRsa } from './algorithms.ts';
import { certificateExtensions } from './certificate-extensions.ts';

/** Certificates that identify issuers. They come from the configuration, never from a token. */
export interface TrustedRoots {
  /** PEM, one certificate each: of a CA, or of the signer itself. */
  readonly roots: readonly string[];
  /** An extended key usage that the signer's certificate must have, as a dotted OID. */
  readonly keyPurpose?: string | undefined;
}

/** The signer's key, once its chain is trusted. */
export interface TrustedSigner {
  readonly publicKey: KeyObject;
  /** The signer's certificate, epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

interface Chain extends TrustedSigner {
  /** When all of its certificates are valid, epoch milliseconds. */
  readonly validFrom: number;
  readonly validUntil: number;
}

const MAX_CERTIFICATES = 5;
const MAX_CERTIFICATE_BYTES = 8 * 1024;
const CACHED_CHAINS = 1_000;

/**
 * Verifies that a chain, the signer's certificate first, leads to a pinned root (RFC 5280, section
 * 6): each is signed by the next, which is a CA, and all are valid at the instant. CRLs are
 * not checked. Below the root, a certificate with another critical extension than basic
 * constraints, key usages and policies is refused (section 6.1.4, o). A verified chain is cached,
 * so that its signatures are verified once and its dates every time.
 *
 * `X509Certificate` of Node.js and not `@peculiar/x509`: that verifies asynchronously, brings 16
 * packages (3.4 MB), and would leave the path, the dates and the pinning to this file.
 *
 * @throws TypeError for roots that can never work
 */
export function certificateChains(
  options: TrustedRoots,
): (chain: readonly Uint8Array[], at: number) => TrustedSigner | null {
  const roots = readRoots(options.roots);
  const verified = new LRUCache<string, Chain>({ max: CACHED_CHAINS });

  function verify(chain: readonly Uint8Array[]): Chain | null {
    const certificates = readChain(chain);
    const signer = certificates?.[0];
    if (certificates == null || signer === undefined) return null;
    const path = pathToRoot(certificates, roots);
    if (path === null || !maySign(signer, path, options.keyPurpose)) return null;
    return {
      publicKey: signer.publicKey,
      notBefore: signer.validFromDate.getTime(),
      notAfter: signer.validToDate.getTime(),
      validFrom: Math.max(...path.map(({ validFromDate }) => validFromDate.getTime())),
      validUntil: Math.min(...path.map(({ validToDate }) => validToDate.getTime())),
    };
  }

  return (chain, at) => {
    if (chain.length === 0 || chain.length > MAX_CERTIFICATES) return null;
    if (chain.some(({ length }) => length > MAX_CERTIFICATE_BYTES)) return null;
    const key = chain.map((bytes) => hash('sha256', bytes, 'base64')).join(' ');
    const known = verified.get(key) ?? verify(chain);
    if (known === null) return null;
    verified.set(key, known);
    return known.validFrom <= at && at <= known.validUntil ? known : null;
  };
}

function readRoots(roots: readonly string[]): readonly X509Certificate[] {
  if (!Array.isArray(roots) || roots.length === 0) {
    throw new TypeError('roots must list at least one certificate');
  }
  return roots.map((pem) => {
    let root: X509Certificate | undefined;
    try {
      root = new X509Certificate(pem);
    } catch {
      // Thrown below.
    }
    if (typeof pem !== 'string' || pem.split('-----BEGIN ').length !== 2 || root === undefined) {
      throw new TypeError('roots must be PEM certificates, one per string');
    }
    if (!isStrong(root.publicKey)) throw new TypeError('roots has a certificate with a weak key');
    return root;
  });
}

function readChain(chain: readonly Uint8Array[]): readonly X509Certificate[] | null {
  try {
    const certificates = chain.map((bytes) => new X509Certificate(bytes));
    // The constructor also accepts PEM, and bytes after the certificate.
    const whole = certificates.every(({ raw }, index) =>
      raw.equals(chain[index] ?? new Uint8Array()),
    );
    return whole && certificates.every(({ publicKey }) => isStrong(publicKey))
      ? certificates
      : null;
  } catch {
    return null;
  }
}

/**
 * The certificates from the signer's to a pinned one, which is last; `null` if there is no such
 * path.
 */
function pathToRoot(
  certificates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): readonly X509Certificate[] | null {
  const path: X509Certificate[] = [];
  for (const certificate of certificates) {
    const below = path.at(-1);
    if (below !== undefined && !isIssuedBy(below, certificate)) return null;
    path.push(certificate);
    if (roots.some(({ raw }) => raw.equals(certificate.raw))) return path;
  }
  const last = path.at(-1);
  const root = roots.find((each) => last !== undefined && isIssuedBy(last, each));
  return root === undefined ? null : [...path, root];
}

/** `checkIssued` compares names and the issuer's key usage, and nothing else. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** A CA's key signs certificates, not documents, unless the CA itself is pinned. */
function maySign(
  signer: X509Certificate,
  path: readonly X509Certificate[],
  keyPurpose: string | undefined,
): boolean {
  if (signer.ca && path.length > 1) return false;
  if (!path.slice(0, -1).every(isSupported)) return false;
  if (path.length > 1 && !isForSignatures(signer)) return false;
  return keyPurpose === undefined || (signer.keyUsage ?? []).includes(keyPurpose);
}

/** 2.5.29.15, .19, .32 and .37 */
const SUPPORTED: readonly string[] = ['551d0f', '551d13', '551d20', '551d25'];
/** `digitalSignature` and `nonRepudiation` */
const SIGNATURES = 0xc0;

function isSupported({ raw }: X509Certificate): boolean {
  try {
    return certificateExtensions(raw).critical.every((id) => SUPPORTED.includes(id));
  } catch {
    // In BER, which OpenSSL also reads.
    return false;
  }
}

/** A certificate without key usage may be used for anything. */
function isForSignatures({ raw }: X509Certificate): boolean {
  const { keyUsage } = certificateExtensions(raw);
  return keyUsage === null || (keyUsage & SIGNATURES) !== 0;
}

function isStrong(key: KeyObject): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === 'rsa') return isStrongIfRsa(key);
  const curves = ['prime256v1', 'secp384r1', 'secp521r1'];
  if (asymmetricKeyType === 'ec') return curves.includes(asymmetricKeyDetails?.namedCurve ?? '');
  return asymmetricKeyType === 'ed25519';
}
