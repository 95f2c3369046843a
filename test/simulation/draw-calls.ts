import { formatMoney } from '@spendcap/core';
import { CURRENCIES, type Currency, type Drawing, minorOf, playerOf } from './drawing.ts';
import { ACME, type Action, type Call, DISPUTE, type Order, RUNNING_TOTAL } from './history.ts';
import { DAY } from './policies.ts';
import type { Random } from './random.ts';

/** Calls that one process makes in parallel. */
export function burstOf(drawing: Drawing): Action {
  const { random } = drawing;
  const player = playerOf(drawing);
  const calls: Call[] = [];
  const size = random.whole(2, 9);
  while (calls.length < size) {
    const call = random.chance(0.5) ? orderOf(drawing, player) : callOf(drawing);
    calls.push(call);
    // The same call, twice in parallel.
    if (random.chance(0.15)) calls.push(call);
  }
  return { do: 'calls', calls: calls.filter((call) => isAlike(calls, call)) };
}

/**
 * Which of two players with one id wins in parallel differs between stores: this keeps the first
 * player of each id.
 */
function isAlike(calls: readonly Call[], call: Call): boolean {
  if (!('player' in call)) return true;
  const first = calls.find((other) => other.id === call.id && 'player' in other);
  return first === undefined || !('player' in first) || first.player === call.player;
}

/** One call, mostly about a recent purchase. */
export function callOf(drawing: Drawing): Call {
  const { random, orders } = drawing;
  const verb = random.weighted({
    reserve: 50,
    check: 4,
    commit: 22,
    release: 8,
    refund: 16,
    reverse: 5,
    get: 3,
    record: 7,
    attach: 5,
  });
  if (orders.length === 0 || verb === 'reserve') return orderOf(drawing);
  const recent = random.chance(0.75) ? orders.slice(-6) : orders;
  const order = random.pick(recent);
  const { id } = order;
  switch (verb) {
    case 'check':
      return { ...orderOf(drawing), verb: 'check' };
    case 'commit':
      return { verb, id, ...partOf(random, order, 0.4) };
    case 'record':
      return chargeOf(drawing, order);
    case 'attach':
      return { verb, id, ref: `ref-${random.whole(0, 1)}` };
    case 'refund':
      return refundOf(random, order);
    case 'reverse':
      return { verb: 'reverseRefund', id, refund: refundIdOf(random) };
    default:
      return { verb, id };
  }
}

const refundIdOf = (random: Random): string =>
  random.pick(['r0', 'r0', 'r1', 'r0', 'r0', RUNNING_TOTAL, DISPUTE]);

function refundOf(random: Random, order: Order, refund = refundIdOf(random)): Call {
  const { id } = order;
  const { amount } = partOf(random, order, refund === RUNNING_TOTAL ? 1 : 0.7);
  if (amount === undefined) return { verb: 'refund', id, refund };
  const part = refund === RUNNING_TOTAL ? { total: amount } : { amount };
  return { verb: 'refund', id, refund, ...part };
}

/** Mostly a charge that nobody has held: a renewal of now, or of some weeks ago. */
function chargeOf(drawing: Drawing, known: Order): Call {
  const { random, orders } = drawing;
  const ago = random.pick([0, 0, random.whole(0, DAY), random.whole(0, 40 * DAY)]);
  let order = known;
  if (random.chance(0.6)) {
    order = { ...known, id: `p${orders.length + 1}` };
    orders.push(order);
  }
  const { seconds: _hold, onExpiry: _end, approved: _approved, ...bought } = order;
  return { verb: 'record', ...bought, ...partOf(random, order, 0.2), ago };
}

function orderOf(drawing: Drawing, only?: number): { readonly verb: 'reserve' } & Order {
  const { random, orders } = drawing;
  const known =
    orders.length > 0 && random.chance(0.12) ? random.pick(orders.slice(-8)) : undefined;
  // Mostly a retry; now and then another purchase under the same id.
  if (known !== undefined && only === undefined) {
    return { verb: 'reserve', ...known, ...(random.chance(0.2) ? { amount: '1' } : {}) };
  }
  const currency = random.weighted({ CNY: 80, USD: 8, JPY: 6, KWD: 6 });
  const category = random.pick([undefined, undefined, 'skin', 'loot', 'tip']);
  const order: Order = {
    id: `p${orders.length + 1}`,
    player: only ?? playerOf(drawing),
    amount: formatMoney(minorOf(random, currency), currency),
    currency,
    app: random.pick(['game-1', 'game-1', 'game-2']),
    seconds: random.pick([10, 60, 1_800, 1_800, 7_200, 100_000, 2_592_000]),
    onExpiry: random.chance(0.7) ? 'release' : 'reconcile',
    approved: random.chance(0.9),
    ...(random.chance(0.4) ? { processor: ACME } : {}),
    ...(category === undefined ? {} : { category }),
  };
  orders.push(order);
  planOrder(drawing, order);
  return { verb: 'reserve', ...order };
}

/** What usually follows; plans are carried out from the last to the first. */
function planOrder({ random, plans }: Drawing, order: Order): void {
  const { id, processor } = order;
  const plan = (call: Call): void => void plans.push({ do: 'calls', calls: [call] });
  if (random.chance(0.5)) {
    if (random.chance(0.2)) plan({ verb: 'release', id });
    return;
  }
  const refund = refundIdOf(random);
  if (random.chance(0.3)) plan({ verb: 'reverseRefund', id, refund });
  if (random.chance(0.5)) {
    plan(refundOf(random, order, refund));
    // A running total is reported more than once.
    if (refund === RUNNING_TOTAL) plan(refundOf(random, order, refund));
  }
  plan({ verb: 'commit', id, ...partOf(random, order, 0.3) });
  if (processor !== undefined && random.chance(0.6)) plan({ verb: 'attach', id, ref: 'ref-0' });
}

function partOf(random: Random, { amount, currency }: Order, often: number): { amount?: string } {
  if (!random.chance(often)) return {};
  const decimals = CURRENCIES[currency as Currency];
  const price = Math.round(Number(amount) * 10 ** decimals);
  const minor = random.pick([price, Math.ceil(price / 2), Math.ceil(price / 3), 1, price + 1]);
  return { amount: formatMoney(minor, currency) };
}
