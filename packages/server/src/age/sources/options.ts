import { isTimeZone } from '@spendcap/core';

/** Options of every source that reads signed statements. */
export interface SignedSourceOptions {
  /** IANA name of the time zone in which birthdays fall: the policy's. Default `UTC`. */
  readonly timeZone?: string;
  /** Accepted clock skew in seconds, 0 to 60. Default 5. */
  readonly clockToleranceSeconds?: number;
}

export interface SignedSourceSettings {
  readonly timeZone: string;
  readonly toleranceSeconds: number;
}

/** @throws TypeError for options that can never work */
export function signedSourceSettings(options: SignedSourceOptions): SignedSourceSettings {
  const { timeZone = 'UTC', clockToleranceSeconds = 5 } = options;
  if (!isTimeZone(timeZone)) throw new TypeError('timeZone must be an IANA time zone name');
  return {
    timeZone,
    toleranceSeconds: wholeNumber('clockToleranceSeconds', clockToleranceSeconds, [0, 60]),
  };
}

/** @throws TypeError unless it is a whole number within the bounds */
export function wholeNumber(
  name: string,
  value: number,
  [min, max]: readonly [number, number],
): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new TypeError(`${name} must be a whole number from ${min} to ${max}`);
}

/** @throws TypeError unless it is a list of at least one string without control characters */
export function strings(name: string, values: string | readonly string[]): readonly string[] {
  const list = [values].flat();
  const usable = (text: unknown) => typeof text === 'string' && /^[^\p{Cc}]{1,1024}$/u.test(text);
  if (list.length > 0 && list.every(usable)) return list as string[];
  throw new TypeError(`${name} must be a string, or a list of at least one`);
}
