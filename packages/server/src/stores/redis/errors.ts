import { SpendcapError } from '@spendcap/core';
import { misconfigured, repeatable, unavailable } from '../../ledger/store-kit.ts';

/**
 * A refusal that no retry can change: an operator has to act. A missing right inside a script has
 * the general code, so it is known by its text.
 */
const NEVER = [
  [/^(NOAUTH|WRONGPASS) /, 'the client must authenticate'],
  [/^NOPERM |^ERR The user executing the script can't /, 'the user lacks a right'],
  [/^ERR unknown (redis )?(sub)?command/i, 'it lacks a command'],
  [/^(MOVED|CROSSSLOT) |^ERR Script attempted to access/, 'it is a cluster, or a proxy to one'],
] as const;

/** OpenSSL's codes for a certificate that is not trusted, and those of Node.js. */
const UNTRUSTED = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/**
 * Why the client cannot connect, if no retry can change it. It connects again and again, so that
 * this event is the only place that has the reason.
 */
export function connectProblem(error: unknown): SpendcapError | undefined {
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  if (UNTRUSTED.test(code)) {
    return misconfigured(`The certificate of Redis is not trusted (${code}).`);
  }
  const problem = isReply(error) ? refusal(error.message) : undefined;
  return problem?.code === 'store_misconfigured' ? problem : undefined;
}

/** What an error that a server replied means. Nothing of the command has been done. */
export function refusal(reply: string): SpendcapError {
  const never = NEVER.find(([pattern]) => pattern.test(reply));
  // The first word is a code. The rest may quote what was sent.
  const code = /^[A-Z]{2,}\b/.exec(reply)?.[0] ?? 'ERR';
  if (never === undefined) return unavailable(`Redis refused the call (${code}).`);
  return misconfigured(`Redis refused the call (${code}): ${never[1]}. See docs/redis.md.`);
}

/** True for an error that a server replied: it begins with a code. A broken connection has none. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z]{2,} /.test(error.message);
}

/** The error of a call that was sent: after anything but a reply it may have been done. */
export function sentError(cause: unknown): SpendcapError {
  if (SpendcapError.isInstance(cause)) return cause;
  if (isReply(cause)) return refusal(cause.message);
  return new SpendcapError('outcome_unknown', 'Redis did not confirm. Retry.', { cause });
}

/** The error of a call that changes nothing, or that can be sent twice. */
export function readError(cause: unknown): SpendcapError {
  return repeatable(sentError(cause));
}
