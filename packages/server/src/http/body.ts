import { parseJson, SpendcapError } from '@spendcap/core';
import type { core, ZodType } from 'zod';
import { namesIn, namesOf } from '../jwt/json.ts';
import { HttpProblem } from './problems.ts';

const MEDIA_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const MAX_ERRORS = 20;
const MAX_PATH = 80;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** JSON has no `undefined`: an optional field is present or absent. */
type Exact<T> = T extends object ? { [K in keyof T]: Exact<Exclude<T[K], undefined>> } : T;

export interface JsonOptions {
  readonly maxBytes: number;
  /** True if an absent body means `{}`. */
  readonly optional?: boolean;
}

/**
 * Reads and validates a JSON body.
 *
 * @throws HttpProblem `unsupported_media_type`, `payload_too_large`
 * @throws SpendcapError `invalid_request` with one entry for each invalid field
 */
export async function readJson<T>(
  request: Request,
  schema: ZodType<T>,
  { maxBytes, optional = false }: JsonOptions,
): Promise<Exact<T>> {
  const mediaType = request.headers.get('content-type');
  // Fast path: the common spelling needs no pattern.
  const isJson =
    mediaType === 'application/json' || (mediaType !== null && MEDIA_TYPE.test(mediaType));
  if (!isJson && !(optional && mediaType === null)) {
    throw new HttpProblem('unsupported_media_type', 'The body must be application/json in UTF-8.');
  }
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw new HttpProblem('unsupported_media_type', 'The body must be without content-encoding.');
  }
  const text = decode(await readBytes(request, maxBytes));
  if (optional && text === '') return validate({}, schema);
  if (!isJson) {
    throw new HttpProblem('unsupported_media_type', 'The body must be application/json in UTF-8.');
  }
  const body = validate(parse(text), schema);
  // JSON.parse takes the last of two equal names, other parsers the first: the intent is ambiguous.
  // This also finds names that zod drops, such as `__proto__` in a record.
  if (namesIn(text) !== namesOf(body)) {
    throw invalid([{ path: '', message: 'A field name is repeated or reserved.' }]);
  }
  return body;
}

/** Validates a value that is already parsed: a body, path or query. */
export function validate<T>(value: unknown, schema: ZodType<T>): Exact<T> {
  const result = schema.safeParse(value, { error: messageOf });
  if (result.success) return result.data as Exact<T>;
  throw invalid(
    result.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({
            path: pathOf([...issue.path, key]),
            message: 'Unknown field.',
          }))
        : [{ path: pathOf(issue.path), message: issue.message }],
    ),
  );
}

function invalid(errors: readonly { path: string; message: string }[]): SpendcapError {
  return new SpendcapError('invalid_request', 'Validation failed; see `errors`.', {
    errors: errors.slice(0, MAX_ERRORS),
  });
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string, in quotes',
  number: 'a number, without quotes',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** What a limit of these counts. */
const UNITS: Readonly<Record<string, string>> = { string: 'characters', array: 'items' };

/** zod's own words are kept where they describe JSON and not JavaScript. */
function messageOf(issue: core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.input === undefined) return 'Required.';
      const expected = TYPES[issue.expected];
      return expected === undefined ? undefined : `Must be ${expected}.`;
    }
    case 'too_big':
      return limitOf(issue.origin, `at most ${issue.maximum}`);
    case 'too_small':
      return limitOf(issue.origin, `at least ${issue.minimum}`);
    case 'invalid_value':
      return `Must be one of ${issue.values.join(', ')}.`;
    default:
      return undefined;
  }
}

function limitOf(origin: string, limit: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? `Must be ${limit}.` : `Must have ${limit} ${unit}.`;
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.').slice(0, MAX_PATH);
}

/**
 * Not `hono/body-limit`: it reads through a second Request, which adds 70 us to the 90 us CPU of a
 * POST, and on @hono/node-server without global overrides it fails without Content-Length.
 */
async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const announced = request.headers.get('content-length');
  if (announced !== null && Number(announced) > maxBytes) throw tooLarge(maxBytes);
  try {
    // Fast path: HTTP servers enforce Content-Length (RFC 9112 section 6.3), so the body takes no
    // more memory than announced. Its size is still checked: a Request may come from elsewhere.
    if (announced !== null) {
      const bytes = new Uint8Array(await request.arrayBuffer());
      if (bytes.byteLength > maxBytes) throw tooLarge(maxBytes);
      return bytes;
    }
    return await countWhileReading(request.body, maxBytes);
  } catch (error) {
    if (error instanceof HttpProblem) throw error;
    throw new SpendcapError('invalid_request', 'The body could not be read completely.');
  }
}

async function countWhileReading(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem('payload_too_large', `The body is larger than ${maxBytes} bytes.`);
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw invalid([{ path: '', message: 'The body is not valid UTF-8.' }]);
  }
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    // The parser's message would quote the body.
    throw invalid([{ path: '', message: 'The body is not valid JSON.' }]);
  }
}
