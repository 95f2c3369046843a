/** A fictitious player of a certain age. */
export interface Persona {
  readonly id: 'child-7' | 'player-12' | 'player-17' | 'adult-30';
  readonly age: number;
  readonly title: { readonly en: string; readonly zh: string };
}

/** One persona in each band of the `cn-game` policy. */
export const PERSONAS: readonly Persona[] = [
  { id: 'child-7', age: 7, title: { en: 'Child, 7', zh: '7 岁儿童' } },
  { id: 'player-12', age: 12, title: { en: 'Player, 12', zh: '12 岁玩家' } },
  { id: 'player-17', age: 17, title: { en: 'Player, 17', zh: '17 岁玩家' } },
  { id: 'adult-30', age: 30, title: { en: 'Adult, 30', zh: '30 岁成年人' } },
];
