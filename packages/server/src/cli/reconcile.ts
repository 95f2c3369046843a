import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import { createLimiter } from '../limiter/index.ts';
import type { Limiter } from '../limiter/types.ts';
import { type ReconcileOptions, type ReconcileOutcome, reconcile } from '../payments/index.ts';
import { createLog, type Log } from './log.ts';
import { loadPolicy } from './policy.ts';
import { openProcessor } from './processors.ts';
import { type Environment, openStore } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** The parsed options of `reconcile`. */
export interface ReconcileFlags {
  readonly processor: string;
  readonly policy: string;
  readonly store: string;
  readonly schema: string;
  readonly concurrency: number;
  /** Milliseconds from the end of a run to the next. Default: one run. */
  readonly every?: number;
  readonly json?: boolean;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const MAX_EVERY_MS = 86_400_000;

/** @throws InvalidArgumentError unless it is 1s to 24h */
export function everyOf(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,5})([smh])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNITS[unit] ?? 0);
  if (ms > 0 && ms <= MAX_EVERY_MS) return ms;
  throw new InvalidArgumentError('It must be 1s to 24h, such as 30s or 5m.');
}

/** @throws InvalidArgumentError unless it is 1 to 100 */
export function concurrencyOf(text: string): number {
  const count = Number(text);
  if (/^\d{1,3}$/.test(text) && count >= 1 && count <= 100) return count;
  throw new InvalidArgumentError('It must be 1 to 100.');
}

/**
 * Reconciles the overdue holds of a processor once, or every so often until SIGTERM or SIGINT,
 * which finish the run. A second signal exits immediately.
 *
 * @returns the exit code: 1 if a hold could not be checked in a single run, or the ledger not be
 * read
 * @throws UsageError or TypeError if an option or variable is missing or invalid
 */
export async function runReconcile(
  flags: ReconcileFlags,
  environment: Environment,
): Promise<number> {
  if (flags.store === 'memory:') throw new UsageError('--store memory: is empty when it is opened');
  const policy = loadPolicy(flags.policy);
  const processor = await openProcessor(flags.processor, environment);
  const limiter = createLimiter({ policy, store: await openStore(flags) });
  const log = createLog('warn');
  const stop = stopOnSignal();
  try {
    let isDone = true;
    do {
      isDone = await runOnce(flags, { limiter, processor, log });
      // An aborted wait rejects.
      await sleep(flags.every ?? 0, undefined, { signal: stop }).catch(() => undefined);
    } while (flags.every !== undefined && !stop.aborted);
    return flags.every !== undefined || isDone ? 0 : 1;
  } finally {
    log.flush();
    await limiter.close();
  }
}

interface Context extends Pick<ReconcileOptions, 'processor'> {
  readonly limiter: Limiter;
  readonly log: Log;
}

/** One run and its line; false if anything failed. */
async function runOnce(flags: ReconcileFlags, { log, ...deps }: Context): Promise<boolean> {
  // Not the counts that `reconcile` returns: those are lost if the ledger goes away in between.
  const counts = { committed: 0, released: 0, open: 0, unseen: 0, failed: 0 };
  let isListed = true;
  try {
    await reconcile({
      ...deps,
      concurrency: flags.concurrency,
      onResult({ outcome, error }) {
        counts[outcome] += 1;
        if (outcome === 'failed') log.error(error);
      },
      onProblem: ({ code, message, purchaseId }) => log.warn(message, { code, purchaseId }),
    });
  } catch (error) {
    isListed = false;
    log.error(error);
  }
  const { name } = deps.processor;
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ at: new Date().toISOString(), processor: name, ...counts })}\n`
      : `${name}: ${lineOf(counts)}\n`,
  );
  return isListed && counts.failed === 0;
}

function lineOf(counts: Readonly<Record<ReconcileOutcome, number>>): string {
  return Object.entries(counts)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
}

function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(1);
    stop.abort();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return stop.signal;
}
