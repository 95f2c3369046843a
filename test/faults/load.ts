import { setTimeout as sleep } from 'node:timers/promises';

/** One intended purchase of a player. Amounts here are whole cents. */
export interface Order {
  readonly id: string;
  readonly player: number;
  readonly amount: number;
  readonly fate: 'stay' | 'release' | 'refund' | Charge;
}

/**
 * The processor reports a charge of a hold, or one of which it does not know that there is a hold.
 */
type Charge = 'commit' | 'record';

/** What is known of an order: from the answers to its buyer, or from the ledger later. */
export interface Fact {
  readonly state: string;
  readonly refunded: number;
}

/** Somewhere to buy: a store, or a server of ours. Each call rejects if it has no answer. */
export interface Till {
  /** `refused` if there is no room; `used` is what it says of the player then, in cents. */
  hold(order: Order): Promise<{ readonly held: boolean; readonly used?: number | undefined }>;
  /** `refund` refunds in two parts, by a running total. */
  settle(order: Order, verb: Charge | 'release' | 'refund'): Promise<void>;
  find(order: Order): Promise<Fact>;
  used(player: number): Promise<number>;
}

/** What must all be zero. */
export interface Damage {
  /** Orders whose state is not the one that their buyer was answered. */
  readonly lost: number;
  /** Cents that count although no answer reported them, or more than once. */
  readonly doubled: number;
  /** Cents over a player's cap, ever. */
  readonly overCap: number;
}

export const NO_DAMAGE: Damage = { lost: 0, doubled: 0, overCap: 0 };
export const NOTHING: Fact = { state: 'nothing', refunded: 0 };

interface LoadOptions {
  readonly tills: readonly Till[];
  readonly cap: number;
  readonly players?: number;
  /** The number of the first player. */
  readonly from?: number;
  readonly ordersEach?: number;
  /** Cents. */
  readonly amount?: number;
  /** What goes wrong, once so many orders have been answered; buying goes on until it has ended. */
  readonly fault: { readonly after: number; readonly strike: () => Promise<unknown> };
  /** Whether a till's error only means that there is no answer yet. */
  readonly mayRetry: (error: unknown) => boolean;
}

const LANES = 24;
const PATIENCE_MS = 30_000;
const FATES = ['stay', 'commit', 'stay', 'record', 'release', 'refund'] as const;

/**
 * Players who buy through all tills in parallel, more than their caps allow, and retry with the
 * same id until they are answered, whatever goes wrong meanwhile. Resolves to what the ledger holds
 * then.
 */
export async function underLoad(options: LoadOptions) {
  const { tills, cap, fault, mayRetry } = options;
  const { players = 12, from = 0, ordersEach = 50, amount = 1_000 } = options;
  const orders: Order[] = [];
  const answered = new Map<string, Fact>();
  let unanswered = 0;
  let highest = 0;
  let turn = 0;
  let struck: Promise<unknown> | undefined;
  let isOver = false;

  /** None once all have bought what they wanted and the fault has ended. */
  const nextOrder = (): Order | undefined => {
    const index = orders.length;
    if (isOver && index >= players * ordersEach) return undefined;
    const order: Order = {
      ...{ id: `order-${from}-${index}`, player: from + (index % players), amount },
      fate: FATES[Math.floor(index / players) % FATES.length] ?? 'stay',
    };
    orders.push(order);
    return order;
  };

  const insist = async <T>(ask: (till: Till) => Promise<T>): Promise<T> => {
    for (const begun = performance.now(); ; ) {
      try {
        return await ask(tills[turn++ % tills.length] as Till);
      } catch (error) {
        if (!mayRetry(error) || performance.now() - begun > PATIENCE_MS) throw error;
        unanswered += 1;
        await sleep(5 + Math.random() * 20);
      }
    }
  };

  const buy = async (order: Order): Promise<void> => {
    const { id, fate } = order;
    const { held, used = 0 } = await insist((till) => till.hold(order));
    answered.set(id, held ? { state: 'reserved', refunded: 0 } : NOTHING);
    highest = Math.max(highest, used);
    if (answered.size >= fault.after) struck ??= fault.strike().finally(() => (isOver = true));
    if (!held || fate === 'stay') return;
    await insist((till) => till.settle(order, fate === 'refund' ? 'commit' : fate));
    answered.set(id, { state: fate === 'release' ? 'released' : 'committed', refunded: 0 });
    if (fate !== 'refund') return;
    await insist((till) => till.settle(order, 'refund'));
    answered.set(id, { state: 'committed', refunded: amount });
  };

  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (let order = nextOrder(); order !== undefined; order = nextOrder()) await buy(order);
    }),
  );
  await struck;
  const held = [...answered.values()].filter(({ state }) => state !== 'nothing').length;
  return { held, refused: answered.size - held, unanswered, damage: await audit() };

  /** Reads everything again, long after the fault. */
  async function audit(): Promise<Damage> {
    let lost = 0;
    const expected = new Map<number, number>();
    await Promise.all(
      orders.map(async (order) => {
        const was = answered.get(order.id) ?? NOTHING;
        const is = await insist((till) => till.find(order));
        if (is.state !== was.state || is.refunded !== was.refunded) lost += 1;
        const counts = was.state === 'reserved' || was.state === 'committed';
        const weight = counts ? amount - was.refunded : 0;
        expected.set(order.player, (expected.get(order.player) ?? 0) + weight);
      }),
    );
    let doubled = 0;
    let overCap = Math.max(0, highest - cap);
    for (const [player, weight] of expected) {
      const used = await insist((till) => till.used(player));
      doubled += Math.max(0, used - weight);
      overCap = Math.max(overCap, used - cap);
    }
    return { lost, doubled, overCap };
  }
}
