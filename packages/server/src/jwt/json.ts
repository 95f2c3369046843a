import { parseJson } from '@spendcap/core';

/** Deeper than any valid input, and shallow enough for recursion. */
const MAX_DEPTH = 32;

/**
 * Parses JSON without repeated names in an object and without deep nesting. `JSON.parse` takes the
 * last of two equal names and other parsers the first, so such a text is ambiguous.
 *
 * @throws Error for every other text; the parser's own message quotes it
 */
export function parseStrict(text: string): unknown {
  const value: unknown = parseJson(text);
  if (namesIn(text) !== namesOf(value))
    throw new Error('a name is repeated, or it is nested too deep');
  return value;
}

/** Counts the names in a valid JSON text: a colon outside a string follows each. */
export function namesIn(text: string): number {
  let names = 0;
  let at = 0;
  for (;;) {
    const open = text.indexOf('"', at);
    const end = open === -1 ? text.length : open;
    for (let i = at; i < end; i++) if (text.charCodeAt(i) === 58) names++;
    if (open === -1) return names;
    at = endOfString(text, open + 1);
  }
}

/** The index after the closing quote: the first one after an even number of backslashes. */
function endOfString(text: string, from: number): number {
  let close = text.indexOf('"', from);
  for (;;) {
    let backslashes = 0;
    while (text.charCodeAt(close - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return close + 1;
    close = text.indexOf('"', close + 1);
  }
}

/** Counts the names in a value; NaN, which equals no number, if it is nested too deep. */
export function namesOf(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === MAX_DEPTH) return Number.NaN;
  let names = 0;
  if (Array.isArray(value)) {
    for (const inner of value) names += namesOf(inner, depth + 1);
    return names;
  }
  for (const inner of Object.values(value)) names += 1 + namesOf(inner, depth + 1);
  return names;
}
