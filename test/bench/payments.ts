import type { PaymentSnapshot, Processor } from '@spendcap/core';
import { fakeStripe } from '@spendcap/sandbox';
import { createLimiter } from '@spendcap/server';
import { processorWebhook, reconcile, startCharge } from '@spendcap/server/payments';
import { guardStripe, stripeProcessor } from '@spendcap/server/payments/stripe';
import { memoryStore } from '@spendcap/server/stores/memory';
import { stripeOver } from '../support/processors/stripe.ts';
import { evidenceOf, limiterOn, roomyPolicy } from './fixtures.ts';
import { type Comparison, inFlight, SUBJECTS } from './harness.ts';
import { watchHeap } from './memory.ts';

const PRICE = { amount: '1.00', currency: 'CNY' } as const;
const PAID = { payment_method: 'pm_card_visa', confirm: true } as const;
const HOLDS = 100_000;
const CONCURRENCY = 8;

/** A processor without a network, so that only the engine's own work is measured. */
function instant(close: (id: string) => PaymentSnapshot): Processor {
  return {
    name: 'bench_pay',
    traits: {
      reference: (id) => id,
      retrySeconds: 3_600,
      unseenGraceSeconds: 0,
      captures: 'partial',
      release: 'closed',
      refunds: 'partial',
    },
    outcomeOf: () => 'unknown',
    query: async ({ id }) => close(id),
    close: async ({ id }) => close(id),
  };
}

const captured = (purchaseId: string): PaymentSnapshot => ({
  ...{ purchaseId, state: 'closed', captured: PRICE, refunds: [] },
});

/** As long as a call over a fast local network takes at least: one turn of the event loop. */
const fakeCall = () => new Promise<string>((resolve) => setImmediate(resolve, 'paid'));

let orders = 0;

function order(index: number) {
  orders += 1;
  return { id: `pay-${orders}`, evidence: evidenceOf(`sub_${index % SUBJECTS}`), ...PRICE };
}

/** A charge through the guard beside the same by hand, around the same call of the fake. */
export function startComparison(): Comparison {
  const limiter = limiterOn(memoryStore());
  const stripe = stripeOver(fakeStripe().fetch);
  const guard = guardStripe({ stripe, limiter });
  const params = { amount: 100, currency: 'cny', ...PAID };
  const guarded = async (index: number) => {
    const { id, evidence } = order(index);
    const { allowed } = await guard.paymentIntents.create(params, { spendcap: { id, evidence } });
    if (!allowed) throw new Error('refused');
  };
  const byHand = async (index: number) => {
    const purchase = { ...order(index), processor: 'stripe', onExpiry: 'reconcile' } as const;
    const { allowed } = await limiter.reserve(purchase);
    if (!allowed) throw new Error('refused');
    const { id } = purchase;
    await stripe.paymentIntents.create(
      { ...params, metadata: { spendcap_id: id } },
      { idempotencyKey: id },
    );
    await limiter.commit(id);
  };
  return {
    work: 'charge started and committed, memory store',
    ours: { name: 'guardStripe', run: (count) => inFlight(count, guarded) },
    beside: { name: 'reserve + Stripe + commit by hand', run: (count) => inFlight(count, byHand) },
    // At most 1.15 times as long.
    atLeast: 1 / 1.15,
    count: 2_000,
    close: () => limiter.close(),
  };
}

/** The engine's own work: the same with a call that takes a turn of the event loop. */
export function engineComparison(): Comparison {
  const limiter = limiterOn(memoryStore());
  const deps = { processor: instant(captured), limiter };
  const engine = async (index: number) => {
    const { allowed } = await startCharge(deps, {
      purchase: order(index),
      call: fakeCall,
      snapshotOf: (_, { id }) => captured(id),
    });
    if (!allowed) throw new Error('refused');
  };
  const byHand = async (index: number) => {
    const purchase = { ...order(index), processor: 'bench_pay', onExpiry: 'reconcile' } as const;
    const { allowed } = await limiter.reserve(purchase);
    if (!allowed) throw new Error('refused');
    await fakeCall();
    await limiter.commit(purchase.id);
  };
  return {
    work: 'charge around an empty call, memory store',
    ours: { name: 'startCharge', run: (count) => inFlight(count, engine) },
    beside: { name: 'reserve + commit by hand', run: (count) => inFlight(count, byHand) },
    atLeast: 0.6,
    count: 10_000,
    close: () => limiter.close(),
  };
}

