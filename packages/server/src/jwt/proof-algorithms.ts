/** What a DPoP proof may be signed with: private keys only, and never a shared secret. */
export const PROOF_ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];
