import { setImmediate as turn } from 'node:timers/promises';
import type { ReserveCommand, Store } from '@spendcap/core';
import { describe, expect, test } from 'vitest';
import { capped, NOON, purchase, TODAY } from '../../packages/server/src/testing/fixtures.ts';
import { anyStore } from '../support/any-store.ts';
import { randomNumbers } from '../support/random.ts';
import { checkHistory, type Operation, type Verdict } from './checker.ts';
import { type Answer, type Call, oneByOne } from './ledger.ts';
import { type History, record } from './record.ts';

const SUBJECT = 'subject-a';
const windows = [capped(TODAY, 1_000)];
const hold = (id: string, change: Partial<ReserveCommand> = {}): Call => [
  'reserve',
  purchase(id, { amount: 600, windows, ...change }),
];
const look = (at = NOON): Call => ['usage', { subject: SUBJECT, windows: [TODAY], at }];
const held = (used: number): Answer => ({
  ...{ outcome: 'held', replayed: false, used: [used] },
  purchase: { state: 'reserved', committed: 0, late: false, refunded: 0, processorRef: null },
  expired: [],
});
const uses = (used: number, expired: string[] = []): Answer => ({ used: [used], expired });
/** Answers are compared as text, so that the order of these fields matters. */
type View = NonNullable<Answer['purchase']>;
const PAID: View = {
  ...{ state: 'committed', committed: 600, late: false, refunded: 0, processorRef: null },
};
const done = (change: Partial<View>, changed: boolean): Answer => ({
  ...{ outcome: 'done', changed },
  purchase: { ...PAID, ...change },
  expired: [],
});
const answered = (
  [called, at]: readonly [number, number],
  input: Call,
  output: Answer,
): Operation<Call, Answer> => ({ input, called, answered: { at, output } });
const unknown = (called: number, input: Call): Operation<Call, Answer> => ({ input, called });
const verdict = (history: History): Verdict['outcome'] => checkHistory(history, oneByOne).outcome;

const refused: Answer = { outcome: 'refused', used: [600], expired: [] };
const commit: Call = ['commit', { id: 'p', at: NOON }];
const charge: Call = [
  'record',
  { ...purchase('p', { amount: 600, windows: [] }), chargedAt: NOON, windows: [TODAY] },
];
const recorded = (refunded: number, changed: boolean): Answer =>
  done({ late: true, refunded }, changed);
const OPEN = { state: 'reserved', committed: 0 } as const;
const upTo = (total: number): Call => [
  'refund',
  { id: 'p', refundId: 'r', total, restores: true, at: NOON },
];
const named = (processorRef: string): Call => [
  'attach',
  { id: 'p', processor: 'one_pay', processorRef, at: NOON },
];
const refund: Call = ['refund', { id: 'p', refundId: 'r', amount: 100, restores: true, at: NOON }];

describe('a history that one caller after another could have seen', () => {
  const first = answered([0, 3], hold('p'), held(600));
  test.each<[string, History]>([
    ['nothing', []],
    ['two parallel holds, of which one is refused', [first, answered([1, 2], hold('q'), refused)]],
    ['a look during a hold, before it', [first, answered([1, 2], look(), uses(0))]],
    ['a look during a hold, after it', [first, answered([1, 2], look(), uses(600))]],
    [
      'a lost answer, whose hold takes effect after others have looked',
      [
        unknown(0, hold('p')),
        answered([1, 2], look(), uses(0)),
        answered([3, 4], look(), uses(600)),
      ],
    ],
    [
      'a lost answer, whose hold never took effect',
      [unknown(0, hold('p')), answered([5, 6], look(), uses(0))],
    ],
    [
      'a hold that expires, reported to one of two who look',
      [
        answered([0, 1], hold('p'), held(600)),
        answered([2, 5], look(NOON + 3_600_000), uses(0)),
        answered([3, 4], look(NOON + 3_600_000), uses(0, ['p'])),
      ],
    ],
    [
      'two parallel records of one charge, of which one changes nothing',
      [answered([0, 3], charge, recorded(0, true)), answered([1, 2], charge, recorded(0, false))],
    ],
    [
      'a reference and a refund, each once',
      [
        answered([0, 1], hold('p', { processor: 'one_pay' }), held(600)),
        answered([2, 3], named('a'), done({ ...OPEN, processorRef: 'a' }, true)),
        answered([4, 5], commit, done({ processorRef: 'a' }, true)),
        answered([6, 7], refund, done({ processorRef: 'a', refunded: 100 }, true)),
      ],
    ],
    [
      'two totals that arrive in the other order',
      [
        answered([0, 1], charge, recorded(0, true)),
        answered([2, 5], upTo(200), recorded(300, false)),
        answered([3, 4], upTo(300), recorded(300, true)),
      ],
    ],
  ])('%s: is accepted', (_name, history) => expect(verdict(history)).toBe('linearizable'));
});

