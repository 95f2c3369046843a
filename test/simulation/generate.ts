import { boundsOf } from '@spendcap/core';
import type { ProcessorEntry } from '../support/processors/entry.ts';
import { burstOf, callOf } from './draw-calls.ts';
import { aboutSale, saleOf } from './draw-sales.ts';
import type { Drawing } from './drawing.ts';
import type { Action, History, Step } from './history.ts';
import { DAY, EDITION_COUNT, PLAYER_COUNT } from './policies.ts';
import { type Random, randomOf } from './random.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const SERVERS = 3;

/** Ends of months, clock changes in Europe, America and Egypt, a turn of the year, a leap day. */
const STARTS = [
  '2026-03-26T20:00:00Z',
  '2026-10-22T20:00:00Z',
  '2026-10-28T12:00:00Z',
  '2026-11-28T03:00:00Z',
  '2026-12-29T09:00:00Z',
  '2027-03-11T15:00:00Z',
  '2028-02-26T15:00:00Z',
] as const;

const ZONES = [
  'Asia/Shanghai',
  'Europe/Berlin',
  'America/New_York',
  'Africa/Cairo',
  'Pacific/Kiritimati',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
] as const;

export interface Wanted {
  readonly steps: number;
  readonly processor: ProcessorEntry;
}

/** The history of a seed, which determines all of it. */
export function historyOf(seed: number, { steps, processor }: Wanted): History {
  const random = randomOf(seed);
  const start = Date.parse(random.pick(STARTS)) + random.whole(0, 5 * HOUR);
  const zones = [random.pick(ZONES), random.pick(ZONES), random.pick(ZONES)] as const;
  const drawing: Drawing = {
    random,
    zones,
    processor,
    buyers: [random.whole(0, PLAYER_COUNT - 1), random.whole(0, PLAYER_COUNT - 1)],
    orders: [],
    sales: [],
    plans: [],
    again: [],
    skews: Array.from({ length: SERVERS }, () => skewOf(random)),
    now: start,
  };
  return {
    ...{ seed, processor: processor.name, start, zones },
    steps: Array.from({ length: steps }, () => stepOf(drawing)),
  };
}

function stepOf(drawing: Drawing): Step {
  const { random, skews, again, plans } = drawing;
  const server = random.whole(0, SERVERS - 1);
  if (random.chance(0.05)) skews[server] = skewOf(random);
  const skew = skews[server] ?? 0;
  const planned = plans.length > 0 && random.chance(0.55);
  drawing.now += planned ? random.whole(1, 3 * MINUTE) : pauseOf(drawing);
  const retried = again.length > 0 && random.chance(0.5) ? again.shift() : undefined;
  if (retried !== undefined) return { ...retried, at: drawing.now, server, skew };
  const action = (planned ? plans.pop() : undefined) ?? actionOf(drawing);
  const step = { at: drawing.now, server, skew, ...action };
  const troubled = withTrouble(drawing, step);
  if (troubled !== step || random.chance(0.06)) again.push(step);
  return troubled;
}

/** A clock is off by some seconds, now and then by more, but less than processors tolerate. */
function skewOf(random: Random): number {
  const size = random.pick([0, 200, 5 * SECOND, 2 * MINUTE]);
  return random.whole(-size, size);
}

function withTrouble({ processor, random }: Drawing, step: Step): Step {
  const kinds = ['lost_before', 'lost_after', 'down', 'down', 'dies_before', 'dies_after'] as const;
  const isSale = step.do !== 'calls' && step.do !== 'audit' && step.do !== 'deploy';
  if (isSale && random.chance(0.1)) return { ...step, callFault: random.pick(processor.faults) };
  if (!random.chance(0.15)) return step;
  const last = step.do === 'calls' && step.calls.length === 1 && random.chance(0.7) ? 0 : 4;
  return { ...step, fault: { call: random.whole(0, last), kind: random.pick(kinds) } };
}

const PAUSES = {
  soon: 45,
  minutes: 25,
  hours: 9,
  midnight: 10,
  month: 0.7,
  expiry: 8,
  days: 1,
  weeks: 0.4,
} as const;

/** The time until the next step. */
function pauseOf({ random, zones, orders, now }: Drawing): number {
  const kind = random.weighted(PAUSES);
  switch (kind) {
    case 'soon':
      return random.whole(1, 5 * SECOND);
    case 'minutes':
      return random.whole(1, 40 * MINUTE);
    case 'hours':
      return random.whole(1, 14 * HOUR);
    case 'days':
      return random.whole(1, 4 * DAY);
    case 'weeks':
      return random.whole(5 * DAY, 40 * DAY);
    case 'midnight':
    case 'month': {
      const period = kind === 'midnight' ? 'day' : 'month';
      const { end } = boundsOf(period, now, random.pick(zones));
      return Math.max(1, end - now + random.pick([-1_000, -1, 0, 0, 1, 2_000]));
    }
    case 'expiry': {
      // A recent purchase, whose hold expires about then. A wait of a month is rare.
      const { seconds = 1 } = orders.at(-1) ?? {};
      const wait = seconds < 1_000_000 || random.chance(0.1) ? seconds : 60;
      return wait * SECOND + random.whole(-2, 2);
    }
  }
}

const ACTIONS = {
  one: 44,
  burst: 12,
  deploy: 2,
  sale: 16,
  deed: 6,
  notify: 8,
  reconcile: 4,
  audit: 2,
} as const;

function actionOf(drawing: Drawing): Action {
  const { random, sales } = drawing;
  const what = random.weighted(ACTIONS);
  switch (what) {
    case 'one':
      return { do: 'calls', calls: [callOf(drawing)] };
    case 'burst':
      return burstOf(drawing);
    case 'deploy':
      return { do: 'deploy', edition: random.whole(0, EDITION_COUNT - 1) };
    case 'reconcile':
      return { do: 'reconcile', outcome: random.pick(['commit', 'release'] as const) };
    case 'audit':
      return { do: 'audit' };
    default:
      return what === 'sale' || sales.length === 0 ? saleOf(drawing) : aboutSale(drawing, what);
  }
}
