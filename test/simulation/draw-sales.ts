import { purchaseIdOf } from '../support/processors/entry.ts';
import { type Currency, type Drawing, minorOf, playerOf } from './drawing.ts';
import type { Action, Sale } from './history.ts';
import type { Random } from './random.ts';

export function saleOf(drawing: Drawing): Action {
  const { processor, random, sales } = drawing;
  const known = sales.length > 0 && random.chance(0.15) ? random.pick(sales.slice(-4)) : undefined;
  if (known !== undefined) return { do: 'sell', sale: known };
  const weights = Object.entries(processor.ways).map(([name, { weight }]) => [name, weight]);
  const currency = random.weighted(processor.currencies);
  const sale: Sale = {
    id: purchaseIdOf(processor, sales.length + 1),
    player: playerOf(drawing),
    amount: minorOf(random, currency as Currency),
    currency,
    way: random.weighted(Object.fromEntries(weights)),
    app: 'game-1',
    category: random.chance(0.2) ? 'loot' : 'skin',
  };
  sales.push(sale);
  planSale(drawing, sale);
  return { do: 'sell', sale };
}

/** What usually follows; plans are carried out from the last to the first. */
function planSale({ plans, processor, random }: Drawing, { amount, id, way }: Sale): void {
  const { usually = [] } = processor.ways[way] ?? {};
  const planned: Action[] = [];
  for (const deeds of usually) {
    if (!random.chance(0.75)) break;
    planned.push(deedOf(random.pick(deeds), { random, id, amount }));
    if (random.chance(0.5)) planned.push(notifyOf(random, id));
  }
  plans.push(...planned.toReversed());
}

/** An event of a recent sale, whether or not it is possible. */
export function aboutSale(drawing: Drawing, what: 'deed' | 'notify'): Action {
  const { processor, random, sales } = drawing;
  const { id, amount } = random.pick(random.chance(0.7) ? sales.slice(-3) : sales);
  if (what === 'notify') return notifyOf(random, id);
  return deedOf(random.pick(processor.deeds), { random, id, amount });
}

interface About {
  readonly random: Random;
  readonly id: string;
  readonly amount: number;
}

function deedOf(deed: string, { random, id, amount }: About): Action {
  if (random.chance(0.5)) return { do: 'deed', deed, id };
  return { do: 'deed', deed, id, amount: random.pick([amount, Math.ceil(amount / 3), 1]) };
}

function notifyOf(random: Random, id: string): Action {
  const picks = Array.from({ length: random.whole(1, 5) }, () => random.whole(0, 11));
  return { do: 'notify', id, picks };
}
