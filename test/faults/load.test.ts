import { setTimeout as sleep } from 'node:timers/promises';
import { SpendcapError, type Store } from '@spendcap/core';
import { expect, test } from 'vitest';
import { anyStore } from '../support/any-store.ts';
import { NO_DAMAGE, type Till, underLoad } from './load.ts';
import { CAP, invitesRetry, storeTill } from './store-till.ts';

const noAnswer = () => new SpendcapError('outcome_unknown', 'The answer was lost. Retry.');

/** A till that loses some answers after its work is done. */
function losesAnswers(till: Till): Till {
  let calls = 0;
  const answer = <T>(work: Promise<T>): Promise<T> => {
    calls += 1;
    return calls % 7 === 0 ? work.then(() => Promise.reject(noAnswer())) : work;
  };
  return {
    hold: (order) => answer(till.hold(order)),
    settle: (order, verb) => answer(till.settle(order, verb)),
    find: (order) => till.find(order),
    used: (player) => till.used(player),
  };
}

async function damageOf(store: Store, strike: () => Promise<unknown> = async () => undefined) {
  const tills = [losesAnswers(storeTill(store))];
  const fault = { after: 100, strike };
  const found = await underLoad({ tills, cap: CAP, players: 4, fault, mayRetry: invitesRetry });
  expect(found.unanswered).toBeGreaterThan(20);
  return found.damage;
}

test('lost answers alone do no damage', async () => {
  expect(await damageOf(anyStore())).toEqual(NO_DAMAGE);
});

test('a hold that is forgotten is found as lost', async () => {
  const store = anyStore();
  const forget = () => store.release({ id: 'order-0-0', at: 0 });
  expect(await damageOf(store, forget)).toEqual({ ...NO_DAMAGE, lost: 1 });
});

test('a reference that is forgotten is found as lost', async () => {
  const store = anyStore();
  const forgetful: Store = { ...store, attach: (command) => store.get(command) as never };
  expect((await damageOf(forgetful)).lost).toBeGreaterThan(0);
});

test('a running total that is added up passes the charge', async () => {
  const store = anyStore();
  const adding: Store = {
    ...store,
    refund: ({ total = 0, ...command }) =>
      store.refund({ ...command, amount: total, refundId: `up to ${total}` }),
  };
  await expect(damageOf(adding)).rejects.toThrow('exceeds');
});

test('a hold that a retry makes again is found as doubled', async () => {
  const store = anyStore();
  let tries = 0;
  const blind: Store = {
    ...store,
    async reserve(command) {
      const result = await store.reserve(command);
      if (result.outcome !== 'held' || !result.replayed) return result;
      tries += 1;
      return store.reserve({ ...command, id: `${command.id} ${tries}` });
    },
  };
  expect((await damageOf(blind)).doubled).toBeGreaterThan(0);
});

test('a store that looks before it holds is found over the cap', async () => {
  const store = anyStore();
  const careless: Store = {
    ...store,
    async reserve(command) {
      const { used } = await store.usage(command);
      const hasRoom = command.windows.every(({ cap }, i) => (used[i] ?? 0) + command.amount <= cap);
      await sleep(2);
      const result = await store.reserve(hasRoom ? { ...command, windows: [] } : command);
      return result.outcome === 'held' ? { ...result, ...(await store.usage(command)) } : result;
    },
  };
  expect((await damageOf(careless)).overCap).toBeGreaterThan(0);
});
