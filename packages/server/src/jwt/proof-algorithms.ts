/** Algorithms of DPoP proofs. Signatures by a private key, never a shared secret. */
export const PROOF_ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];
