import { InvalidArgumentError } from 'commander';
import { keyRing } from '../age/authority/keys.ts';
import { type SigningKey, signJwt } from '../jwt/signing-key.ts';
import type { AgeFlags } from './age-issuers.ts';
import { readKeyFile } from './keys.ts';
import { assertGiven } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** Made by `spendcap init`; never the keys of an authority that verifies ages. */
export const DEV_KEYS_FILE = 'spendcap-dev-keys.json';

/** The parsed options of `token`. */
export interface TokenFlags extends Pick<AgeFlags, 'ageIssuer' | 'ageAudience' | 'ageIssuers'> {
  readonly age: number;
  readonly subject: string;
  /** Seconds. */
  readonly expires: number;
  readonly keys: string;
}

const MAX_AGE = 150;
const MAX_EXPIRES = 86_400;

/** @throws InvalidArgumentError unless it is a number of years */
export function ageOf(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= MAX_AGE) return Number(text);
  throw new InvalidArgumentError(`It must be 0 to ${MAX_AGE} years.`);
}

/** @throws InvalidArgumentError unless it is at most a day */
export function expiresOf(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,5}$/.test(text) && seconds >= 1 && seconds <= MAX_EXPIRES) return seconds;
  throw new InvalidArgumentError(`It must be 1 to ${MAX_EXPIRES} seconds.`);
}

/**
 * An age token for tests, of the first issuer of the configuration, signed with a key file.
 *
 * @param now epoch milliseconds
 * @throws UsageError if the issuer, the audience or the key file is missing or invalid
 */
export async function mintToken(flags: TokenFlags, now: number): Promise<string> {
  const { ageIssuers, age, subject, expires } = flags;
  const [configured] = typeof ageIssuers === 'object' ? ageIssuers : [];
  const ageIssuer = flags.ageIssuer ?? configured?.issuer;
  const ageAudience = flags.ageAudience ?? configured?.audience;
  assertGiven('token', { ageIssuer, ageAudience, subject });
  const iat = Math.floor(now / 1000);
  return signJwt(signerOf(flags.keys, now), 'age+jwt', {
    iss: ageIssuer,
    aud: ageAudience,
    sub: subject,
    iat,
    exp: iat + expires,
    assurance: 'verified',
    age_range: { min: age, max_exclusive: age + 1 },
  });
}

function signerOf(file: string, now: number): SigningKey {
  const signer = keyRing(readKeyFile(file), 0).signer(now);
  if (signer === null) throw new UsageError(`'${file}' has no key that signs now`);
  return signer;
}
