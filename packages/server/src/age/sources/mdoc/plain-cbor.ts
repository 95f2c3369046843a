/**
 * Whether bytes are one item of the plain CBOR that ISO 18013-5 requires of a response: shortest
 * lengths, no indefinite ones, no repeated key, UTF-8 text, no floating point, only the tags of an
 * mdoc with possible dates, and no trailing bytes. Items embedded as bytes (tag 24) are checked
 * too.
 *
 * `cbor-x`, which `@owf/mdoc` decodes with, accepts more, and the library hashes what it
 * re-encodes, so that many byte strings would pass for one signed text. It also trusts lengths;
 * here each is compared with the bytes present. No option of `cbor-x` does this.
 */
export function isPlainCbor(bytes: Uint8Array): boolean {
  try {
    return readItem(bytes, 0, 0) === bytes.length;
  } catch (error) {
    if (error === NOT_PLAIN) return false;
    throw error;
  }
}

/** RFC 8949, section 3.1. */
const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;
const TAG = { dateTime: 0, embedded: 24, fullDate: 1004 } as const;

const FULL_DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
/** `false`, `true` and `null`. */
const SIMPLE = [0xf4, 0xf5, 0xf6];
const MAX_DEPTH = 16;
const NOT_PLAIN = new Error('not plain CBOR');

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Where the item at an offset ends. */
function readItem(bytes: Uint8Array, offset: number, depth: number): number {
  const first = bytes[offset];
  if (first === undefined || depth > MAX_DEPTH) throw NOT_PLAIN;
  const major = first >> 5;
  if (major > MAJOR.tag) {
    if (!SIMPLE.includes(first)) throw NOT_PLAIN;
    return offset + 1;
  }
  const { value, end } = readArgument(bytes, offset);
  switch (major) {
    case MAJOR.bytes:
      return endOf(bytes, end, value);
    case MAJOR.text:
      textAt(bytes, end, value);
      return end + value;
    case MAJOR.array:
      return readItems(bytes, end, { count: value, depth });
    case MAJOR.map:
      return readMap(bytes, end, { count: value, depth });
    case MAJOR.tag:
      return readTagged(bytes, end, { tag: value, depth });
    default:
      return end;
  }
}

/** The argument of a head, in the fewest bytes. */
function readArgument(bytes: Uint8Array, offset: number): { value: number; end: number } {
  const low = (bytes[offset] ?? 0) & 0x1f;
  if (low < 24) return { value: low, end: offset + 1 };
  const size = [1, 2, 4][low - 24];
  const end = offset + 1 + (size ?? 0);
  if (size === undefined || end > bytes.length) throw NOT_PLAIN;
  let value = 0;
  for (const byte of bytes.subarray(offset + 1, end)) value = value * 256 + byte;
  if (value < (size === 1 ? 24 : 256 ** (size / 2))) throw NOT_PLAIN;
  return { value, end };
}

function endOf(bytes: Uint8Array, start: number, length: number): number {
  if (length > bytes.length - start) throw NOT_PLAIN;
  return start + length;
}

function textAt(bytes: Uint8Array, start: number, length: number): string {
  try {
    return utf8.decode(bytes.subarray(start, endOf(bytes, start, length)));
  } catch {
    throw NOT_PLAIN;
  }
}

interface Counted {
  readonly count: number;
  readonly depth: number;
}

function readItems(bytes: Uint8Array, start: number, { count, depth }: Counted): number {
  let end = start;
  for (let left = count; left > 0; left -= 1) end = readItem(bytes, end, depth + 1);
  return end;
}

function readMap(bytes: Uint8Array, start: number, { count, depth }: Counted): number {
  const keys = new Set<string>();
  let end = start;
  for (let left = count; left > 0; left -= 1) {
    const key = end;
    end = readItem(bytes, key, depth + 1);
    keys.add(Buffer.from(bytes.subarray(key, end)).toString('latin1'));
    end = readItem(bytes, end, depth + 1);
  }
  if (keys.size !== count) throw NOT_PLAIN;
  return end;
}

function readTagged(
  bytes: Uint8Array,
  start: number,
  { tag, depth }: { readonly tag: number; readonly depth: number },
): number {
  const end = readItem(bytes, start, depth + 1);
  const major = (bytes[start] ?? 0) >> 5;
  const { value: length, end: content } = readArgument(bytes, start);
  if (tag === TAG.embedded) {
    if (major !== MAJOR.bytes || !isPlainAt(bytes.subarray(content, end), depth)) throw NOT_PLAIN;
    return end;
  }
  const form = tag === TAG.fullDate ? FULL_DATE : tag === TAG.dateTime ? DATE_TIME : undefined;
  if (form === undefined || major !== MAJOR.text) throw NOT_PLAIN;
  const text = textAt(bytes, content, length);
  if (!form.test(text) || !isPossible(text)) throw NOT_PLAIN;
  return end;
}

/**
 * Not the 30th of February, the 24th hour or a leap second: the library throws for some of them.
 */
function isPossible(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text.replace('Z', ''));
}

function isPlainAt(bytes: Uint8Array, depth: number): boolean {
  return readItem(bytes, 0, depth + 1) === bytes.length;
}
