/**
 * The life of a call. This file is the only owner of retries: neither the queue nor the connection
 * sends anything twice.
 *
 *                    ┌───────────────── retried ─────────────────┐
 *                    v                                           │
 *   submit ────> queued ──── connection, then statement ────> sent ────> answered
 *                    │                                           │
 *                timed out                                   timed out
 *                    v                                           v
 *            store_unavailable                            outcome_unknown
 *           (it is never sent)                       (the server may still do it)
 *
 * - queued: waits for its batch, for a connection, or for the pause before a retry. Certainly
 *   nothing was done: it was never sent, or the server has rolled back what was sent.
 * - sent: a statement that contains it is on the wire.
 * - retried: the statement was rolled back for a conflict with another transaction or for the data
 *   of another call, or the fast path left the call out (`sql/apply-batch.ts` says when).
 * - answered: with a reply, or with an error that no retry would change.
 *
 * Each call has one deadline, and only that ends the waiting: a statement ends with its reply, or
 * when every call in it has timed out. Then nobody waits for it, and its connection is destroyed.
 */
import { SpendcapError } from '@spendcap/core';
import { groupCommit, type Outcome } from '../../ledger/group-commit.ts';
import { isolateDataErrors, repeatable, unavailable } from '../../ledger/store-kit.ts';
import { serverCheck } from './check.ts';
import { type PostgresPool, sendStatement } from './connection.ts';
import { toOutcomes } from './decode.ts';
import { type EncodedBatch, encodeBatch, type PostgresCommand } from './encode.ts';
import {
  isDataError,
  isReadOnly,
  isRetryableConflict,
  isRolledBack,
  isUniqueViolation,
  toSpendcapError,
} from './errors.ts';
import { orderedQueue } from './ordered-queue.ts';
import { PARAMETER_COUNT } from './sql/batch.ts';
import { migrationOf } from './sql/migrate.ts';

export interface DispatcherOptions {
  readonly pool: PostgresPool;
  readonly schema: string;
  readonly timeoutMs: number;
  readonly maxBatch: number;
  readonly maxQueue: number;
}

/** How often a batch is sent in all while it is rolled back for conflicts. */
const MAX_ATTEMPTS = 6;
/** The pause before a retry is random, up to twice this after the first attempt, and doubles. */
const BACKOFF_MS = 4;
/**
 * Batches that are sent in order after a duplicate id. Such a conflict rolls back a whole batch,
 * and a caller that sends one id twice at the same time often does so again.
 */
const ORDERED_AFTER_DUPLICATE = 100;

/** Somebody who waits for an answer until a deadline. Only this file changes the state. */
interface Waiter {
  state: 'queued' | 'sent' | 'settled';
  /** Ends the waiting. Does nothing if it has ended. */
  readonly settle: (outcome: Outcome<unknown>) => void;
  readonly result: Promise<unknown>;
  /** Resolves when the waiting has ended in whatever way. */
  readonly settled: Promise<void>;
}

type Call = PostgresCommand & Waiter;
type Outcomes = ReadonlyMap<Call, Outcome<unknown>>;

/** Takes commands to the functions `apply_batch` and `read_batch` of a schema. */
export function dispatcher({ pool, schema, timeoutMs, maxBatch, maxQueue }: DispatcherOptions) {
  const query = (text: string, abandoned: Promise<unknown>) =>
    sendHarmless(pool, { statement: () => ({ text }), abandoned });
  const server = serverCheck(query, schema);
  const transact = retrying(sender(pool, schema), server);
  const runBatch = (calls: readonly Call[]) =>
    isolateDataErrors(calls, { run: transact, isDataError, toError: toSpendcapError });
  const queue = orderedQueue<Call, unknown>({ runBatch, maxBatch, maxQueue });
  // Of every subject, so it waits for nobody's calls.
  const overdueQueue = groupCommit<Call, unknown>({ runBatch, maxBatch, maxQueue });

  /** Runs statements that change nothing, until the deadline that a call would have. */
  const bounded = async (work: (abandoned: Promise<void>) => Promise<unknown>): Promise<void> => {
    const { settle, result, settled } = waiter(timeoutMs);
    work(settled).then(
      () => settle(DONE),
      (error) => settle({ error }),
    );
    await result;
  };

  return {
    submit(command: PostgresCommand): Promise<unknown> {
      const call: Call = Object.assign(waiter(timeoutMs), command);
      const { submit } = command.verb === 'overdue' ? overdueQueue : queue;
      submit(call).then(
        (value) => call.settle({ value }),
        (error) => call.settle({ error }),
      );
      return call.result;
    },
    check: () => bounded(server.check),
    async migrate(): Promise<void> {
      await bounded(server.checkServer);
      await query(migrationOf(schema), new Promise(() => {}));
    },
    /** Resolves when nothing waits and nothing is in flight. */
    idle: () => Promise.all([queue.idle(), overdueQueue.idle()]),
  };
}

type Send = ReturnType<typeof sender>;

