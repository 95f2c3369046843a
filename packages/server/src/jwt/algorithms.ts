import type { KeyObject } from 'node:crypto';

/** Signatures by a private key, never a shared secret (RFC 7518, section 3; RFC 8037; RFC 9864). */
const ALGORITHMS: readonly string[] = [
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  ...['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512'],
];

export const isKnownAlgorithm = (algorithm: string): boolean => ALGORITHMS.includes(algorithm);

/** @throws TypeError if an algorithm is symmetric, `none` or unknown, or if the list is empty */
export function assertAlgorithms(algorithms: readonly string[]): string[] {
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    throw new TypeError('algorithms must name at least one algorithm');
  }
  if (!algorithms.every(isKnownAlgorithm)) {
    throw new TypeError(`algorithms must be among ${ALGORITHMS.join(', ')}`);
  }
  return [...algorithms];
}

export const MIN_RSA_BITS = 2048;

/**
 * False for an RSA key that is short, or whose exponent 1 lets anyone sign. Other keys are not
 * read.
 */
export function isStrongIfRsa({ asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { modulusLength = MIN_RSA_BITS, publicExponent = 3n } = asymmetricKeyDetails;
  return modulusLength >= MIN_RSA_BITS && publicExponent >= 3n;
}
