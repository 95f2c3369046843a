/** What a player's device says of their age: a claim, unless the caller can have it attested. */
export { appleSource } from './platform/apple.ts';
export { googlePlaySource } from './platform/google-play.ts';
export type {
  AttestationVerifier,
  PlatformEvidence,
  PlatformFault,
  PlatformOptions,
} from './platform/signal.ts';
