/** Deeper than any valid input, and shallow enough for recursion. */
const MAX_DEPTH = 32;

/**
 * Parses JSON that comes from outside, as `JSON.parse` does except that no name with an escape
 * reaches it: V8 can read such a name as one of an object that it parsed before, even for another
 * caller (nodejs/node#63785).
 *
 * @throws SyntaxError for what is not JSON, and for a text with an escaped name that is nested more
 * than 32 deep. The message may quote the text.
 * @example
 * ```ts
 * import { parseJson } from '@spendcap/core';
 * parseJson('{"\\u0061":1}'); // => { a: 1 }
 * ```
 */
export function parseJson(text: string): unknown {
  // Fast path: most texts have no escape at all.
  if (!text.includes('\\')) return JSON.parse(text);
  const { numbered, names, escaped } = numberNames(text);
  return escaped ? named(JSON.parse(numbered), names) : JSON.parse(text);
}

/** The names of the objects in a JSON text that contain an escape, unescaped. */
export function escapedNames(text: string): readonly string[] {
  if (!text.includes('\\')) return [];
  const found: string[] = [];
  for (const { open, end } of stringsIn(text)) {
    const literal = text.slice(open, end);
    if (literal.includes('\\') && isName(text, end)) found.push(JSON.parse(literal));
  }
  return found;
}

interface Numbered {
  /** The text with `"#0"`, `"#1"`, ... in place of its names. */
  readonly numbered: string;
  readonly names: readonly string[];
  readonly escaped: boolean;
}

function numberNames(text: string): Numbered {
  const names: string[] = [];
  let numbered = '';
  let copied = 0;
  let escaped = false;
  for (const { open, end } of stringsIn(text)) {
    if (!isName(text, end)) continue;
    const literal = text.slice(open, end);
    escaped ||= literal.includes('\\');
    numbered += `${text.slice(copied, open)}"#${names.length}"`;
    copied = end;
    // A string alone is read correctly, and is checked here.
    names.push(JSON.parse(literal));
  }
  return { numbered: numbered + text.slice(copied), names, escaped };
}

interface StringPlace {
  readonly open: number;
  /** The index after the closing quote. */
  readonly end: number;
}

function* stringsIn(text: string): Generator<StringPlace> {
  let open = text.indexOf('"');
  while (open !== -1) {
    let close = text.indexOf('"', open + 1);
    while (close !== -1 && isEscaped(text, close)) close = text.indexOf('"', close + 1);
    if (close === -1) throw new SyntaxError('a string does not end');
    yield { open, end: close + 1 };
    open = text.indexOf('"', close + 1);
  }
}

/** True after an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 92) backslashes++;
  return backslashes % 2 === 1;
}

/** True if a colon follows: outside of strings, it does so only after a name. */
function isName(text: string, end: number): boolean {
  let at = end;
  while (' \t\n\r'.includes(text.charAt(at)) && at < text.length) at++;
  return text.charCodeAt(at) === 58;
}

function named(value: unknown, names: readonly string[], depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) throw new SyntaxError('it is nested too deep');
  if (Array.isArray(value)) return value.map((inner) => named(inner, names, depth + 1));
  // Not by assignment, which would set the prototype for the name `__proto__`.
  return Object.fromEntries(
    Object.entries(value).map(([number, inner]) => [
      names[Number(number.slice(1))],
      named(inner, names, depth + 1),
    ]),
  );
}
