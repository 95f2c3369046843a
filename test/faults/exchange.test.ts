import { setTimeout as sleep } from 'node:timers/promises';
import type { ReserveCommand, Store } from '@spendcap/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  capped,
  charge,
  NOON,
  purchase,
  TODAY,
} from '../../packages/server/src/testing/fixtures.ts';
import { codeOf } from '../support/code-of.ts';
import { FAULTS, STEPS, type Trouble, troubleProxy } from '../support/proxy.ts';
import type { Ledger } from '../support/stores/entry.ts';
import { byDriver, runnable, storesOf } from '../support/stores.ts';

/** Timers are late on a busy machine. */
const SLACK_MS = 1_000;

/** A ledger with a store on it, and how others connect to it through proxies of their own. */
interface World {
  readonly ledger: Ledger;
  readonly direct: Store;
  readonly driver: string | undefined;
}

/** Each verb, and what the subject has used after it. */
function life(own: string) {
  const id = `${own} p`;
  const windows = [capped(TODAY, 1_000)];
  const hold = (change: Partial<ReserveCommand>) =>
    purchase(id, { subject: own, windows, processor: 'one_pay', ...change });
  const other = `${own} q`;
  return [
    [(store: Store) => store.reserve(hold({ amount: 100 })), 100],
    [(store: Store) => store.commit({ id, amount: 80, at: NOON }), 80],
    [
      (store: Store) => store.refund({ id, refundId: 'r', amount: 30, restores: true, at: NOON }),
      50,
    ],
    [(store: Store) => store.reverseRefund({ id, refundId: 'r', at: NOON }), 80],
    [(store: Store) => store.reserve(hold({ id: other, amount: 920 })), 1_000],
    [(store: Store) => store.release({ id: other, at: NOON }), 80],
    [
      (store: Store) => store.attach({ id, processor: 'one_pay', processorRef: 'r1', at: NOON }),
      80,
    ],
    [(store: Store) => store.record(charge(`${own} r`, { subject: own, windows })), 1_080],
    [
      (store: Store) => store.refund({ id, refundId: 't', total: 50, restores: true, at: NOON }),
      1_030,
    ],
  ] as const;
}

const usedBy = async (store: Store, subject: string): Promise<number | undefined> =>
  (await store.usage({ subject, windows: [TODAY], at: NOON })).used[0];

/** Retries on the same store until it succeeds. */
async function insist(call: () => Promise<unknown>): Promise<void> {
  for (const begun = performance.now(); ; ) {
    const code = await codeOf(call());
    if (code === 'done') return;
    if (performance.now() - begun > 10_000) throw new Error(`it did not recover: ${code}`);
  }
}

/** Calls each verb with trouble on the way, retries it without, and checks the effect of both. */
async function goThrough(
  { ledger, direct, driver }: World,
  trouble: Trouble,
  { delayMs, timeoutMs }: { readonly delayMs: number; readonly timeoutMs: number },
): Promise<readonly string[]> {
  const own = `${trouble} ${delayMs}`;
  if (ledger.endpoint === null) throw new Error('The store has no server.');
  const proxy = await troubleProxy(ledger.endpoint);
  const store = await ledger.connect({ driver, proxyPort: proxy.port, timeoutMs });
  const codes: string[] = [];
  let before: number | undefined = 0;
  try {
    await insist(() => store.ready());
    for (const [verb, used] of life(own)) {
      proxy.make(trouble, { once: true, delayMs });
      const begun = performance.now();
      const code = await codeOf(verb(store));
      expect(performance.now() - begun).toBeLessThan(timeoutMs + SLACK_MS);
      expect(['done', 'outcome_unknown', 'store_unavailable']).toContain(code);
      codes.push(code);
      expect(proxy.struck()).toBe(codes.length);
      proxy.make('none');
      if (code === 'store_unavailable') expect(await usedBy(direct, own)).toBe(before);
      if (code === 'done') expect(await usedBy(direct, own)).toBe(used);
      await insist(() => verb(store));
      expect(await usedBy(direct, own)).toBe(used);
      before = used;
    }
    // What was delayed arrives now, and changes nothing.
    await sleep(trouble.startsWith('delay') ? delayMs : 0);
    expect(await usedBy(direct, own)).toBe(before);
  } finally {
    await proxy.close();
    await store.close();
  }
  return codes;
}

const STORES = byDriver(await runnable(storesOf('network')));
const TROUBLES = FAULTS.flatMap((fault) => STEPS.map((step) => [`${fault} ${step}`] as const));

describe.skipIf(STORES.length === 0)('faults of the connection', () => {
  describe.each(STORES)('$name', ({ entry, driver }) => {
    let world: World;
    beforeAll(async () => {
      const ledger = await entry.openLedger();
      world = { ledger, direct: await ledger.connect(), driver };
    });
    afterAll(() => world.ledger.remove());

    test.concurrent.each(TROUBLES)(
      '%s, at each verb: it ends within its timeout, and a retry finds the truth',
      async (trouble) => {
        // Longer than the store's timeout: the late effect happens before the retry or after it.
        await goThrough(world, trouble, { timeoutMs: 400, delayMs: 600 });
      },
      60_000,
    );

    test.concurrent.each(STEPS)(
      'a short delay %s: slower, and nothing else',
      async (step) => {
        const codes = await goThrough(world, `delay ${step}`, { timeoutMs: 5_000, delayMs: 20 });
        expect(new Set(codes)).toEqual(new Set(['done']));
      },
      60_000,
    );
  });
});
