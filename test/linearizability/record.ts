import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CappedWindow,
  type RecordCommand,
  type ReserveCommand,
  SpendcapError,
  type Store,
} from '@spendcap/core';
import type { Operation } from './checker.ts';
import { type Answer, ask, type Call } from './ledger.ts';

export type History = readonly Operation<Call, Answer>[];

const DAY = 86_400_000;
/** Some seconds before midnight, so that most histories have two days. */
const START = Date.UTC(2026, 10, 30) - 6_000;
const CAPS = { day: 150, month: 220 } as const;
const IDS = 7;

/** `overdue` comes last. */
const VERBS = [
  ...['reserve', 'reserve', 'reserve', 'reserve', 'reserve', 'commit', 'commit', 'commit'],
  ...['release', 'release', 'record', 'attach', 'attach', 'refund', 'refund', 'refund'],
  ...['reverseRefund', 'get', 'usage', 'usage', 'overdue'],
] as const;
const PROCESSORS = ['one_pay', 'two_pay'] as const;

export interface Scene {
  /** What every name of this history begins with. */
  readonly own: string;
  readonly subjects: number;
  /** Whether clients call `overdue`. Default true. */
  readonly overdue?: boolean;
  readonly random: () => number;
}

function dayAt(at: number): CappedWindow {
  const start = Math.floor(at / DAY) * DAY;
  const selector = { currency: 'CNY', app: null, categories: null };
  return { selector, start, end: start + DAY, cap: CAPS.day };
}

function monthAt(at: number): CappedWindow {
  return { ...dayAt(at), start: Date.UTC(2026, 10, 1), end: Date.UTC(2027, 0, 1), cap: CAPS.month };
}

/** The next call of a client: few ids and tight caps, so that calls conflict. */
function nextCall({ own, subjects, overdue = true, random }: Scene, at: number): Call {
  const below = (end: number): number => Math.floor(random() * end);
  const verb = VERBS[below(VERBS.length - (overdue ? 0 : 1))] as Call[0];
  const number = below(IDS);
  const id = `${own}p${number}`;
  const subject = `${own}s${below(subjects)}`;
  const refundId = `r${below(2)}`;
  const amount = random() < 0.5 ? {} : { amount: 20 * (1 + below(3)) };
  switch (verb) {
    case 'reserve':
      return [verb, hold({ id, subject, at, amount: 40 + 20 * (number % 3) }, random)];
    case 'commit':
      return [verb, { id, at, ...amount }];
    case 'record':
      return [verb, charge({ id, subject, at, amount: 40 + 20 * (number % 3) }, random)];
    case 'attach': {
      const processorRef = `ref-${below(2)}`;
      return [verb, { id, processor: processorOf(id), processorRef, at }];
    }
    case 'refund': {
      const { amount: total } = amount;
      const some = total !== undefined && random() < 0.5 ? { total } : amount;
      return [verb, { id, refundId, restores: random() < 0.7, at, ...some }];
    }
    case 'reverseRefund':
      return [verb, { id, refundId, at }];
    case 'usage':
      return [verb, { subject, windows: [dayAt(at), monthAt(at), dayAt(START)], at }];
    case 'overdue': {
      const own = random() < 0.5 ? {} : { processor: PROCESSORS[below(2)] ?? 'one_pay' };
      return [verb, { at, limit: 10_000, ...own }];
    }
    default:
      return [verb, { id, at }];
  }
}

type Basis = Pick<ReserveCommand, 'id' | 'subject' | 'at' | 'amount'>;

/** Of some purchases, so that holds with and without a processor meet. */
const processorOf = (id: string): string =>
  Number(id.at(-1)) % 2 === 0 ? PROCESSORS[0] : PROCESSORS[1];

const boughtIn = ({ at: _at, ...basis }: Basis, random: () => number) => ({
  ...{ ...basis, request: `${basis.amount}`, currency: 'CNY', app: null, category: null },
  ...{ processor: random() < 0.8 ? processorOf(basis.id) : null, processorRef: null, basis: '{}' },
});

function hold(basis: Basis, random: () => number): ReserveCommand {
  const { at } = basis;
  const amount = random() < 0.9 ? basis.amount : basis.amount + 5;
  return {
    ...boughtIn({ ...basis, amount }, random),
    ...{ at, expiresAt: at + 200 + Math.floor(random() * 3_000) },
    onExpiry: random() < 0.8 ? 'release' : 'reconcile',
    windows: [dayAt(at), monthAt(at)],
  };
}

/** Charged up to two days ago. */
function charge(basis: Basis, random: () => number): RecordCommand {
  const { at } = basis;
  const chargedAt = random() < 0.5 ? at : at - Math.floor(random() * 2 * DAY);
  const windows = [dayAt(chargedAt), monthAt(chargedAt)];
  return { ...boughtIn(basis, random), windows, chargedAt, at };
}

export interface Client {
  readonly store: Store;
  /** It may send a call again when the connection ends: only the last one is answered. */
  readonly resends?: boolean;
}

export interface Recording extends Scene {
  /** Each makes one call after another. */
  readonly clients: readonly Client[];
  readonly callsEach: number;
  /** Reads after the last call, so that no lost write stays unseen. */
  readonly last: Store;
}

/** Lets the clients work on a few purchases, and records what they saw and when. */
export async function record(recording: Recording): Promise<History> {
  const { own, subjects, random, clients, callsEach, last } = recording;
  const operations: Operation<Call, Answer>[] = [];
  let ticks = 0;
  let now = START;

  const act = async ({ store, resends = false }: Client, input: Call): Promise<void> => {
    const called = ticks++;
    const output = await answerOf(store, input, own);
    if (output === 'unknown' || resends) operations.push({ input, called });
    if (typeof output === 'string') return;
    operations.push({ input, called, answered: { at: ticks++, output } });
  };
  await Promise.all(
    clients.map(async (client) => {
      for (let call = 0; call < callsEach; call += 1) {
        now += Math.floor(random() * 400);
        // The callers have a clock skew.
        const at = now - Math.floor(random() * 300);
        await act(client, nextCall(recording, at));
        if (random() < 0.3) await sleep(random() * 3);
      }
    }),
  );
  const windows = [dayAt(START), dayAt(now), monthAt(now)];
  for (let number = 0; number < subjects; number += 1) {
    await act({ store: last }, ['usage', { subject: `${own}s${number}`, windows, at: now }]);
  }
  // Nothing stays open, or `overdue` would return more and more.
  for (let number = 0; number < IDS; number += 1) {
    await act({ store: last }, ['release', { id: `${own}p${number}`, at: now }]);
  }
  return operations;
}

async function answerOf(store: Store, call: Call, own: string) {
  try {
    const answer = await ask(store, call);
    const { overdue } = answer;
    // The only verb that returns purchases of other histories.
    return overdue === undefined ? answer : { overdue: overdue.filter((id) => id.startsWith(own)) };
  } catch (error) {
    if (!SpendcapError.isInstance(error)) throw error;
    if (error.code === 'outcome_unknown') return 'unknown';
    if (error.code === 'store_unavailable') return 'not done';
    throw error;
  }
}
