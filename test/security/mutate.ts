import { SpendcapError, type SpendcapErrorCode } from '@spendcap/core';
import { randomNumbers } from '../support/random.ts';

export interface MutationOptions {
  /** The same seed gives the same mutants, so that a find can be looked at again. */
  readonly seed: number;
  readonly count: number;
}

/** Up to this many bytes are copied or removed together. */
const LONGEST_SLICE = 24;
const BATCH = 64;

/**
 * Random mutants of a valid token as text, none of them equal to it: its own bytes changed, and (in
 * every other mutant) the bytes that one of its base64url parts stands for, spelled canonically
 * again, so that the change gets past the checks of form. Parts are what is between `.` and `~`.
 */
export function* mutantTokens(token: string, options: MutationOptions): Generator<string> {
  const random = wholeNumbers(options.seed);
  for (let made = 0; made < options.count; ) {
    const mutant =
      made % 2 === 0
        ? mutated(Buffer.from(token), random).toString('latin1')
        : withMutatedPart(token, random);
    if (mutant === token) continue;
    made += 1;
    yield mutant;
  }
}

/** The same for a token that is bytes, as CBOR is. */
export function* mutantBytes(token: Uint8Array, options: MutationOptions): Generator<Uint8Array> {
  const random = wholeNumbers(options.seed);
  for (let made = 0; made < options.count; ) {
    const mutant = mutated(Buffer.from(token), random);
    if (mutant.equals(token)) continue;
    made += 1;
    yield new Uint8Array(mutant);
  }
}

/**
 * Shows each mutant to `verify`, 64 at a time, and counts the refusals by their `why`.
 *
 * @throws Error for the first mutant that is accepted, or refused with anything but a SpendcapError
 * of `code`
 */
export async function refusalsOf<Mutant>(
  mutants: Iterable<Mutant>,
  verify: (mutant: Mutant) => Promise<unknown>,
  code: SpendcapErrorCode,
): Promise<ReadonlyMap<string, number>> {
  const tally = new Map<string, number>();
  let batch: Mutant[] = [];
  const show = async (mutant: Mutant) => {
    const outcome = await verify(mutant).then(
      () => 'accepted',
      (reason: unknown) => reason,
    );
    if (!SpendcapError.isInstance(outcome) || outcome.code !== code) {
      throw new Error(`${String(outcome)}: ${textOf(mutant)}`);
    }
    const why = outcome.why ?? '';
    tally.set(why, (tally.get(why) ?? 0) + 1);
  };
  for (const mutant of mutants) {
    if (batch.push(mutant) < BATCH) continue;
    await Promise.all(batch.map(show));
    batch = [];
  }
  await Promise.all(batch.map(show));
  return tally;
}

function textOf(mutant: unknown): string {
  return mutant instanceof Uint8Array
    ? Buffer.from(mutant).toString('base64url')
    : JSON.stringify(mutant);
}

/** Whole numbers from 0 to below a bound. */
type Random = (below: number) => number;

function wholeNumbers(seed: number): Random {
  const next = randomNumbers(seed);
  return (below) => Math.floor(next() * below);
}

/** A copy with one to three changes, mostly one. */
function mutated(bytes: Buffer, random: Random): Buffer {
  let mutant = bytes;
  const changes = random(4) === 0 ? 2 + random(2) : 1;
  for (let change = 0; change < changes; change += 1) mutant = changed(mutant, random);
  return mutant;
}

function changed(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length + 1);
  const length = 1 + random(LONGEST_SLICE);
  const slice = () => {
    const from = random(bytes.length + 1);
    return bytes.subarray(from, from + length);
  };
  switch (random(8)) {
    case 0:
      return withByte(bytes, at, (byte) => byte ^ (1 << random(8)));
    case 1:
      return withByte(bytes, at, () => random(256));
    case 2:
      // Another byte that the token has already, as a letter of its alphabet.
      return withByte(bytes, at, (byte) => bytes[random(bytes.length)] ?? byte);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(random(256)), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 6:
      return Buffer.concat([bytes.subarray(0, at), slice(), bytes.subarray(at)]);
    default:
      return random(4) === 0
        ? bytes.subarray(0, at)
        : Buffer.concat([bytes.subarray(0, at), slice(), bytes.subarray(at + length)]);
  }
}

function withByte(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  const index = Math.min(at, bytes.length - 1);
  const byte = bytes[index];
  if (byte !== undefined) copy[index] = change(byte);
  return copy;
}

function withMutatedPart(token: string, random: Random): string {
  const pieces = token.split(/([.~])/);
  // Separators are at the odd places.
  const parts = pieces.flatMap((piece, index) => (index % 2 === 0 && piece !== '' ? [index] : []));
  const index = parts[random(parts.length)] ?? 0;
  const bytes = Buffer.from(pieces[index] ?? '', 'base64url');
  return pieces.with(index, mutated(bytes, random).toString('base64url')).join('');
}
