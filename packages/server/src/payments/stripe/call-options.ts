import type { CallOptions, PurchaseOptions } from './types.ts';

/** The supported options: others, such as headers, could change account or idempotency key. */
const CALL_OPTIONS: ReadonlySet<string> = new Set<keyof CallOptions>([
  'apiVersion',
  'idempotencyKey',
  'maxNetworkRetries',
  'timeout',
]);

/**
 * Request options for Stripe; `undefined` if there are none, because clients before
 * Stripe 22 reject an empty object.
 *
 * @throws TypeError for an unsupported option
 */
export function callOptionsOf(options: CallOptions): CallOptions | undefined {
  const names = Object.keys(options);
  for (const name of names) {
    if (CALL_OPTIONS.has(name)) continue;
    if (name === 'spendcap') throw new TypeError('spendcap: only for calls that start a charge');
    throw new TypeError(`${name}: unsupported. Use one guard per account.`);
  }
  return names.length === 0 ? undefined : options;
}

/** The same for a call that starts a charge, whose idempotency key is not the caller's. */
export function startOptionsOf({
  spendcap: _,
  ...options
}: PurchaseOptions): CallOptions | undefined {
  if ('idempotencyKey' in options) {
    throw new TypeError('idempotencyKey: derived from the purchase id');
  }
  return callOptionsOf(options);
}
