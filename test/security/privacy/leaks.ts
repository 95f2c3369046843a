import { inspect } from 'node:util';

/** Something that came out: where, and all that can be read of it. */
export interface Output {
  readonly where: string;
  readonly bytes: Buffer;
}

/** A value that must appear nowhere, with a name that may be printed. */
export type Marks = ReadonlyMap<string, string>;

export interface Leak {
  readonly where: string;
  readonly mark: string;
}

/** Collects all that comes out of a flow, errors with everything that hangs on them. */
export function collector() {
  const outputs: Output[] = [];
  const add = (where: string, value: unknown): void => {
    const bytes = value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(textOf(value));
    outputs.push({ where, bytes });
  };
  return {
    outputs: outputs as readonly Output[],
    add,
    /** Adds what a call rejects with, and fails if it does not reject with this code. */
    async refused(where: string, call: Promise<unknown>, code: string): Promise<void> {
      const error = await call.then(
        () => new Error('it was accepted'),
        (reason: unknown) => reason as Error,
      );
      add(where, error);
      const got = (error as { code?: string }).code;
      if (got !== code) throw new Error(`${where}: ${got ?? error.message} instead of ${code}`);
    },
  };
}

export type Collector = ReturnType<typeof collector>;

const EVERYTHING = {
  depth: Number.POSITIVE_INFINITY,
  showHidden: true,
  maxArrayLength: null,
  maxStringLength: null,
} as const;

/** As it would be logged, as JSON, and an error's message, stack and causes. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const parts = [inspect(value, EVERYTHING), JSON.stringify(value)];
  for (let error = value; error instanceof Error; error = error.cause) {
    parts.push(error.message, error.stack ?? '', JSON.stringify(error), String(error));
  }
  return parts.join('\n');
}

/** Every place where a mark can be read, in plain or in one of the usual spellings of bytes. */
export function leaksIn(outputs: readonly Output[], marks: Marks): readonly Leak[] {
  const spelled = [...marks].map(([mark, value]) => ({ mark, spellings: spellingsOf(value) }));
  return outputs.flatMap(({ where, bytes }) =>
    spelled
      .filter(({ spellings }) => spellings.some((spelling) => bytes.includes(spelling)))
      .map(({ mark }) => ({ where, mark })),
  );
}

function spellingsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const escaped = value.replace(
    /[^\x20-\x7e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const hex = bytes.toString('hex');
  return [
    value,
    escaped,
    encodeURIComponent(value),
    hex,
    hex.toUpperCase(),
    ...base64Inside(bytes, 'base64'),
    ...base64Inside(bytes, 'base64url'),
  ];
}

/** The letters that bytes have for certain, at any offset in the encoded text. */
function base64Inside(bytes: Buffer, encoding: 'base64' | 'base64url'): readonly string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replace(/=+$/, '');
    const bits = (before + bytes.length) * 8;
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(bits / 6));
  });
}
