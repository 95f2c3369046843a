import { cpus, totalmem } from 'node:os';

/** Milliseconds that pieces of work took, each from its begin to its end. */
export type Latencies = readonly number[];

/** One side of a comparison: `run` does `count` pieces of work and resolves when all are done. */
export interface Side {
  readonly name: string;
  readonly run: (count: number) => Promise<Latencies>;
}

export interface Comparison {
  readonly work: string;
  readonly ours: Side;
  readonly beside: Side;
  /** The ratio of our rate to the other's that was promised. */
  readonly atLeast: number;
  /** Pieces of work in one round of each side. */
  readonly count: number;
  /** Of the other side, where it takes much longer for the same. */
  readonly besideCount?: number;
  readonly close?: () => Promise<void> | void;
}

export interface Measured {
  readonly work: string;
  readonly ours: string;
  readonly beside: string;
  readonly ratio: string;
  readonly range: string;
  /**
   * Milliseconds that half of the calls, and all but one in a hundred, took at most: ours, beside.
   */
  readonly 'p50 ms': string;
  readonly 'p99 ms': string;
  readonly atLeast: string;
  readonly met: boolean;
}

const ROUNDS = 7;
/** Calls that are under way at the same time. */
export const IN_FLIGHT = 64;
export const SUBJECTS = 5_000;

/** Calls of which one is timed, so that reading the clock costs next to nothing. */
const TIMED_EACH = 8;

/** Runs calls with `IN_FLIGHT` of them under way until `count` are done. */
export async function inFlight(
  count: number,
  call: (index: number) => Promise<unknown>,
): Promise<Latencies> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      if (index % TIMED_EACH === 0) {
        const begin = performance.now();
        await call(index);
        latencies.push(performance.now() - begin);
      } else {
        await call(index);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, worker));
  return latencies;
}

/** Runs a side and returns its rate; how long its calls took goes to `latencies`. */
async function rate({ run }: Side, count: number, latencies: number[]): Promise<number> {
  globalThis.gc?.();
  const begin = process.hrtime.bigint();
  const took = await run(count);
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  for (const ms of took) latencies.push(ms);
  return count / seconds;
}

/** Both sides in turn, round by round, so that a slower minute of the machine is slow for both. */
export async function compare(comparison: Comparison): Promise<Measured> {
  const { work, ours, beside, atLeast, count, close } = comparison;
  const { besideCount = count } = comparison;
  const took = { ours: [] as number[], beside: [] as number[] };
  const rateOurs = () => rate(ours, count, took.ours);
  const rateBeside = () => rate(beside, besideCount, took.beside);
  await rate(ours, count, []);
  await rate(beside, besideCount, []);
  const rounds: { ours: number; beside: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // Who goes first changes, so that neither always follows the other.
    if (round % 2 === 0) {
      const first = await rateOurs();
      rounds.push({ ours: first, beside: await rateBeside() });
    } else {
      const first = await rateBeside();
      rounds.push({ ours: await rateOurs(), beside: first });
    }
  }
  await close?.();
  const ratios = rounds.map((round) => round.ours / round.beside).sort((a, b) => a - b);
  const ratio = median(ratios);
  return {
    work,
    ours: `${perSecond(median(rounds.map((round) => round.ours)))} ${ours.name}`,
    beside: `${perSecond(median(rounds.map((round) => round.beside)))} ${beside.name}`,
    ratio: `${ratio.toFixed(2)}x`,
    range: `${(ratios[0] ?? 0).toFixed(2)}-${(ratios.at(-1) ?? 0).toFixed(2)}`,
    'p50 ms': bothAt(0.5, took),
    'p99 ms': bothAt(0.99, took),
    atLeast: `${Number(atLeast.toFixed(2))}x`,
    met: ratio >= atLeast,
  };
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
}

function bothAt(part: number, { ours, beside }: Record<'ours' | 'beside', Latencies>): string {
  return `${quantile(ours, part).toPrecision(2)} | ${quantile(beside, part).toPrecision(2)}`;
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en-US')}/s`;
}

export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} x ${cpu?.model.trim()}, ${memory} GiB, ${process.platform} ${process.arch}`;
}
