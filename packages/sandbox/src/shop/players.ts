import type { IssueRequest } from '../age-issuer.ts';
import { PERSONAS } from '../personas.ts';

/** A player of the shop, and what the age authority states about them. */
export interface Player {
  readonly id: string;
  readonly title: { readonly en: string; readonly zh: string };
  readonly token: IssueRequest;
}

/** The personas, one who needs a parent's approval, and two whose age is not known well enough. */
export const PLAYERS: readonly Player[] = [
  ...PERSONAS.map(({ id, age, title }) => ({ id, title, token: { subject: id, age } })),
  {
    id: 'player-9',
    title: { en: 'Player, 9', zh: '9 岁玩家' },
    token: { subject: 'player-9', age: 9 },
  },
  {
    id: 'teen',
    title: { en: 'Somebody of 15 to 17', zh: '15 到 17 岁的人' },
    token: { subject: 'teen', claims: { age_range: { min: 15, max_exclusive: 18 } } },
  },
  {
    id: 'unknown',
    title: { en: 'Somebody whose age is not known', zh: '年龄未知的人' },
    token: { subject: 'unknown' },
  },
];
