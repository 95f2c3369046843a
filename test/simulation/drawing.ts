import type { ProcessorEntry } from '../support/processors/entry.ts';
import type { Action, History, Order, Sale, Step } from './history.ts';
import { PLAYER_COUNT } from './policies.ts';
import type { Random } from './random.ts';

/** The past, as far as the next step depends on it. */
export interface Drawing {
  readonly random: Random;
  readonly zones: History['zones'];
  readonly processor: ProcessorEntry;
  /** The player who buys most, so that monthly caps fill up as well. */
  readonly buyers: readonly number[];
  readonly orders: Order[];
  readonly sales: Sale[];
  /** What is likely to follow: a held purchase is mostly paid. */
  readonly plans: Action[];
  /** Failed steps, to be retried. */
  readonly again: Step[];
  readonly skews: number[];
  now: number;
}

/** How many decimals they have. */
export const CURRENCIES = { CNY: 2, USD: 2, JPY: 0, KWD: 3 } as const;
export type Currency = keyof typeof CURRENCIES;
/** About how many minor units make ten yuan. */
const TEN_YUAN: Readonly<Record<Currency, number>> = { CNY: 1_000, USD: 140, JPY: 210, KWD: 430 };

/** Round amounts that fill a cap exactly, amounts one unit off, and odd ones. */
export function minorOf(random: Random, currency: Currency): number {
  const ten = TEN_YUAN[currency];
  if (random.chance(0.15)) return random.whole(1, ten * 12);
  if (random.chance(0.15)) return random.pick([1, 1, ten * 2 + 1, ten * 5 + 1]);
  return ten * random.pick([1, 1, 2, 3, 4, 5, 5, 6, 10]);
}

export function playerOf({ random, buyers }: Drawing): number {
  return random.chance(0.7) ? random.pick(buyers) : random.whole(0, PLAYER_COUNT - 1);
}
