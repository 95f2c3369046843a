/** Stripe's longest idempotency key. */
const MAX_LENGTH = 255;
/** Purchase ids and Stripe's own look so. */
const PLAIN = /^[\w.:-]+$/;

/**
 * The idempotency key of one call: the same for a retry, another for another call. It is readable
 * where its parts are plain and short, else a SHA-256 of them (a header takes no other characters).
 */
export async function idempotencyKey(verb: string, parts: readonly string[]): Promise<string> {
  const key = `spendcap:${verb}:${parts.join('/')}`;
  if (key.length <= MAX_LENGTH && parts.every((part) => PLAIN.test(part))) return key;
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  // No plain part has `=`, so that a digest is never taken for one.
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `spendcap:${verb}:=${hex}`;
}
