import { SpendcapError } from '@spendcap/core';

/** What the library calls an option that has another name here. */
const NAMES: Readonly<Record<string, string>> = {
  apiKeys: 'SPENDCAP_API_KEYS',
  subjectKey: 'SPENDCAP_SUBJECT_KEY',
  basePath: '--base-path',
  publicUrl: '--public-url',
  schema: '--schema',
  corsOrigins: '--cors-origin',
  mchId: 'WECHAT_PAY_MCH_ID',
  appIds: 'WECHAT_PAY_APP_IDS',
  serialNo: 'WECHAT_PAY_SERIAL_NO',
  privateKey: 'the private key',
  apiV3Key: 'WECHAT_PAY_API_V3_KEY',
  platformKeys: 'WECHAT_PAY_PUBLIC_KEY',
  sellerId: 'ALIPAY_SELLER_ID',
};

/** A message of the library, which begins with one of its options, in the command's names. */
export function inCommandNames(message: string): string {
  return message.replace(/^\w+/, (name) => NAMES[name] ?? name);
}

/** An invalid call of the command: one line on stderr, exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/**
 * A store that cannot be used, as a fault of the option that names it, with the reason: the code of
 * a driver's error, or SQLite's own words, which quote no content. Other errors stay as they are.
 *
 * @param seen the code of the last error of a driver whose calls fail without it
 */
export function storeFault(error: unknown, seen?: string): unknown {
  if (!SpendcapError.isInstance(error)) return error;
  const { message, cause = seen } = error;
  const why = cause instanceof Error ? cause.message : cause;
  return new UsageError(`--store: ${message}${typeof why === 'string' ? ` (${why})` : ''}`);
}
