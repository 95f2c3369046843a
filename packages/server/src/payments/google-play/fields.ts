import { SpendcapError } from '@spendcap/core';

/** An object of Google's, whose fields may be of any type. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** An object in a field; an empty one if there is none. */
export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}

/** The objects of a list in a field. */
export function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

/** A text that is not empty; otherwise `null`. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Epoch milliseconds of an RFC 3339 time; `null` if there is none. */
export function timeOf(value: unknown): number | null {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

/** What Google answered cannot be understood: money may have moved, so nothing is concluded. */
export function unreadable(what: string): SpendcapError {
  return new SpendcapError(
    'outcome_unknown',
    `Google Play returned ${what} that is not understood.`,
  );
}
