import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Authority,
  authority,
  NOW,
  refusal,
  SECOND,
  verifierOf,
} from '../server/age/token/token-kit.ts';
import { bought, order, setUp } from '../server/limiter/limiter-kit.ts';

let age: Authority;
beforeAll(async () => {
  age = await authority();
});

const SOON = { sub: 'player-1', age_in_years: 12, exp: SECOND + 60 };

/** A limiter and its verifier on one clock, which begins at `NOW`. */
function world() {
  const made = setUp({
    at: NOW,
    ageTokens: verifierOf(age, { now: () => made.clock.at }),
  });
  const buy = (id: string, ageToken: string) => {
    const { evidence: _, ...request } = order(id);
    return made.limiter.reserve({ ...request, ageToken });
  };
  return { ...made, buy };
}

describe('a token that expires in mid-hold', () => {
  it('leaves the hold as it is: it is committed, refunded and counted like any other', async () => {
    const { limiter, clock, buy } = world();
    const ageToken = await age.sign(SOON);
    bought(await buy('order-1', ageToken));
    clock.at += 10 * 60_000;
    expect(await refusal(buy('order-2', ageToken))).toBe('age_token_invalid expired');
    expect((await limiter.commit('order-1')).state).toBe('committed');
    const refunded = await limiter.refund('order-1', { id: 'refund-1', amount: '10.00' });
    expect(refunded.refunded).toBe('10.00');
    const next = await age.sign({ ...SOON, iat: SECOND + 600, exp: SECOND + 1_200 });
    const { limits } = await limiter.allowance({ ageToken: next });
    expect(limits.find(({ period }) => period === 'day')?.used).toBe('20.00');
  });

  it('is a bar even to the same purchase once more, which a fresh one is not', async () => {
    const { clock, buy } = world();
    const ageToken = await age.sign(SOON);
    bought(await buy('order-1', ageToken));
    clock.at += 66_000;
    expect(await refusal(buy('order-1', ageToken))).toBe('age_token_invalid expired');
    const fresh = await age.sign({ ...SOON, iat: SECOND + 60, exp: SECOND + 600 });
    expect(await buy('order-1', fresh)).toMatchObject({ allowed: true, replayed: true });
  });

  it('is nothing to a birthday in mid-month: the new cap counts what was spent', async () => {
    const { limiter, clock, buy } = world();
    const born = { birthdate: '2010-11-25', age_in_years: undefined };
    bought(await buy('order-1', await age.sign({ ...SOON, ...born })));
    await limiter.commit('order-1');
    clock.at += 2 * 86_400_000;
    const ageToken = await age.sign({ ...SOON, ...born, iat: SECOND, exp: SECOND + 86_400 * 3 });
    expect(await limiter.allowance({ ageToken })).toMatchObject({
      ageRange: { min: 16, maxExclusive: 17 },
      limits: [{}, {}, { period: 'month', cap: '400.00', used: '30.00' }],
    });
  });
});

describe('clocks that differ', () => {
  const at = (shift: number, tolerance: number) =>
    verifierOf(age, { now: () => NOW + shift, clockToleranceSeconds: tolerance });

  it.each([0, 1, 5, 60])('by up to %d seconds make no difference, and by more do', async (by) => {
    const ends = await age.sign({ exp: SECOND + 600 });
    await at((600 + by) * 1000 - 1, by).verify(ends);
    expect(await refusal(at((600 + by) * 1000, by).verify(ends))).toBe('age_token_invalid expired');
    for (const claim of ['nbf', 'iat']) {
      const begins = await age.sign({ [claim]: SECOND + 100 });
      await at((100 - by) * 1000, by).verify(begins);
      const early = at((100 - by) * 1000 - 1, by).verify(begins);
      expect(await refusal(early)).toBe('age_token_invalid not_yet_valid');
    }
  });

  it('never let a remembered token outlive a fresh one, whichever way the clock goes', async () => {
    let now = NOW;
    const verifier = verifierOf(age, { now: () => now, clockToleranceSeconds: 0 });
    const token = await age.sign({ exp: SECOND + 60 });
    await verifier.verify(token);
    now = NOW + 60_000;
    expect(await refusal(verifier.verify(token))).toBe('age_token_invalid expired');
    now = NOW + 59_999;
    await verifier.verify(token);
  });
});
