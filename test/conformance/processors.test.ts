import type { Store } from '@spendcap/core';
import { cnGame, createLimiter, generatePermitKey, permits } from '@spendcap/server';
import { beforeAll, describe, expect, it } from 'vitest';
import { leaksIn } from '../security/privacy/leaks.ts';
import { type Authority, authority, NOW, verifierOf } from '../server/age/token/token-kit.ts';
import { aged } from '../server/payments/buyer.ts';
import { anyStore } from '../support/any-store.ts';
import { purchaseIdOf } from '../support/processors/entry.ts';
import { DEVICE_STORES, PROCESSORS } from '../support/processors.ts';

const ACCOUNT = 'account-of-the-child-7351';
const SUBJECT_KEY = 'the-subject-key-of-a-processor-test';
const CURRENCY = 'CNY';

let age: Authority;
beforeAll(async () => {
  age = await authority();
});

/** An event about several goods is read against the held price first. */
const READS = new Map([['wechat_virtual', 2]]);

describe.each(PROCESSORS)('a notification of $name', (entry) => {
  it('commits by one write and at most one read of the store', async () => {
    const now = () => NOW;
    const calls: string[] = [];
    const limiter = createLimiter({ policy: cnGame(), store: noted(anyStore(), calls), now });
    const world = await entry.open({ now });
    const { start, webhook } = world.serve({ limiter, now });
    const spendcap = { id: purchaseIdOf(entry, 1), evidence: aged(12, NOW) };
    expect((await start({ amount: '30.00', currency: CURRENCY, spendcap })).allowed).toBe(true);
    await world.pay(spendcap.id);
    const [paid = expect.fail('no notification')] = world.notifications().slice(-1);
    calls.length = 0;
    expect((await webhook(paid)).ok).toBe(true);
    expect(calls).toEqual([...Array(READS.get(entry.name) ?? 1).fill('get'), 'commit']);
    expect((await limiter.get(spendcap.id))?.state).toBe('committed');
    await limiter.close();
  });
});

/** The store, with the name of each call noted. */
function noted(store: Store, calls: string[]): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      return (command: never) => {
        calls.push(name);
        return target[name](command);
      };
    },
  });
}

describe.each([...PROCESSORS, ...DEVICE_STORES])('$name', (entry) => {
  const { deeds, open } = entry;
  const ORDER = purchaseIdOf(entry, 1);

  /** A shop of a player of 12, who may spend 50.00 at a time. */
  async function shop() {
    const now = () => NOW;
    const processor = await open({ now });
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
    const { deed, reconcile, start, webhook } = processor.serve({ limiter, now });
    const { subject } = await ageTokens.verify(ageToken);
    return {
      ...{ processor, limiter, ageToken, subject, reconcile },
      buy: (id: string, amount: string) =>
        start({ amount, currency: CURRENCY, spendcap: { id, ageToken } }),
      async refund(id: string) {
        // A guard could say more about the player than an operator does.
        if (deeds.includes('guard_refunds')) await deed('guard_refunds', id);
        else await processor.refund?.(id, { amount: '30.00' });
        await processor.settle();
      },
      async notify() {
        for (const request of processor.notifications()) {
          const { ok, status } = await webhook(request);
          if (!ok) throw new Error(`a notification was answered ${status}`);
        }
      },
    };
  }

  it('is not called for a refused purchase', async () => {
    const { processor, buy } = await shop();
    expect((await buy(ORDER, '50.01')).allowed).toBe(false);
    expect(processor.received()).toEqual([]);
  });

  it('settles what is paid and refunded, notified once or twice', async () => {
    const { processor, limiter, buy, notify, refund, reconcile } = await shop();
    expect((await buy(ORDER, '30.00')).allowed).toBe(true);
    await processor.pay(ORDER);
    await notify();
    await notify();
    expect(await limiter.get(ORDER)).toMatchObject({ state: 'committed', committed: '30.00' });
    await refund(ORDER);
    await notify();
    await reconcile();
    expect(await limiter.get(ORDER)).toMatchObject({ refunded: '30.00' });
  });

  it('receives the charge, and nothing that says who the player is or how old', async () => {
    const { processor, buy, notify, refund, reconcile, ageToken, subject } = await shop();
    await buy(ORDER, '30.00');
    await processor.pay(ORDER);
    await notify();
    await refund(ORDER);
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
    expect(leaksIn(received, new Map([['order', ORDER]]))).not.toEqual([]);
    expect(leaksIn(received, marks)).toEqual([]);
  });
});