describe('a history that no order explains', () => {
  const first = answered([0, 1], hold('p'), held(600));
  const both = [first, answered([2, 3], commit, done({}, true))];
  test.each<[string, History]>([
    [
      'two parallel holds that pass a cap together',
      [answered([0, 2], hold('p'), held(600)), answered([1, 3], hold('q'), held(600))],
    ],
    ['a refusal although there was room', [answered([0, 1], hold('q'), refused)]],
    ['an answered hold that nobody sees', [first, answered([2, 3], look(), uses(0))]],
    [
      'a look into the past',
      [
        answered([0, 5], hold('p'), held(600)),
        answered([1, 2], look(), uses(600)),
        answered([3, 4], look(), uses(0)),
      ],
    ],
    [
      'a hold that is seen before it was requested',
      [answered([0, 1], look(), uses(600)), unknown(2, hold('p'))],
    ],
    [
      'a lost answer, whose hold appears and disappears',
      [
        unknown(0, hold('p')),
        answered([1, 2], look(), uses(600)),
        answered([3, 4], look(), uses(0)),
      ],
    ],
    [
      'one refund that two calls have made',
      [
        ...both,
        answered([4, 7], refund, done({ refunded: 100 }, true)),
        answered([5, 6], refund, done({ refunded: 100 }, true)),
      ],
    ],
    [
      'one charge that two calls have recorded',
      [answered([0, 3], charge, recorded(0, true)), answered([1, 2], charge, recorded(0, true))],
    ],
    [
      'totals that were added up',
      [
        answered([0, 1], charge, recorded(0, true)),
        answered([2, 3], upTo(200), recorded(200, true)),
        answered([4, 5], upTo(300), recorded(500, true)),
      ],
    ],
    [
      'two references that were both set',
      [
        answered([0, 1], hold('p', { processor: 'one_pay' }), held(600)),
        answered([2, 3], named('a'), done({ ...OPEN, processorRef: 'a' }, true)),
        answered([4, 5], named('b'), done({ ...OPEN, processorRef: 'b' }, true)),
      ],
    ],
    [
      'a refund that counted twice',
      [...both, answered([4, 5], refund, done({ refunded: 200 }, true))],
    ],
    [
      'a hold that expires, reported to both who look',
      [
        first,
        answered([2, 5], look(NOON + 3_600_000), uses(0, ['p'])),
        answered([3, 4], look(NOON + 3_600_000), uses(0, ['p'])),
      ],
    ],
  ])('%s: is refused', (_name, history) => expect(verdict(history)).toBe('not linearizable'));

  test('is reported with the longest order and the right answer', () => {
    const found = checkHistory([first, answered([2, 3], look(), uses(0))], oneByOne);
    expect(found).toMatchObject({ message: expect.stringContaining('at most 1 of 2 calls') });
    expect(found).toMatchObject({ message: expect.stringContaining('but {"used":[600]') });
  });
});

test('a search that would not end stops at its bound and says so', () => {
  const crowd = Array.from({ length: 40 }, (_, index) =>
    unknown(0, hold(`p${index}`, { amount: 1 + index })),
  );
  const history = [...crowd, answered([1, 2], look(), uses(999_999))];
  const found = checkHistory(history, oneByOne, { maxVisited: 2_000 });
  expect(found.outcome).toBe('undecided');
  expect(found).toMatchObject({ message: expect.stringContaining('the bound of 2000') });
});

describe('recorded on a store, each call at some later turn', () => {
  /** Answers only after other calls have been made. */
  const slow = (store: Store): Store =>
    new Proxy(store, {
      get: (target, name: keyof Store) => async (command: never) => {
        await turn();
        const answer = await target[name](command);
        await turn();
        return answer;
      },
    });
  async function* histories(store: Store, rounds: number): AsyncGenerator<Verdict> {
    const random = randomNumbers(1);
    for (let round = 0; round < rounds; round += 1) {
      const scene = { own: `${round}-`, subjects: 1 + (round % 2), random };
      const clients = Array.from({ length: 5 }, () => ({ store }));
      const history = await record({ ...scene, clients, callsEach: 8, last: store });
      yield checkHistory(history, oneByOne);
    }
  }

  test('the store as it is: accepted', async () => {
    for await (const { outcome } of histories(slow(anyStore()), 60)) {
      expect(outcome).toBe('linearizable');
    }
  });

  test.each<[string, (store: Store) => Partial<Store>]>([
    [
      'checks, then acts',
      (store) => ({
        async reserve(command) {
          const { used } = await store.usage(command);
          const room = command.windows.every(
            ({ cap }, i) => (used[i] ?? 0) + command.amount <= cap,
          );
          if (!room) return store.reserve(command);
          await turn();
          const result = await store.reserve({ ...command, windows: [] });
          if (result.outcome !== 'held') return result;
          return { ...result, used: (await store.usage(command)).used };
        },
      }),
    ],
    [
      'reads where the last writes have not arrived',
      (store) => {
        const known = new Map<string, Awaited<ReturnType<Store['usage']>>>();
        return {
          async usage(command) {
            const key = JSON.stringify([command.subject, command.windows]);
            const before = known.get(key);
            known.set(key, await store.usage(command));
            return { ...(before ?? known.get(key) ?? { used: [] }), expired: [] };
          },
        };
      },
    ],
    [
      'forgets a hold that it answered',
      (store) => {
        let count = 0;
        return {
          async reserve(command) {
            const result = await store.reserve(command);
            count += 1;
            if (count % 40 === 0) await store.release({ id: command.id, at: command.at });
            return result;
          },
        };
      },
    ],
    [
      'records a charge that it has already',
      (store) => ({
        record: (command) => store.record({ ...command, id: `${command.id} ${Math.random()}` }),
      }),
    ],
    [
      'lets a lower total that is late lower the refund',
      (store) => ({
        async refund(command) {
          const { total } = command;
          const result = await store.refund(command);
          if (total === undefined || result.outcome !== 'done') return result;
          return { ...result, purchase: { ...result.purchase, refunded: total } };
        },
      }),
    ],
    [
      'does a refund twice',
      (store) => ({
        async refund(command) {
          await store.refund({ ...command, refundId: `${command.refundId} again` });
          return store.refund(command);
        },
      }),
    ],
  ])('a store that %s: refused', async (_name, mutant) => {
    const store = anyStore();
    // Which calls meet depends on the machine, so a rare conflict may take many histories.
    for await (const { outcome } of histories(slow({ ...store, ...mutant(store) }), 500)) {
      if (outcome === 'not linearizable') return;
    }
    expect.fail('not found');
  });
});
