import { setTimeout } from 'node:timers/promises';
import type { ReserveCommand, Store } from '@spendcap/core';
import { describe, expect, it } from 'vitest';
import {
  fromReply,
  type ReserveReply,
} from '../../../../packages/server/src/ledger/reserve-reply.ts';
import {
  type SqliteCommand,
  type SqliteReply,
  sqliteLedger,
} from '../../../../packages/server/src/stores/sqlite/file.ts';
import {
  ALL,
  capped,
  charge,
  DAY,
  HOUR,
  NOON,
  purchase,
  T0,
} from '../../../../packages/server/src/testing/fixtures.ts';
import { type Random, randomOf } from '../../../simulation/random.ts';
import { anyStore } from '../../../support/any-store.ts';
import { temporaryFile } from '../../../support/temporary.ts';

const ROUNDS = 400;
const SEASON = { selector: ALL, start: T0 - 30 * DAY, end: T0 + 300 * DAY };
const TIPS = { ...SEASON, selector: { ...ALL, categories: ['tip'] } };
const WINDOWS = [capped(SEASON, 60_000), capped(TIPS, 5_000)];

type Ledger = ReturnType<typeof sqliteLedger>;

/** Commands about few purchases of few subjects, so that most of them meet each other. */
function someCommand(random: Random, at: number): SqliteCommand {
  const { pick, whole, chance } = random;
  const number = whole(0, 39) + 40 * Math.floor((at - NOON) / DAY);
  const id = `p-${number}`;
  const amount = 100 * whole(1, 9);
  const facts = {
    subject: `subject-${number % 4}`,
    amount: chance(0.9) ? 100 * (1 + (number % 9)) : amount,
    category: number % 3 === 0 ? 'tip' : null,
    processor: number % 2 === 0 ? 'stripe' : null,
    at,
  };
  const refundId = `r-${whole(0, 1)}`;
  return pick<() => SqliteCommand>([
    () => {
      const onExpiry = number % 5 === 0 ? 'reconcile' : 'release';
      const expiresAt = at + pick([1_000, HOUR]);
      const more = { ...facts, onExpiry, expiresAt, windows: WINDOWS } as const;
      return ['reserve', purchase(id, more)];
    },
    () => ['commit', { id, at, ...(chance(0.5) ? {} : { amount }) }],
    () => ['release', { id, at }],
    () => ['record', charge(id, { ...facts, chargedAt: at, windows: [SEASON, TIPS] })],
    () => ['attach', { id, processor: 'stripe', processorRef: `pi_${whole(0, 1)}`, at }],
    () => ['refund', { id, refundId, restores: chance(0.5), at, ...(chance(0.5) && { amount }) }],
    () => ['reverseRefund', { id, refundId, at }],
    () => ['get', { id, at }],
    () => ['usage', { subject: facts.subject, windows: [SEASON, TIPS], at }],
    () => ['overdue', { at, limit: pick([1, 100]), ...(chance(0.5) && { processor: 'stripe' }) }],
  ])();
}

/** What no `CHECK` of the file takes. */
const impossible = (at: number): SqliteCommand => [
  'reserve',
  purchase('impossible', { at, expiresAt: at + 1, amount: -1, subject: 'nobody' }),
];

async function expected(model: Store, [verb, command]: SqliteCommand): Promise<unknown> {
  try {
    return { value: await model[verb](command as never) };
  } catch (error) {
    return { error: { code: (error as { readonly code: string }).code } };
  }
}

function comparable(reply: SqliteReply, [verb, command]: SqliteCommand): unknown {
  if ('error' in reply) return { error: { code: reply.error.code } };
  return verb === 'reserve'
    ? { value: fromReply(command as ReserveCommand, reply.value as ReserveReply) }
    : { value: reply.value };
}

/** `expired` has no order. */
function sorted(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (name, each) =>
    name === 'expired' ? each.toSorted((a: Held, b: Held) => (a.id < b.id ? -1 : 1)) : each,
  );
}

type Held = { readonly id: string };

describe('several ledgers on one file', () => {
  it.each([1, 2, 3])('reply as one in memory, whatever fails (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const path = temporaryFile('differential.db');
    const open = () => sqliteLedger({ path, busyTimeoutMs: 0 });
    const ledgers: Ledger[] = [open(), open(), open()];
    const model = anyStore();
    let at = NOON;
    for (let round = 0; round < ROUNDS; round += 1) {
      at += random.pick([0, 1, 500, 20_000, random.chance(0.02) ? DAY : 0]);
      const place = random.whole(0, ledgers.length - 1);
      const ledger = ledgers[place] as Ledger;
      const batch = Array.from({ length: random.whole(1, 6) }, () => someCommand(random, at));
      const early = random.chance(0.3) ? random.whole(0, batch.length - 1) : 0;
      const rest = batch.slice(early);
      if (early > 0) ledger.prepare(batch.slice(0, early));
      if (early > 0 && random.chance(0.2)) {
        const other = ledgers[(place + 1) % ledgers.length] as Ledger;
        const failed = { failure: { code: 'store_unavailable' }, isDataError: false };
        expect(other.runBatch([impossible(at)])).toMatchObject(failed);
      }
      if (random.chance(0.1)) {
        expect(ledger.runBatch([...rest, impossible(at)])).toMatchObject({ isDataError: true });
        if (random.chance(0.8)) continue;
        ledger.close();
        ledgers[place] = open();
        continue;
      }
      // Longer than the file may be kept from the others: it is rolled back, and begun again.
      if (early > 0 && random.chance(0.05)) await setTimeout(60);
      const replies = ledger.runBatch(rest);
      if ('failure' in replies) expect.fail(`round ${round}: ${replies.failure.message}`);
      for (const [index, command] of batch.entries()) {
        const given = sorted(comparable(replies[index] as SqliteReply, command));
        const right = sorted(await expected(model, command));
        expect(given, `round ${round}: ${JSON.stringify(command)}`).toEqual(right);
      }
    }
    for (const each of ledgers) each.close();
  });
});