/** A notification that commits beside the verification of its signature alone. */
export async function notificationComparison(): Promise<Comparison> {
  const fake = fakeStripe();
  const stripe = stripeOver(fake.fetch);
  const processor = stripeProcessor({ stripe, secrets: [fake.webhookSecret] });
  const limiter = limiterOn(memoryStore());
  const webhook = processorWebhook({ processor, limiter });
  const payment = { amount: 100, currency: 'cny', ...PAID };
  await stripe.paymentIntents.create({ ...payment, metadata: { spendcap_id: 'pay-template' } });
  const event = fake.events.find(({ type }) => type === 'payment_intent.succeeded');
  if (event === undefined) throw new Error('no event');
  const template = JSON.stringify(event);
  const signed = await Promise.all(
    Array.from({ length: ROUNDS * COUNT }, async (_, index) => {
      const purchase = { ...order(index), processor: 'stripe', onExpiry: 'reconcile' } as const;
      const { allowed } = await limiter.reserve(purchase);
      if (!allowed) throw new Error('refused');
      const text = template.replaceAll('pay-template', purchase.id);
      const request = fake.webhook(JSON.parse(text));
      const headers = { 'stripe-signature': request.headers.get('stripe-signature') ?? '' };
      return { headers, body: await request.text() };
    }),
  );
  // Both sides begin with the request that a server would hand in.
  const requestOf = (index: number) =>
    new Request('https://shop.example/stripe', {
      method: 'POST',
      ...signed[index % signed.length],
    });
  const verify = async (index: number) => {
    const request = requestOf(index);
    const header = request.headers.get('stripe-signature') ?? '';
    await stripe.webhooks.constructEventAsync(await request.text(), header, fake.webhookSecret);
  };
  let delivered = 0;
  const commit = async () => {
    const request = requestOf(delivered);
    delivered += 1;
    const { status } = await webhook(request);
    if (status !== 200) throw new Error(`answered ${status}`);
  };
  return {
    work: "Stripe's notification verified and committed, memory store",
    ours: { name: 'processorWebhook', run: (count) => inFlight(count, commit) },
    beside: { name: 'constructEventAsync', run: (count) => inFlight(count, verify) },
    atLeast: 0.6,
    count: COUNT,
    close: () => limiter.close(),
  };
}

/** Notifications of a round, and the rounds of a comparison, the first one to warm up included. */
const COUNT = 4_000;
const ROUNDS = 8;

/** What reconciling 100,000 overdue holds takes, all of them released. */
export async function reconcileTable(): Promise<Record<string, string>> {
  let at = Date.now();
  const limiter = createLimiter({
    ...{ policy: roomyPolicy(), store: memoryStore(), now: () => at },
  });
  await inFlight(HOLDS, (index) => {
    const purchase = { ...order(index), expiresInSeconds: 60 };
    return limiter.reserve({ ...purchase, processor: 'bench_pay', onExpiry: 'reconcile' });
  });
  at += 120_000;
  let [under, most] = [0, 0];
  const base = instant((purchaseId) => ({
    ...{ purchaseId, state: 'closed', captured: null, refunds: [] },
  }));
  const processor: Processor = {
    ...base,
    async close(held) {
      under += 1;
      most = Math.max(most, under);
      await fakeCall();
      under -= 1;
      return base.close(held);
    },
  };
  const watch = watchHeap();
  let checked = 0;
  const onResult = () => {
    checked += 1;
    if (checked % 10_000 === 0) watch.sample();
  };
  const begin = performance.now();
  const { released } = await reconcile({
    ...{ limiter, processor, now: () => at, concurrency: CONCURRENCY, onResult },
  });
  const seconds = (performance.now() - begin) / 1_000;
  if (released !== HOLDS || most > CONCURRENCY) throw new Error(`${released}, ${most} at a time`);
  const rows = watch.rows();
  await limiter.close();
  return {
    'overdue holds per second': Math.round(HOLDS / seconds).toLocaleString('en-US'),
    'calls at a time, at most': String(most),
    ...rows,
  };
}
