/** Age signals of a player's device: claims, unless the caller can have the app attested. */
export { appleSource } from './apple.ts';
export { googlePlaySource } from './google-play.ts';
export type {
  AttestationVerifier,
  PlatformEvidence,
  PlatformFault,
  PlatformOptions,
} from './signal.ts';
