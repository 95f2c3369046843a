import { ASSURANCES, type Assurance, jpTypical, type Policy, parsePolicy } from '@spendcap/core';
import { describe, expect, test } from 'vitest';
import { authority, NOW, verifierOf } from '../age/token/token-kit.ts';
import { ADULT, aged, bought, CHILD, codesOf, order, player, setUp } from './limiter-kit.ts';

const sure = (assurance: Assurance, evidence = ADULT) => ({ ...evidence, assurance });
const codes = (reasons: readonly { code: string }[]) => reasons.map(({ code }) => code);

/** `jp-typical` takes what titles ask for: the player's word. Here with a least assurance. */
function japan(minimumAssurance?: Assurance) {
  const policy: Policy =
    minimumAssurance === undefined
      ? jpTypical()
      : parsePolicy({ ...jpTypical(), minimumAssurance });
  const { limiter } = setUp({ policy });
  const buy = (id: string, evidence: typeof ADULT, amount: string) =>
    limiter.reserve({ id, evidence, amount, currency: 'JPY', app: 'game-1' });
  return { limiter, buy };
}

describe('a policy that refuses whom it does not know', () => {
  test.each(['client_claim', 'self_declared', 'guardian', 'assessed'] as const)(
    'cn-game does not take an age that is %s',
    async (assurance) => {
      const { limiter } = setUp();
      for (const evidence of [sure(assurance), sure(assurance, CHILD)]) {
        const refused = await limiter.reserve(order('order-1', { evidence }));
        expect(refused).toMatchObject({
          allowed: false,
          reasons: [{ code: 'age_unverified', minimumAssurance: 'verified' }],
        });
        expect(codesOf(await limiter.check(order('x', { evidence })))).toEqual(['age_unverified']);
      }
      expect(await limiter.get('order-1')).toBeNull();
      const allowance = await limiter.allowance({ evidence: sure(assurance, CHILD) });
      expect(allowance).toMatchObject({
        ageRange: { min: 0, maxExclusive: 13 },
        blocked: [{ code: 'age_unverified', minimumAssurance: 'verified' }],
      });
    },
  );

  test('a verified age counts', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('order-1', { evidence: sure('verified') })));
  });

  test('a token is as sure as its issuer is configured to be', async () => {
    const age = await authority();
    const ageToken = await age.sign({ age_in_years: 30, assurance: 'eidas-high' });
    for (const [assurance, allowed] of [
      [undefined, false],
      [{ 'eidas-high': 'verified' }, true],
      ['assessed', false],
    ] as const) {
      const issuer = assurance === undefined ? {} : { assurance };
      const ageTokens = verifierOf(age, { issuer });
      const { limiter } = setUp({ ageTokens, at: NOW });
      const { evidence: _, ...bare } = order('order-1');
      expect((await limiter.reserve({ ...bare, ageToken })).allowed).toBe(allowed);
    }
  });
});

describe('a policy that gives the strictest band to whom it does not know', () => {
  test('evidence that is not sure enough never loosens', async () => {
    const { buy } = japan('assessed');
    bought(await buy('order-1', sure('guardian'), '5000'));
    expect(codesOf(await buy('order-2', sure('guardian'), '1'))).toEqual([
      'age_not_precise',
      'month_cap_exceeded',
    ]);
    // The same person with better evidence: what was spent stays spent, and no cap is left.
    bought(await buy('order-2', sure('assessed'), '100000'));
  });

  test('but it tightens', async () => {
    const { limiter } = japan('assessed');
    const seventeen = sure('self_declared', player('teen', aged(17, 18)));
    const request = { evidence: seventeen, app: 'game-1' };
    expect(await limiter.allowance(request)).toMatchObject({
      ageRange: { min: 0, maxExclusive: 18 },
      limits: [{ cap: '5000' }],
      blocked: [],
    });
    const decision = await limiter.check({ ...request, amount: '20000', currency: 'JPY' });
    expect(decision.allowed).toBe(false);
    if (!decision.allowed) expect(decision.reasons[0]).toMatchObject({ provableAge: 16 });
  });

  test.each(ASSURANCES)('what is as sure as the least, %s, is enough', async (assurance) => {
    const { buy } = japan(assurance);
    for (const [index, each] of ASSURANCES.entries()) {
      const evidence = { ...sure(each), subject: `adult-${each}` };
      const enough = index >= ASSURANCES.indexOf(assurance);
      expect((await buy(`order-${each}`, evidence, '5001')).allowed).toBe(enough);
    }
  });
});

describe('a policy that asks for no assurance', () => {
  test('takes the word of a player, and of a device only to tighten', async () => {
    const { limiter, buy } = japan();
    expect(limiter.policy().minimumAssurance).toBe('self_declared');
    bought(await buy('order-1', sure('self_declared'), '100000'));
    const refused = await buy('order-2', sure('client_claim'), '100000');
    expect(refused.allowed).toBe(false);
    if (!refused.allowed) expect(codes(refused.reasons)).toContain('month_cap_exceeded');
  });

  test('that came from JSON by a cast is completed as one that was parsed', async () => {
    const { minimumAssurance: _, ...document } = jpTypical();
    const { limiter } = setUp({ policy: document as Policy });
    expect(limiter.policy()).toEqual(jpTypical());
  });
});
