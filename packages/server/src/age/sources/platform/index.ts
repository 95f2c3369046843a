/** What a player's device says of their age: a claim, unless the caller can have it attested. */
export { appleSource } from './apple.ts';
export { googlePlaySource } from './google-play.ts';
export type {
  AttestationVerifier,
  PlatformEvidence,
  PlatformFault,
  PlatformOptions,
} from './signal.ts';
