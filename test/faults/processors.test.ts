import { cnGame, parseMoney, SpendcapError, type Store } from '@spendcap/core';
import { createLimiter } from '@spendcap/server';
import { describe, expect, it } from 'vitest';
import { aged } from '../server/payments/buyer.ts';
import { anyStore } from '../support/any-store.ts';
import {
  type ProcessorEntry,
  type ProcessorWorld,
  purchaseIdOf,
} from '../support/processors/entry.ts';
import { DEVICE_STORES, PROCESSORS } from '../support/processors.ts';

/** 10:00 in Shanghai, so that a life does not run over midnight. */
const START = Date.parse('2026-03-10T02:00:00Z');
const HOUR = 3_600_000;
const PRICE = { amount: '30.00', currency: 'CNY' };
const FEN = 3_000;

/** Which call of a process, counted from 0, is met by what. */
interface Fault {
  readonly on: 'processor' | 'store';
  readonly call: number;
  readonly kind: string;
}

const STORE_FAULTS = ['lost_before', 'lost_after'];

/** A store whose call of that number is lost, before or after it was executed. */
function faultyStore(inner: Store, fault: Fault | null) {
  let calls = 0;
  const store = new Proxy(inner, {
    get: (_, verb: keyof Store) => async (command: never) => {
      const isHit = fault?.on === 'store' && fault.call === calls;
      calls += 1;
      if (isHit && fault.kind === 'lost_before') {
        throw new SpendcapError('store_unavailable', 'The call was lost.');
      }
      const result = await inner[verb](command);
      if (isHit) throw new SpendcapError('outcome_unknown', 'The answer was lost.');
      return result;
    },
  });
  return { store, calls: () => calls };
}

/** A caller that tries again: the fault has passed then. */
async function insistently<T>(attempt: () => Promise<T>): Promise<T | null> {
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      // A new id would be another purchase.
      if (SpendcapError.isInstance(error) && error.code === 'purchase_ended') return null;
    }
  }
  return null;
}

async function deliverAll(
  world: ProcessorWorld,
  webhook: (request: Request) => Promise<Response>,
): Promise<void> {
  for (const notification of world.notifications()) {
    await insistently(async () => {
      const { ok, status } = await webhook(notification.clone());
      if (!ok) throw new Error(`answered ${status}`);
    });
  }
}

/** One purchase from its start to its end, and where its money is in the end. */
async function life(
  entry: ProcessorEntry,
  { way, isPaid, fault }: { way: string; isPaid: boolean; fault: Fault | null },
) {
  const clock = { at: START };
  const now = () => clock.at;
  const world = await entry.open({ now });
  const inner = anyStore();
  const ledger = faultyStore(inner, fault);
  const limiter = createLimiter({ policy: cnGame(), store: ledger.store, now });
  let calls = 0;
  const { deed, reconcile, start, webhook } = world.serve({
    ...{ limiter, now },
    async beforeCall() {
      if (fault?.on === 'processor' && fault.call === calls) world.fail(fault.kind);
      calls += 1;
    },
  });
  const guarded = entry.deeds.includes('guard_refunds') ? 'guard_refunds' : 'app_confirms';
  const id = purchaseIdOf(entry, 1);
  const spendcap = { id, evidence: aged(12, START) };
  await insistently(() => start({ ...PRICE, way, spendcap }));
  if (isPaid) {
    await world.pay(id).catch(() => undefined);
    await deliverAll(world, webhook);
    await insistently(() => deed(guarded, id, 1_000));
    // Where no guard can, the store does.
    if (guarded === 'app_confirms') await world.refund?.(id, { amount: '10.00' });
  }
  world.heal();
  await world.settle();
  await deliverAll(world, webhook);
  // Longer than any hold.
  for (const hours of [1, 5, 24, 48]) {
    clock.at += hours * HOUR;
    await insistently(reconcile);
  }
  const storeCalls = ledger.calls();
  const reader = createLimiter({ policy: cnGame(), store: inner, now });
  const purchase = await reader.get(id);
  const { limits } = await reader.allowance({ evidence: aged(12, START) });
  const used = limits.find(({ period }) => period === 'month')?.used ?? '';
  await world.close?.();
  return { purchase, used, books: world.books(id), calls, storeCalls };
}

type Lived = Awaited<ReturnType<typeof life>>;

/** The ledger says what the processor says: no money is lost, none is counted twice. */
function expectBalanced({ books, purchase, used }: Lived, fault: Fault | null): void {
  const { captured, refunds } = books;
  const refunded = refunds.reduce((sum, refund) => sum + refund, 0);
  const found = {
    fault,
    committed: parseMoney(purchase?.committed ?? '0', 'CNY'),
    refunded: parseMoney(purchase?.refunded ?? '0', 'CNY'),
    used: parseMoney(used, 'CNY'),
    isOpen: purchase?.state === 'reserved',
    late: purchase?.late ?? false,
  };
  const wanted = { committed: captured, refunded, used: captured - refunded };
  expect(found).toEqual({ fault, ...wanted, isOpen: false, late: false });
  expect(captured === 0 || captured === FEN).toBe(true);
}

describe.each([...PROCESSORS, ...DEVICE_STORES])('$name', (entry) => {
  const [first = '', ...others] = Object.keys(entry.ways);
  const last = others.at(-1) ?? first;

  it.each([
    { way: first, isPaid: true },
    { way: first, isPaid: false },
    { way: last, isPaid: true },
  ])(
    'by $way, paid: $isPaid, ends with its books whatever fails at any call',
    async (lived) => {
      const calm = await life(entry, { ...lived, fault: null });
      expectBalanced(calm, null);
      expect(calm.books.captured).toBe(lived.isPaid ? FEN : 0);
      const faults: Fault[] = [
        ...entry.faults.flatMap((kind) =>
          Array.from(
            { length: calm.calls },
            (_, call) => ({ on: 'processor', kind, call }) as const,
          ),
        ),
        ...STORE_FAULTS.flatMap((kind) =>
          Array.from(
            { length: calm.storeCalls },
            (_, call) => ({ on: 'store', kind, call }) as const,
          ),
        ),
      ];
      expect(faults.length).toBeGreaterThan(10);
      for (const fault of faults) expectBalanced(await life(entry, { ...lived, fault }), fault);
    },
    120_000,
  );
});
