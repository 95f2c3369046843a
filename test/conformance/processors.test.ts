import { cnGame, createLimiter, generatePermitKey, permits } from '@spendcap/server';
import { beforeAll, describe, expect, it } from 'vitest';
import { leaksIn } from '../security/privacy/leaks.ts';
import { type Authority, authority, NOW, verifierOf } from '../server/age/token/token-kit.ts';
import { anyStore } from '../support/any-store.ts';
import { PROCESSORS } from '../support/processors.ts';

const ACCOUNT = 'account-of-the-child-7351';
const SUBJECT_KEY = 'the-subject-key-of-a-processor-test';
const CURRENCY = 'CNY';

let age: Authority;
beforeAll(async () => {
  age = await authority();
});

describe.each(PROCESSORS)('$name', ({ open }) => {
  /** A shop of a player of 12, who may spend 50.00 at a time. */
  async function shop() {
    const now = () => NOW;
    const processor = open({ now });
    const ageTokens = verifierOf(age, { subjectKey: SUBJECT_KEY });
    const limiter = createLimiter({
      policy: cnGame(),
      store: anyStore(),
      ageTokens,
      permits: permits({
        key: await generatePermitKey(),
        issuer: 'https://limiter.example',
        audience: 'https://pay.example',
        now,
      }),
      now,
    });
    const ageToken = await age.sign({ sub: ACCOUNT, age_range: { min: 12, max_exclusive: 13 } });
    const order = (id: string, amount: number) => ({ id, ageToken, amount, currency: CURRENCY });
    const { subject } = await ageTokens.verify(ageToken);
    return { processor, limiter, order, ageToken, subject, ...processor.serve(limiter) };
  }

  it('is not called for a refused purchase', async () => {
    const { processor, buy, order } = await shop();
    expect((await buy(order('order-1', 5_001))).allowed).toBe(false);
    expect(processor.received()).toEqual([]);
  });

  it('settles what is paid and refunded, notified once or twice', async () => {
    const { limiter, buy, order, notify, refund, reconcile } = await shop();
    expect((await buy(order('order-1', 3_000))).allowed).toBe(true);
    await notify();
    await notify();
    expect(await limiter.get('order-1')).toMatchObject({ state: 'committed', committed: '30.00' });
    await refund('order-1');
    await notify();
    await reconcile();
    expect(await limiter.get('order-1')).toMatchObject({ refunded: '30.00' });
  });

  it('receives the charge, and nothing that says who the player is or how old', async () => {
    const { processor, buy, order, notify, refund, reconcile, ageToken, subject } = await shop();
    await buy(order('order-1', 3_000));
    await notify();
    await refund('order-1');
    await reconcile();
    const received = processor
      .received()
      .map((text) => ({ where: text, bytes: Buffer.from(text) }));
    const marks = new Map([
      ['account', ACCOUNT],
      ['subject', subject],
      ['subject key', SUBJECT_KEY],
      ...ageToken.split('.').map((part, index) => [`age token, part ${index}`, part] as const),
      ['age range', 'age_range'],
    ]);
    expect(received.length).toBeGreaterThan(1);
    expect(leaksIn(received, new Map([['order', 'order-1']]))).not.toEqual([]);
    expect(leaksIn(received, marks)).toEqual([]);
  });
});
