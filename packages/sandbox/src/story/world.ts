import { createClient, explain } from '@spendcap/client';
import type { Allowance, Period, Purchase, Refused } from '@spendcap/core';
import { type Game, isRefused } from '../game.ts';
import type { Persona } from '../personas.ts';
import { ApiProblem, type SpendcapApi } from '../spendcap-api.ts';
import type { Line } from './table.ts';

export type PersonaId = Persona['id'];

/** Everything that the story happens in. The limiter is a server process behind `url`. */
export interface World {
  readonly game: Game;
  readonly api: SpendcapApi;
  readonly url: string;
  /** A fresh age token of a persona. */
  tokenOf(id: PersonaId): Promise<string>;
  /** How many charges the processor was asked for so far. */
  chargeAttempts(): number;
  /** kill -9, and a new server on the same store. */
  crash(): Promise<void>;
  /** A new server on the same store, with the operator's edited policy. */
  editPolicy(): Promise<void>;
  tell(line: Line): void;
}

export interface Wish {
  readonly id: string;
  readonly who: PersonaId;
  readonly what: string;
  readonly amount: string;
  readonly category?: string;
}

export type Answer = Purchase | Refused | ApiProblem;

export const CURRENCY = 'CNY';

/** The game's back end is asked to sell; a problem of the API is an answer too. */
export async function buy(world: World, wish: Wish, ageToken?: string): Promise<Answer> {
  const { id, who, amount, category } = wish;
  const token = ageToken ?? (await world.tokenOf(who));
  const kind = category === undefined ? {} : { category };
  const order = { id, ageToken: token, amount, currency: CURRENCY, ...kind };
  return world.game.buy(order).catch((error: unknown) => {
    if (error instanceof ApiProblem) return error;
    throw error;
  });
}

/** Buys, and tells what the policy says and what came of it. A refusal must charge nothing. */
export async function buyAndTell(world: World, wish: Wish, expected: string): Promise<void> {
  const before = world.chargeAttempts();
  const answer = await buy(world, wish);
  const charges = world.chargeAttempts() - before;
  const asItShould = charges === (isSold(answer) ? 1 : 0);
  const got = asItShould ? outcomeOf(answer) : `${outcomeOf(answer)} (${charges} charges)`;
  const { who, what, amount } = wish;
  world.tell({ who, what, amount, expected, got, reason: reasonOf(answer) });
}

export function isSold(answer: Answer): answer is Purchase {
  return !(answer instanceof ApiProblem) && !isRefused(answer);
}

/** The outcome in few words: `allowed`, `refused: day cap`, `problem: age token invalid`. */
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
  if (!isRefused(answer)) return '';
  const { reasons, allowance } = answer;
  return reasons.map((reason) => explain(reason, allowance, 'en')).join(' ');
}

/** A player's allowance, asked for as the player's own device does. */
export async function allowanceOf(world: World, who: PersonaId): Promise<Allowance> {
  return createClient({ url: world.url, ageToken: () => world.tokenOf(who) }).allowance();
}

/** One figure of a limit. The story cannot go on if the policy has no such limit. */
export function figure(
  allowance: Allowance,
  period: Period,
  name: 'cap' | 'used' | 'remaining',
): string {
  const limit = allowance.limits.find((each) => each.period === period);
  if (limit === undefined) throw new Error(`the policy has no limit for each ${period}`);
  return limit[name];
}
