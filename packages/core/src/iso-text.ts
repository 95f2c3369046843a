import { recentTexts } from './recent-texts.ts';

/**
 * An instant as ISO 8601 in UTC. The last few hundred are cached, because the answers of one moment
 * contain the same few instants.
 *
 * @param at epoch milliseconds
 * @throws RangeError if it is no time
 * @example
 * ```ts
 * import { isoText } from '@spendcap/core';
 * isoText(0); // => '1970-01-01T00:00:00.000Z'
 * ```
 */
export function isoText(at: number): string {
  return textOf(at);
}

const textOf = recentTexts((at) => new Date(at).toISOString(), 512);
