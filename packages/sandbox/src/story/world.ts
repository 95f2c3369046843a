import { createClient } from '@spendcap/client';
import { explainRefusal } from '@spendcap/client/explain';
import type { Allowance, Period, Purchase, Refused } from '@spendcap/core';
import { type Game, isRefused } from '../game.ts';
import type { Persona } from '../personas.ts';
import { ApiProblem, type SpendcapApi } from '../spendcap-api.ts';
import type { Line } from './table.ts';

export type PersonaId = Persona['id'];

/** The setting of the story. The limiter is a server process behind `url`. */
export interface World {
  readonly game: Game;
  readonly api: SpendcapApi;
  readonly url: string;
  /** Issues an age token for a persona. */
  tokenOf(id: PersonaId): Promise<string>;
  /** Number of charge requests to the processor so far. */
  chargeAttempts(): number;
  /** kill -9, then a new server on the same store. */
  crash(): Promise<void>;
  /** A new server on the same store, with the operator's edited policy. */
  editPolicy(): Promise<void>;
  report(line: Line): void;
}

export interface Wish {
  readonly id: string;
  readonly who: PersonaId;
  readonly what: string;
  readonly amount: string;
  /** Default `item`. */
  readonly category?: string;
}

export type Answer = Purchase | Refused | ApiProblem;

export const CURRENCY = 'CNY';

/** Buys through the game's back end. A problem of the API is returned, not thrown. */
export async function buy(world: World, wish: Wish, ageToken?: string): Promise<Answer> {
  const { id, who, amount, category = 'item' } = wish;
  const token = ageToken ?? (await world.tokenOf(who));
  const order = { id, ageToken: token, amount, currency: CURRENCY, category };
  return world.game.buy(order).catch((error: unknown) => {
    if (error instanceof ApiProblem) return error;
    throw error;
  });
}

/** Buys and reports expectation and outcome. A refusal must not charge. */
export async function buyAndReport(world: World, wish: Wish, expected: string): Promise<void> {
  const before = world.chargeAttempts();
  const answer = await buy(world, wish);
  const charges = world.chargeAttempts() - before;
  const isRight = charges === (isSold(answer) ? 1 : 0);
  const got = isRight ? outcomeOf(answer) : `${outcomeOf(answer)} (${charges} charges)`;
  const { who, what, amount } = wish;
  world.report({ who, what, amount, expected, got, reason: reasonOf(answer) });
}

export function isSold(answer: Answer): answer is Purchase {
  return !(answer instanceof ApiProblem) && !isRefused(answer);
}

/** A short outcome: `allowed`, `refused: day cap`, `problem: age token invalid`. */
export function outcomeOf(answer: Answer): string {
  if (answer instanceof ApiProblem) return `problem: ${answer.problem.code.replaceAll('_', ' ')}`;
  if (!isRefused(answer)) return answer.state === 'committed' ? 'allowed' : answer.state;
  const codes = answer.reasons.map(({ code }) =>
    code.replace(/_exceeded$/, '').replaceAll('_', ' '),
  );
  return `refused: ${codes.join(', ')}`;
}

export function reasonOf(answer: Answer): string {
  if (answer instanceof ApiProblem) return answer.problem.why?.replaceAll('_', ' ') ?? '';
  return isRefused(answer) ? explainRefusal(answer, { locale: 'en' }) : '';
}

/** A player's allowance, requested as the player's device does. */
export async function allowanceOf(world: World, who: PersonaId): Promise<Allowance> {
  return createClient({ url: world.url, ageToken: () => world.tokenOf(who) }).allowance();
}

/** One amount of a limit. @throws Error if the policy has no such limit */
export function amountOf(
  allowance: Allowance,
  period: Period,
  name: 'cap' | 'used' | 'remaining',
): string {
  const limit = allowance.limits.find((each) => each.period === period);
  if (limit === undefined) throw new Error(`the policy has no limit for each ${period}`);
  return limit[name];
}
