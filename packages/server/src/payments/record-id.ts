import { sha256 } from './idempotency.ts';

/** Fits into a purchase id, and begins as no digest does. */
const PLAIN = /^[A-Za-z0-9._-][A-Za-z0-9._:-]{0,89}$/;

/** The purchase id of a charge that had no hold. */
export async function recordIdOf(processor: string, reference: string): Promise<string> {
  const isPlain = PLAIN.test(reference);
  return `${processor}:${isPlain ? reference : `:${await sha256(reference)}`}`;
}

/**
 * True for an id that a charge without a hold may have. Nobody may hold under one: apps make ids,
 * and a renewal whose order id is foreseen would be counted for whoever held it first.
 */
export function isRecordId(processor: string, id: unknown): boolean {
  return typeof id === 'string' && id.startsWith(`${processor}:`);
}
