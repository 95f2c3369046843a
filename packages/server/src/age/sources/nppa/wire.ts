import { hash } from 'node:crypto';
import { civilDateOf, isIsoDate, MAX_AGE } from '@spendcap/core';
import { encrypt } from '../../../jwt/aes-gcm.ts';

/**
 * Credentials for the real-name system: the headers and the secret of the specification, section 4.
 */
export interface NppaCredentials {
  readonly appId: string;
  readonly bizId: string;
  /** 32 hexadecimal digits. */
  readonly secretKey: string;
}

/** The calendar of the system and of the law. */
export const CHINA = 'Asia/Shanghai';

const PI = /^[0-9a-p]{6}[0-9a-z]{32}$/;

/** The body of a call: AES-128-GCM under the secret key, without additional data. */
export function encryptBody(secretKey: string, plain: unknown): string {
  const data = encrypt(Buffer.from(secretKey, 'hex'), JSON.stringify(plain)).toString('base64');
  return JSON.stringify({ data });
}

/**
 * The `sign` header: SHA-256 over the secret key, every system and query parameter with its value,
 * sorted by name, and the body exactly as it is sent.
 */
export function signature(
  secretKey: string,
  parameters: Readonly<Record<string, string>>,
  body: string,
): string {
  const sorted = Object.keys(parameters)
    .sort()
    .map((name) => `${name}${parameters[name]}`);
  return hash('sha256', `${secretKey}${sorted.join('')}${body}`, 'hex');
}

/**
 * The birth date in a `pi` (section 6: its first six characters are YYYYMMDD in base 26), as an ISO
 * date. `null` if it is not a `pi`, or no living person can have been born then.
 */
export function birthDateOf(pi: unknown, at: number): string | null {
  if (typeof pi !== 'string' || !PI.test(pi)) return null;
  const digits = String(Number.parseInt(pi.slice(0, 6), 26)).padStart(8, '0');
  const date = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  if (!isIsoDate(date)) return null;
  const { year, month, day } = civilDateOf(at, CHINA);
  const today = [String(year), two(month), two(day)].join('-');
  const born = Number(digits.slice(0, 4));
  return date <= today && year - born <= MAX_AGE ? date : null;
}

function two(part: number): string {
  return String(part).padStart(2, '0');
}
