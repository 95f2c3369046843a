import {
  type AgeEvidence,
  type AgeStatement,
  type Assurance,
  parsePolicy,
  type Store,
} from '@spendcap/core';
import { expect, test } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import { aged, bought, NOON, onePolicy, order, setUp } from './limiter-kit.ts';

const LIMITS = [{ period: 'day', max: '9000' }];
const SHOP = onePolicy(LIMITS, { unverified: 'strictest_band' });
const ARCADE = parsePolicy({ ...SHOP, id: 'arcade', version: '7' });

const by = (kind: string, assurance: Assurance, ...statements: AgeStatement[]): AgeEvidence => ({
  ...{ subject: `by ${kind}`, kind, assurance, statements },
  expiresAt: NOON + 60_000,
});

/** Why a purchase was allowed, as the ledger keeps it. */
async function basisOf(store: Store, id: string): Promise<unknown> {
  const { purchase } = await store.get({ id, at: NOON });
  return JSON.parse(purchase?.basis ?? 'null');
}

/** Players who differ in one thing from the one before, and what is recorded of each. */
const PLAYERS: readonly (readonly [AgeEvidence, Readonly<Record<string, unknown>>])[] = [
  [
    by('age_token', 'verified', aged(12, 13)),
    { ageRange: [12, 13], evidence: 'age_token', assurance: 'verified' },
  ],
  [
    by('oidc', 'verified', aged(12, 13)),
    { ageRange: [12, 13], evidence: 'oidc', assurance: 'verified' },
  ],
  [
    by('oidc', 'guardian', aged(12, 13)),
    { ageRange: [12, 13], evidence: 'oidc', assurance: 'guardian' },
  ],
  [
    by('oidc', 'guardian', aged(12, 16)),
    { ageRange: [12, 16], evidence: 'oidc', assurance: 'guardian' },
  ],
  [
    by('oidc', 'guardian', aged(12, null)),
    { ageRange: [12, null], evidence: 'oidc', assurance: 'guardian' },
  ],
  [
    by('oidc', 'client_claim', aged(12, null)),
    { ageRange: [0, null], evidence: 'oidc', assurance: 'client_claim' },
  ],
];

test('the ledger keeps why each purchase was allowed, whoever has bought before', async () => {
  const store = anyStore();
  const limiters = [
    { limiter: setUp({ policy: SHOP, store }).limiter, policy: 'shop@1' },
    { limiter: setUp({ policy: ARCADE, store }).limiter, policy: 'arcade@7' },
  ];
  for (const round of ['first', 'second']) {
    for (const [index, [evidence, basis]] of PLAYERS.entries()) {
      for (const { limiter, policy } of limiters) {
        const id = `${round}-${index}-${policy.slice(0, 4)}`;
        bought(await limiter.reserve(order(id, { evidence })));
        expect(await basisOf(store, id)).toEqual({ policy, ...basis });
      }
    }
  }
});

test('players of one policy, one after another, have each their own', async () => {
  const { limiter, store } = setUp({ policy: SHOP });
  for (const round of ['first', 'second']) {
    for (const [index, [evidence, basis]] of PLAYERS.entries()) {
      bought(await limiter.reserve(order(`${round}-${index}`, { evidence })));
      expect(await basisOf(store, `${round}-${index}`)).toEqual({ policy: 'shop@1', ...basis });
    }
  }
});

test('it keeps the rate of each purchase in another currency, and of no other', async () => {
  const rates = ['7.12', '6.5'];
  const { limiter, store } = setUp({ policy: SHOP, exchange: () => rates.shift() ?? '1' });
  const [evidence] = PLAYERS[0] ?? [];
  const player = evidence === undefined ? {} : { evidence };
  const kept = { policy: 'shop@1', ...PLAYERS[0]?.[1] };
  bought(await limiter.reserve(order('a', { ...player, currency: 'USD' })));
  bought(await limiter.reserve(order('b', player)));
  bought(await limiter.reserve(order('c', { ...player, currency: 'USD' })));
  expect(await basisOf(store, 'a')).toEqual({ ...kept, rate: '7.12' });
  expect(await basisOf(store, 'b')).toEqual(kept);
  expect(await basisOf(store, 'c')).toEqual({ ...kept, rate: '6.5' });
});

test('money without a hold is recorded with the player’s age and evidence, or the origin’s', async () => {
  const { limiter, store } = setUp({ policy: SHOP });
  for (const [index, [evidence, basis]] of PLAYERS.entries()) {
    const money = { amount: '3.00', currency: 'CNY' };
    const origin = `origin-${index}`;
    await limiter.record({ id: origin, ...money, evidence });
    await limiter.record({ id: `renewal-${index}`, ...money, samePlayerAs: origin });
    for (const id of [origin, `renewal-${index}`]) {
      expect(await basisOf(store, id)).toEqual({ policy: 'shop@1', ...basis });
    }
    const { purchase } = await store.get({ id: `renewal-${index}`, at: NOON });
    expect(purchase?.subject).toBe(evidence.subject);
  }
});
