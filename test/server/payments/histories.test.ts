import { cnGame, formatMoney, parseMoney } from '@spendcap/core';
import { createLimiter } from '@spendcap/server';
import { describe, expect, it } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import { type ProcessorEntry, purchaseIdOf } from '../../support/processors/entry.ts';
import { DEVICE_STORES, PROCESSORS } from '../../support/processors.ts';
import { randomNumbers } from '../../support/random.ts';
import { aged } from './buyer.ts';

/** A failing seed is looked at alone with `SPENDCAP_SEED=17`. */
const ONE = process.env.SPENDCAP_SEED;
const HISTORIES = Number(process.env.SPENDCAP_HISTORIES ?? 1_000);
const DEEDS = 24;
/** Fen. Several of one player pass the caps of a day or of a month. */
const PRICES = [3_000, 4_950, 9_900, 5_000, 4_501, 10_000, 5_000];
/** Each third purchase is that of the same player, of 12 or of 16 years. */
const PLAYERS = [
  { age: 12, month: 20_000 },
  { age: 13, month: 20_000 },
  { age: 16, month: 40_000 },
];
/** A notification whose key could not be downloaded: it is delivered again. */
const AGAIN = new Set(['webhook_invalid', 'outcome_unknown']);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.parse('2026-03-10T02:00:00Z');

const playerOf = (index: number) => PLAYERS[index % PLAYERS.length] as (typeof PLAYERS)[number];

/** Players, banks, an operator and a network that do anything at any time. */
async function chaos(entry: ProcessorEntry, seed: number) {
  const { deeds, faults, open, ways } = entry;
  const idOf = (index: number) => purchaseIdOf(entry, index);
  const random = randomNumbers(seed);
  const below = (count: number) => Math.floor(random() * count);
  const one = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const clock = { at: START };
  const now = () => clock.at;
  const events = new Set<string>();
  const onEvent = ({ type }: { readonly type: string }) => events.add(type);
  const limiter = createLimiter({ policy: cnGame(), store: anyStore(), now, onEvent });
  const world = await open({ now });
  const problems: string[] = [];
  let isFaulty = false;
  const mistaken = new Set<string>();
  const onProblem = ({ code }: { readonly code: string }) => problems.push(code);
  const { deed, processor, reconcile, start, webhook } = world.serve({ limiter, now, onProblem });
  const shuffled = (times: number) =>
    Array.from({ length: times }, () => world.notifications())
      .flat()
      .map((request) => ({ request, key: random() }))
      .toSorted((some, other) => some.key - other.key)
      .map(({ request }) => request);
  const started: string[] = [];
  const order = () => one(started);
  const buy = () => {
    const index = below(PRICES.length);
    started.push(idOf(index));
    return start({
      amount: formatMoney(PRICES[index] ?? 0, 'CNY'),
      currency: 'CNY',
      way: one(Object.keys(ways)),
      spendcap: { id: idOf(index), evidence: aged(playerOf(index).age, START) },
    });
  };
  const act = () => deed(one(deeds), order(), one([undefined, undefined, 1, 500, 1_234]));
  const pay = () => world.pay(order());
  const choices: readonly (() => unknown)[] = [
    ...[buy, buy, buy, buy, pay, pay, pay, act, act, act, act],
    () => deed('guard_refunds', order(), one([undefined, 1, 1_234])),
    // Somebody's mistake: what is paid after that is late.
    async () => mistaken.add((await limiter.release(order())).id),
    () => {
      isFaulty = true;
      world.fail(one(faults));
    },
    async () => {
      for (const request of shuffled(2).slice(0, below(5))) await webhook(request);
    },
    () => {
      clock.at += below(20) * MINUTE;
    },
    () => {
      clock.at += one([below(20) * HOUR, below(100) * HOUR, below(500) * HOUR]);
    },
    () => reconcile({ concurrency: 1 + below(4) }),
    // Two processes at the same time, and a payment beside them.
    () => Promise.allSettled([reconcile(), reconcile(), pay()]),
  ];
  return {
    ...{ clock, events, idOf, limiter, mistaken, problems, processor, reconcile, shuffled },
    ...{ webhook, world },
    /** A query about a notification may be refused then, which is reported. */
    isFaulty: () => isFaulty,
    async run() {
      try {
        await one(choices)();
      } catch {
        // Refused, closed, cut: what matters is what the books say in the end.
      }
    },
  };
}

type History = Awaited<ReturnType<typeof chaos>>;

