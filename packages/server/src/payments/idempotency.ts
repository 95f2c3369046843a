/** Stripe's maximum length of an idempotency key. */
const MAX_LENGTH = 255;
/** The form of purchase ids and of Stripe's ids. */
const PLAIN = /^[\w.:-]+$/;

/**
 * The idempotency key of a call: equal for a retry, different for any other call. Readable if its
 * parts are short and valid in a header, otherwise a SHA-256 of them.
 */
export async function idempotencyKey(verb: string, parts: readonly string[]): Promise<string> {
  const key = `spendcap:${verb}:${parts.join('/')}`;
  if (key.length <= MAX_LENGTH && parts.every((part) => PLAIN.test(part))) return key;
  // A readable part never contains `=`, so a digest cannot collide with one.
  return `spendcap:${verb}:=${await sha256(JSON.stringify(parts))}`;
}

/** The hexadecimal SHA-256 of a text. */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Buffer.from(digest).toString('hex');
}
