import { type AgeEvidence, cnGame, type Policy, parsePolicy, type Store } from '@spendcap/core';
import { createLimiter, type Limiter } from '@spendcap/server';
import { SUBJECTS } from './harness.ts';

/** The shape of `cn-game` (transaction, day and month caps) with room for every benchmark. */
export function roomyPolicy(): Policy {
  const { bands, ...rest } = cnGame();
  return parsePolicy({
    ...rest,
    bands: bands.map((band) => ({
      ...band,
      limits: band.limits.map((limit) => ({
        ...limit,
        max: limit.period === 'transaction' ? '50' : '10000000000',
      })),
    })),
  });
}

export function evidenceOf(subject: string): AgeEvidence {
  const asOf = Date.now();
  return {
    subject,
    statements: [{ kind: 'range', min: 12, maxExclusive: 13, asOf }],
    kind: 'age_token',
    assurance: 'verified',
    expiresAt: asOf + 86_400_000,
  };
}

const PLAYERS = Array.from({ length: SUBJECTS }, (_, index) => evidenceOf(`sub_${index}`));

export function limiterOn(store: Store): Limiter {
  return createLimiter({ policy: roomyPolicy(), store });
}

/** One purchase by one of the 5,000 players, which must be allowed; resolves to its id. */
export function reserveOne(limiter: Limiter, index: number): Promise<string> {
  // A large prime, so that neighbours in time are no neighbours in the store.
  const evidence = PLAYERS[(index * 7_919) % SUBJECTS];
  if (evidence === undefined) throw new Error('no player');
  return reserveFor(limiter, evidence);
}

let orders = 0;

export async function reserveFor(limiter: Limiter, evidence: AgeEvidence): Promise<string> {
  orders += 1;
  const id = `order-${orders}`;
  const { allowed } = await limiter.reserve({ id, evidence, amount: '1.00', currency: 'CNY' });
  if (!allowed) throw new Error('refused');
  return id;
}