/** What is overdue is reconciled, then every notification arrives, twice and in any order. */
async function settle(history: History): Promise<void> {
  const { clock, processor, reconcile, shuffled, webhook, world } = history;
  world.heal();
  await world.settle();
  // Longer than a Checkout page can be paid, and a hold of a store on the device lasts.
  const { traits } = processor;
  const longest = traits.startedBy === 'device' ? traits.holdSeconds * 1_000 : 30 * HOUR;
  for (let times = 0; times < 5; times += 1) {
    clock.at += longest / 5;
    await reconcile();
  }
  for (const request of shuffled(2)) {
    const { status } = await webhook(request);
    expect(status).toBeLessThan(300);
  }
}

/** The books of the ledger beside those of the processor. */
async function balance({ events, idOf, limiter, mistaken, world }: History) {
  const tally = { committed: 0, released: 0, refunded: 0, late: 0 };
  const spent = spending();
  for (const [index] of PRICES.entries()) {
    const id = idOf(index);
    const purchase = await limiter.get(id);
    const { captured, refunds, isLate = false, isAccepted = false } = world.books(id);
    if (purchase === null) {
      expect([id, captured]).toEqual([id, 0]);
      continue;
    }
    const refunded = refunds.reduce((sum, each) => sum + each, 0);
    const [committed = 0, returned] = [purchase.committed, purchase.refunded].map((amount) =>
      parseMoney(amount, 'CNY'),
    );
    expect([id, committed, returned]).toEqual([id, captured, refunded]);
    expect([id, purchase.state]).not.toEqual([id, 'reserved']);
    if (purchase.state === 'committed') tally.committed += 1;
    if (purchase.state === 'released' || purchase.state === 'expired') tally.released += 1;
    if (refunded > 0) tally.refunded += 1;
    // The engine itself gives no hold back that may still be paid.
    expect([id, purchase.late && !mistaken.has(id) && !isLate]).toEqual([id, false]);
    expect([id, isAccepted && purchase.late]).toEqual([id, false]);
    if (purchase.late) tally.late += 1;
    // Of the month in which all histories begin.
    else if (purchase.reservedAt < '2026-03-31T16') spent.add(playerOf(index), captured - refunded);
  }
  for (const [id, { captured, refunds }] of world.unheld?.() ?? []) {
    const { committed = '0', refunded = '0' } = (await limiter.get(id)) ?? {};
    const found = [committed, refunded].map((amount) => parseMoney(amount, 'CNY'));
    expect([id, ...found]).toEqual([id, captured, refunds.reduce((sum, each) => sum + each, 0)]);
  }
  // What a failed refund takes back may exceed a cap.
  if (!events.has('refund.reversed')) spent.expectWithinCaps();
  return tally;
}

function spending() {
  const totals = new Map<(typeof PLAYERS)[number], number>();
  return {
    add: (player: (typeof PLAYERS)[number], fen: number) =>
      totals.set(player, (totals.get(player) ?? 0) + fen),
    expectWithinCaps() {
      for (const [{ month }, fen] of totals) expect(fen).toBeLessThanOrEqual(month);
    },
  };
}

describe.each([...PROCESSORS, ...DEVICE_STORES])('$name', (entry) => {
  it(`has the same books as the ledger after ${HISTORIES} random histories`, async () => {
    const total = { committed: 0, released: 0, refunded: 0, late: 0 };
    const seeds =
      ONE === undefined
        ? Array.from({ length: HISTORIES }, (_, index) => index + 1)
        : [Number(ONE)];
    for (const seed of seeds) {
      const history = await chaos(entry, seed);
      try {
        for (let deed = 0; deed < DEEDS; deed += 1) await history.run();
        await settle(history);
        const tally = await balance(history);
        const { reports = [] } = entry;
        const isExpected = (code: string) =>
          AGAIN.has(code) ||
          reports.includes(code) ||
          (history.isFaulty() && code === 'purchase_not_found');
        expect(history.problems.filter((code) => !isExpected(code))).toEqual([]);
        for (const key of ['committed', 'released', 'refunded', 'late'] as const) {
          total[key] += tally[key];
        }
      } catch (error) {
        throw new Error(`SPENDCAP_SEED=${seed}`, { cause: error });
      }
    }
    console.log(`seeds ${seeds.at(0)} to ${seeds.at(-1)}: ${JSON.stringify(total)}`);
    // The histories reach what they are about.
    if (ONE === undefined) {
      expect(Math.min(...Object.values(total))).toBeGreaterThan(HISTORIES / 20);
    }
  }, 600_000);
});
