import type { AgeSourceEntry } from './age-sources/entry.ts';
import { mdoc } from './age-sources/mdoc.ts';
import { nppa } from './age-sources/nppa.ts';
import { oidc } from './age-sources/oidc.ts';
import { apple, googlePlay } from './age-sources/platform.ts';
import { sdJwt } from './age-sources/sd-jwt.ts';
import { statement } from './age-sources/statement.ts';

/** Every age source. What is added here is tested for mutated evidence and for leaks. */
export const AGE_SOURCES: readonly AgeSourceEntry[] = [
  nppa,
  oidc,
  statement,
  sdJwt,
  mdoc,
  apple,
  googlePlay,
];