/**
 * Sends calls in one statement. Calls that time out before there is a connection are left out of
 * it, and so have no outcome.
 */
function sender(pool: PostgresPool, schema: string) {
  return async (calls: readonly Call[], inOrder: boolean): Promise<Outcomes> => {
    let sent: readonly Call[] = [];
    const statement = () => {
      const queued = calls.filter(({ state }) => state === 'queued');
      if (queued.length === 0) return null;
      const batch = encoded(queued);
      for (const call of queued) call.state = 'sent';
      sent = batch.commands;
      return { text: callText(schema, sent, inOrder), values: batch.values };
    };
    const [row] = await sendStatement(pool, { statement, abandoned: allSettled(calls) });
    if (row === undefined) return new Map();
    const { replies } = row as { readonly replies: string };
    return toOutcomes(sent, replies);
  };
}

/** @throws SpendcapError `invalid_request` for a batch that cannot be sent, so that nothing was */
function encoded(calls: readonly Call[]): EncodedBatch<Call> {
  try {
    return encodeBatch(calls);
  } catch (cause) {
    throw new SpendcapError('invalid_request', 'The call cannot be encoded.', { cause });
  }
}

/** Sends a batch until all of its calls have ended. Rejects with what no retry would change. */
function retrying(send: Send, server: ReturnType<typeof serverCheck>) {
  /** So many batches to come are sent in order. */
  let orderedBatches = 0;

  return async (calls: readonly Call[]): Promise<readonly Outcome<unknown>[]> => {
    const outcomes = new Map<Call, Outcome<unknown>>();
    const isOpen = (call: Call) => call.state !== 'settled' && !outcomes.has(call);
    let inOrder = orderedBatches > 0;
    orderedBatches = Math.max(0, orderedBatches - 1);
    await server.ensure(allSettled(calls));
    for (let attempt = 1; calls.some(isOpen); ) {
      const open = calls.filter(isOpen);
      try {
        for (const [call, outcome] of await send(open, inOrder)) outcomes.set(call, outcome);
        // In order, nothing is left out: a call without a reply is no call to send again.
        if (inOrder) break;
        requeue(open.filter(isOpen));
        // Calls that are answered need not wait for those that are retried.
        if (calls.some(isOpen)) for (const [call, outcome] of outcomes) call.settle(outcome);
      } catch (cause) {
        if (isRolledBack(cause)) requeue(open);
        if (isReadOnly(cause)) server.reset();
        if (attempt >= MAX_ATTEMPTS || !isRetryableConflict(cause)) throw cause;
        if (isUniqueViolation(cause) && !inOrder) orderedBatches = ORDERED_AFTER_DUPLICATE;
        else await pause(BACKOFF_MS * 2 ** attempt * Math.random());
        attempt += 1;
      }
      inOrder = true;
    }
    return calls.map((call) => outcomes.get(call) ?? NO_REPLY);
  };
}

const DONE: Outcome<void> = { value: undefined };
const NO_REPLY: Outcome<never> = {
  error: new SpendcapError('outcome_unknown', 'The database sent no reply. Retry.'),
};

function waiter(timeoutMs: number): Waiter {
  let end: (outcome: Outcome<unknown>) => void = noop;
  const result = new Promise<unknown>((resolve, reject) => {
    end = (outcome) => ('value' in outcome ? resolve(outcome.value) : reject(outcome.error));
  });
  const settle: Waiter['settle'] = (outcome) => {
    if (made.state === 'settled') return;
    made.state = 'settled';
    clearTimeout(timer);
    end(outcome);
  };
  const timer = setTimeout(() => settle({ error: timedOut(made.state === 'sent') }), timeoutMs);
  const made: Waiter = { state: 'queued', settle, result, settled: result.then(noop, noop) };
  return made;
}

function timedOut(sent: boolean): SpendcapError {
  if (!sent) return unavailable('The database did not answer in time.');
  return new SpendcapError('outcome_unknown', 'The database did not answer in time. Retry.');
}

const noop = (): void => undefined;

/** Puts back the calls of a statement that were rolled back or left out. */
function requeue(calls: readonly Call[]): void {
  for (const call of calls) if (call.state === 'sent') call.state = 'queued';
}

const allSettled = (calls: readonly Call[]) => Promise.all(calls.map(({ settled }) => settled));

const PARAMETERS = Array.from({ length: PARAMETER_COUNT }, (_, index) => `$${index + 1}`).join();

function callText(schema: string, calls: readonly Call[], inOrder: boolean): string {
  return calls.every(({ isRead }) => isRead)
    ? `SELECT "${schema}".read_batch(${PARAMETERS}) AS replies`
    : `SELECT "${schema}".apply_batch(${PARAMETERS},${inOrder}) AS replies`;
}

/** A statement that may be repeated: whether it was done need not be known. */
async function sendHarmless(pool: PostgresPool, sending: Parameters<typeof sendStatement>[1]) {
  try {
    return await sendStatement(pool, sending);
  } catch (cause) {
    throw repeatable(toSpendcapError(cause));
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
