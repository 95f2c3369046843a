import { cpus, totalmem } from 'node:os';

/** One side of a comparison: `run` does `count` pieces of work and resolves when all are done. */
export interface Side {
  readonly name: string;
  readonly run: (count: number) => Promise<void>;
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
  readonly atLeast: string;
  readonly met: boolean;
}

const ROUNDS = 7;
/** Calls that are under way at the same time. */
export const IN_FLIGHT = 64;
export const SUBJECTS = 5_000;

/** Runs calls with `IN_FLIGHT` of them under way until `count` are done. */
export async function inFlight(count: number, call: (index: number) => Promise<unknown>) {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await call(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, worker));
}

async function rate({ run }: Side, count: number): Promise<number> {
  globalThis.gc?.();
  const begin = process.hrtime.bigint();
  await run(count);
  return count / (Number(process.hrtime.bigint() - begin) / 1e9);
}

/** Both sides in turn, round by round, so that a slower minute of the machine is slow for both. */
export async function compare(comparison: Comparison): Promise<Measured> {
  const { work, ours, beside, atLeast, count, close } = comparison;
  const { besideCount = count } = comparison;
  await rate(ours, count);
  await rate(beside, besideCount);
  const rounds: { ours: number; beside: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // Who goes first changes, so that neither always follows the other.
    if (round % 2 === 0) {
      const first = await rate(ours, count);
      rounds.push({ ours: first, beside: await rate(beside, besideCount) });
    } else {
      const first = await rate(beside, besideCount);
      rounds.push({ ours: await rate(ours, count), beside: first });
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
    atLeast: `${atLeast}x`,
    met: ratio >= atLeast,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en-US')}/s`;
}

export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} x ${cpu?.model.trim()}, ${memory} GiB, ${process.platform} ${process.arch}`;
}
