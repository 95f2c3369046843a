import { SpendcapError } from '@spendcap/core';
import type { PaymentProblem, PurchaseContext } from '@spendcap/server/payments';
import { guardStripe } from '@spendcap/server/payments/stripe';
import Stripe from 'stripe';
import { describe, expect, it, vi } from 'vitest';
import {
  allowed,
  codeOf,
  createWorld,
  overMsw,
  sessionOf,
  THIRTY,
  type World,
} from './stripe-kit.ts';

const worlds: { current: World } = { current: createWorld() };
const clientUnderMsw = overMsw(worlds);

/** A world whose guard sits on the client as users make it, with msw for the network. */
function realWorld(allow: readonly string[] = []) {
  const world = createWorld();
  worlds.current = world;
  const stripe = clientUnderMsw();
  const deps = { ...world.deps, stripe };
  return { ...world, stripe, deps, guard: guardStripe({ ...deps, allow }) };
}

describe('paymentIntents.create', () => {
  it('reserves, charges and commits', async () => {
    const world = realWorld();
    const paid = allowed(
      await world.guard.paymentIntents.create(
        { ...THIRTY, metadata: { order: '7' } },
        { spendcap: { ...world.buyer('p1'), product: 'gems-300' } },
      ),
    );
    expect(paid.paymentIntent.status).toBe('succeeded');
    expect(paid.paymentIntent.metadata).toEqual({ order: '7', spendcap_id: 'p1' });
    expect(paid.purchase).toMatchObject({ state: 'committed', committed: '30.00', late: false });
    expect(await world.used()).toBe('30.00');
    expect(world.fake.requests).toMatchObject([
      { path: '/v1/payment_intents', idempotencyKey: 'spendcap:start:p1' },
    ]);
    expect(world.fake.netCharged('cny')).toBe(3000);
  });

  it('reports what the ledger rejects of an answer, while the charge succeeds', async () => {
    const world = realWorld();
    const problems: PaymentProblem[] = [];
    const onProblem = (problem: PaymentProblem) => problems.push(problem);
    const ended = new SpendcapError('purchase_ended', 'The purchase has ended.');
    const limiter = { ...world.limiter, commit: () => Promise.reject(ended) };
    const guard = guardStripe({ ...world.deps, limiter, onProblem });
    allowed(await guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') }));
    const at = { processor: 'stripe', purchaseId: 'p1' };
    expect(problems).toMatchObject([{ ...at, code: 'purchase_ended' }]);
  });

  it('makes no network call for a refused purchase, and says why', async () => {
    const world = realWorld();
    const refused = await world.guard.paymentIntents.create(
      { ...THIRTY, amount: 5001 },
      { spendcap: world.buyer('p1') },
    );
    expect(refused.allowed).toBe(false);
    if (!refused.allowed) expect(refused.reasons[0].code).toBe('transaction_cap_exceeded');
    const child = await world.guard.paymentIntents.create(THIRTY, {
      spendcap: world.buyer('p2', 7),
    });
    expect(child.allowed).toBe(false);
    const nobody = await world.guard.paymentIntents.create(THIRTY, { spendcap: { id: 'p3' } });
    expect(nobody.allowed).toBe(false);
    expect(world.fake.requests).toEqual([]);
    expect(await world.limiter.get('p1')).toBeNull();
  });

  it('charges what it held, whatever the caller does to the parameters meanwhile', async () => {
    const world = realWorld();
    const params = { ...THIRTY, amount: 1000 };
    const call = world.guard.paymentIntents.create(params, { spendcap: world.buyer('p1') });
    params.amount = 90_000;
    expect(allowed(await call).paymentIntent.amount_received).toBe(1000);
    expect(world.fake.netCharged('cny')).toBe(1000);
  });

  it.each([
    'headers',
    'additionalHeaders',
    'apiBase',
    'apiKey',
    'authenticator',
    'streaming',
    'stripeAccount',
    'stripeContext',
  ])('takes no %s among its options, and holds nothing', async (name) => {
    const world = realWorld();
    const value = { 'Idempotency-Key': 'another', 'Stripe-Account': 'acct_other' };
    const options = { spendcap: world.buyer('p1'), [name]: value };
    expect(await codeOf(world.guard.paymentIntents.create(THIRTY, options))).toBe('TypeError');
    expect(world.fake.requests).toEqual([]);
    expect(await world.limiter.get('p1')).toBeNull();
  });

  it('never charges above the cap, with 20 parallel purchases of a 12-year-old', async () => {
    const world = realWorld();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer(`p${i}`) }),
      ),
    );
    expect(answers.filter((answer) => answer.allowed)).toHaveLength(3);
    expect(world.fake.netCharged('cny')).toBe(9000);
    expect(world.fake.charges()).toHaveLength(3);
    expect(world.fake.requests).toHaveLength(3);
    expect(await world.used()).toBe('90.00');
  });

  it.each([
    ['no options', undefined],
    ['no purchase', {}],
  ])('rejects with a TypeError and calls nobody: %s', async (_, options) => {
    const world = realWorld();
    const create = world.guard.paymentIntents.create as (
      params: Stripe.PaymentIntentCreateParams,
      options: unknown,
    ) => Promise<unknown>;
    expect(await codeOf(create(THIRTY, options))).toBe('TypeError');
    expect(world.fake.requests).toEqual([]);
  });

  it.each([
    [0, 'cny'],
    [-3000, 'cny'],
    [30.5, 'cny'],
    [Number.NaN, 'cny'],
    [3005, 'kwd'],
    [30_50, 'ugx'],
  ])('refuses the amount %s %s before anything', async (amount, currency) => {
    const world = realWorld();
    const call = world.guard.paymentIntents.create(
      { ...THIRTY, amount, currency },
      { spendcap: world.buyer('p1', 30) },
    );
    expect(await codeOf(call)).toBe('invalid_amount');
    expect(world.fake.requests).toEqual([]);
  });

  it('refuses a currency that nobody pays in', async () => {
    const world = realWorld();
    for (const currency of ['xxx', 'constructor', '']) {
      const call = world.guard.paymentIntents.create(
        { ...THIRTY, currency },
        { spendcap: world.buyer('p1') },
      );
      expect(await codeOf(call)).toBe('invalid_currency');
    }
    expect(world.fake.requests).toEqual([]);
  });

  it.each(['stripeAccount', 'stripeContext', 'apiKey'])(
    'refuses another account: %s',
    async (name) => {
      const world = realWorld();
      const options = { spendcap: world.buyer('p1'), [name]: 'other' };
      expect(await codeOf(world.guard.paymentIntents.create(THIRTY, options))).toBe('TypeError');
      expect(await world.limiter.get('p1')).toBeNull();
      expect(world.fake.requests).toEqual([]);
    },
  );

  it('answers a repeated purchase with the same charge', async () => {
    const world = realWorld();
    const buy = () => world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    const [first, again] = [allowed(await buy()), allowed(await buy())];
    expect(again.paymentIntent.id).toBe(first.paymentIntent.id);
    expect(again.replayed).toBe(true);
    expect(world.fake.netCharged('cny')).toBe(3000);
    expect(await world.used()).toBe('30.00');
  });

  it('rejects another purchase under a used id', async () => {
    const world = realWorld();
    const buy = (params: Stripe.PaymentIntentCreateParams, options: PurchaseContext) =>
      world.guard.paymentIntents.create(params, { spendcap: options });
    await buy(THIRTY, world.buyer('p1'));
    expect(await codeOf(buy({ ...THIRTY, amount: 2000 }, world.buyer('p1')))).toBe(
      'purchase_conflict',
    );
    // The ledger sees the same purchase, Stripe does not.
    expect(await codeOf(buy({ ...THIRTY, description: 'other' }, world.buyer('p1')))).toBe(
      'purchase_conflict',
    );
    const session = world.guard.checkout.sessions.create(sessionOf(), {
      spendcap: { ...world.buyer('p1'), expiresInSeconds: 2400 },
    });
    expect(await codeOf(session)).toBe('purchase_conflict');
    expect(world.fake.netCharged('cny')).toBe(3000);
    expect((await world.purchase('p1')).state).toBe('committed');
  });

  it('gives the hold back after a decline, with the PaymentIntent cancelled first', async () => {
    const world = realWorld();
    const declined = world.guard.paymentIntents.create(
      { ...THIRTY, payment_method: 'pm_card_chargeDeclined' },
      { spendcap: world.buyer('p1') },
    );
    expect(await codeOf(declined)).toBe('StripeCardError');
    expect(world.fake.paymentIntents()[0]?.status).toBe('canceled');
    expect((await world.purchase('p1')).state).toBe('released');
    expect(await world.used()).toBe('0.00');
    const retry = world.guard.paymentIntents.create(
      { ...THIRTY, payment_method: 'pm_card_chargeDeclined' },
      { spendcap: world.buyer('p1') },
    );
    expect(await codeOf(retry)).toBe('purchase_ended');
  });

  it('keeps the hold after a decline whose PaymentIntent could not be cancelled', async () => {
    const world = realWorld();
    world.fake.fail({ kind: 'error', on: '/cancel' });
    const declined = world.guard.paymentIntents.create(
      { ...THIRTY, payment_method: 'pm_card_chargeDeclined' },
      { spendcap: world.buyer('p1') },
    );
    expect(await codeOf(declined)).toBe('StripeCardError');
    expect((await world.purchase('p1')).state).toBe('reserved');
    expect(await world.used()).toBe('30.00');
  });

  it('gives the hold back when Stripe rejects the parameters', async () => {
    const world = realWorld();
    const params = { ...THIRTY, nonsense: 'yes' };
    const call = world.guard.paymentIntents.create(params, { spendcap: world.buyer('p1') });
    expect(await codeOf(call)).toBe('StripeInvalidRequestError');
    expect((await world.purchase('p1')).state).toBe('released');
    expect(world.fake.charges()).toEqual([]);
  });

  it.each(['error', 'drop_before', 'rate_limit'] as const)(
    'keeps the hold when the outcome is open and nothing was charged: %s',
    async (kind) => {
      const world = realWorld();
      world.fake.fail({ kind, times: 2 });
      const call = world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
      expect(await codeOf(call)).toBe('outcome_unknown');
      expect((await world.purchase('p1')).state).toBe('reserved');
      expect(await world.used()).toBe('30.00');
      expect(world.fake.charges()).toEqual([]);
    },
  );

  it.each([
    ...[400, 401, 402, 403, 404].map((status) => [status, 'released'] as const),
    ...[409, 424, 429, 500, 502, 503, 504].map((status) => [status, 'reserved'] as const),
  ])('takes the status %d for a rejection only if it certainly is one', async (status, state) => {
    const world = createWorld();
    world.fake.fail({ kind: 'status', status });
    const call = world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    const code = await codeOf(call);
    expect([code === 'outcome_unknown', (await world.purchase('p1')).state]).toEqual([
      state === 'reserved',
      state,
    ]);
    expect(world.fake.charges()).toEqual([]);
  });

  it('finds the charge again whose answer was lost', async () => {
    const world = realWorld();
    world.fake.fail({ kind: 'drop' });
    const stripe = world.stripe;
    const buy = () =>
      guardStripe({ ...world.deps, stripe }).paymentIntents.create(THIRTY, {
        spendcap: world.buyer('p1'),
      });
    expect(await codeOf(buy())).toBe('outcome_unknown');
    expect(world.fake.netCharged('cny')).toBe(3000);
    expect((await world.purchase('p1')).state).toBe('reserved');

    const paid = allowed(await buy());
    expect(paid.purchase.state).toBe('committed');
    expect(world.fake.netCharged('cny')).toBe(3000);
    expect(await world.used()).toBe('30.00');
  });

  it('lets one of two calls with the same id be in flight, of two processes', async () => {
    const world = realWorld();
    world.fake.fail({ kind: 'delay', milliseconds: 100 });
    // Each process has a limiter of its own over the same ledger.
    const other = guardStripe({ ...world.deps, limiter: { ...world.limiter } });
    const results = await Promise.allSettled(
      [world.guard, other].map(({ paymentIntents }) =>
        paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') }),
      ),
    );
    const failed = results.filter((result) => result.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(failed[0]?.reason).toMatchObject({ code: 'outcome_unknown', retryable: true });
    expect(world.fake.netCharged('cny')).toBe(3000);
    expect((await world.purchase('p1')).state).toBe('committed');
  });

  it('answers both of two calls with the same id in one process, and charges once', async () => {
    const world = realWorld();
    world.fake.fail({ kind: 'delay', milliseconds: 100 });
    const buy = () => world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    const [one, two] = (await Promise.all([buy(), buy()])).map(allowed);
    expect(two?.paymentIntent.id).toBe(one?.paymentIntent.id);
    expect(world.fake.netCharged('cny')).toBe(3000);
  });

  it.each([
    { statusCode: 409, code: 'outcome_unknown' },
    { statusCode: 400, code: 'purchase_conflict' },
  ])('reports an idempotency error with status $statusCode as $code', async (expected) => {
    // Clients before Stripe 21 use one class for a key in use and for a reused key.
    const world = realWorld();
    const { statusCode, code } = expected;
    const error = new Stripe.errors.StripeIdempotencyError({
      type: 'idempotency_error',
      statusCode,
    });
    vi.spyOn(world.stripe.paymentIntents, 'create').mockRejectedValue(error);
    const call = world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    expect(await codeOf(call)).toBe(code);
    expect((await world.purchase('p1')).state).toBe('reserved');
  });

  it('does not start a purchase again that has expired', async () => {
    const world = realWorld();
    world.fake.fail({ kind: 'drop_before', times: 2 });
    const buy = () => world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    expect(await codeOf(buy())).toBe('outcome_unknown');
    world.advance(30);
    expect(await codeOf(buy())).toBe('purchase_ended');
    expect(world.fake.charges()).toEqual([]);
  });

  it('says that it went well when only the ledger was unavailable afterwards', async () => {
    const world = realWorld();
    const away = () => Promise.reject(new SpendcapError('store_unavailable', 'Away.'));
    const limiter = { ...world.limiter, commit: away };
    const guard = guardStripe({ ...world.deps, limiter });
    const paid = allowed(
      await guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') }),
    );
    expect(paid.paymentIntent.status).toBe('succeeded');
    expect(paid.purchase.state).toBe('reserved');
    await world.deliverAll();
    expect((await world.purchase('p1')).state).toBe('committed');
  });

  it('calls nobody while the ledger is unavailable', async () => {
    const world = realWorld();
    const away = () => Promise.reject(new SpendcapError('store_unavailable', 'Away.'));
    const guard = guardStripe({ ...world.deps, limiter: { ...world.limiter, reserve: away } });
    const call = guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    expect(await codeOf(call)).toBe('store_unavailable');
    expect(world.fake.requests).toEqual([]);
  });
});

describe('paymentIntents.confirm', () => {
  async function opened(world: World, params: Partial<Stripe.PaymentIntentCreateParams> = {}) {
    const answer = await world.guard.paymentIntents.create(
      { amount: 3000, currency: 'cny', ...params },
      { spendcap: world.buyer('p1') },
    );
    return allowed(answer).paymentIntent.id;
  }

  it('holds from create on, and commits when confirmed', async () => {
    const world = realWorld();
    const id = await opened(world);
    expect((await world.purchase('p1')).state).toBe('reserved');
    const payment = await world.guard.paymentIntents.confirm(id, {
      payment_method: 'pm_card_visa',
    });
    expect(payment.status).toBe('succeeded');
    expect((await world.purchase('p1')).state).toBe('committed');
  });

  it('keeps the hold over a decline, and takes another card', async () => {
    const world = realWorld();
    const id = await opened(world);
    const confirm = (payment_method: string) =>
      world.guard.paymentIntents.confirm(id, { payment_method });
    expect(await codeOf(confirm('pm_card_chargeDeclined'))).toBe('StripeCardError');
    expect(await world.used()).toBe('30.00');
    // The same card again is a new attempt, and not the old answer.
    expect(await codeOf(confirm('pm_card_chargeDeclined'))).toBe('StripeCardError');
    expect(world.fake.charges()).toHaveLength(2);
    expect((await confirm('pm_card_visa')).status).toBe('succeeded');
    expect(world.fake.netCharged('cny')).toBe(3000);
    expect((await world.purchase('p1')).committed).toBe('30.00');
  });

  it('charges once when the answer was lost', async () => {
    const world = realWorld();
    const id = await opened(world);
    world.fake.fail({ kind: 'drop', on: '/confirm' });
    const confirm = () =>
      world.guard.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
    expect(await codeOf(confirm())).toBe('outcome_unknown');
    expect((await confirm()).status).toBe('succeeded');
    expect(world.fake.netCharged('cny')).toBe(3000);
    expect((await world.purchase('p1')).state).toBe('committed');
  });

  it('keeps the hold while the bank asks the player', async () => {
    const world = realWorld();
    const id = await opened(world, {
      payment_method: 'pm_card_authenticationRequired',
      confirm: true,
    });
    expect(world.fake.paymentIntents()[0]?.status).toBe('requires_action');
    expect(await world.used()).toBe('30.00');
    world.fake.authenticate(id, true);
    await world.deliverAll();
    expect((await world.purchase('p1')).state).toBe('committed');
  });

  it('refuses once the hold has ended', async () => {
    const world = realWorld();
    const id = await opened(world);
    await world.limiter.release('p1');
    const before = world.posts().length;
    const call = world.guard.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
    expect(await codeOf(call)).toBe('purchase_ended');
    expect(world.posts()).toHaveLength(before);
  });

  it('refuses a payment that was not made by the guard, or was raised since', async () => {
    const world = realWorld();
    const foreign = await world.stripe.paymentIntents.create({ amount: 3000, currency: 'cny' });
    const confirm = (id: string) =>
      world.guard.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
    expect(await codeOf(confirm(foreign.id))).toBe('payment_forbidden');
    const id = await opened(world);
    const raised = world.fake.paymentIntents().find((payment) => payment.id === id);
    if (raised !== undefined) raised.amount = 9000;
    expect(await codeOf(confirm(id))).toBe('payment_forbidden');
    expect(world.fake.charges()).toEqual([]);
  });
});

describe('capture and cancel', () => {
  async function authorised(world: World) {
    const answer = await world.guard.paymentIntents.create(
      { ...THIRTY, capture_method: 'manual' },
      { spendcap: world.buyer('p1') },
    );
    return allowed(answer).paymentIntent;
  }

  it('commits what was captured and gives the rest back', async () => {
    const world = realWorld();
    const payment = await authorised(world);
    expect(payment.status).toBe('requires_capture');
    expect((await world.purchase('p1')).state).toBe('reserved');
    const capture = () =>
      world.guard.paymentIntents.capture(payment.id, { amount_to_capture: 1250 });
    expect((await capture()).status).toBe('succeeded');
    expect((await capture()).amount_received).toBe(1250);
    expect(await world.purchase('p1')).toMatchObject({ state: 'committed', committed: '12.50' });
    expect(await world.used()).toBe('12.50');
    expect(world.fake.netCharged('cny')).toBe(1250);
  });

  it('captures once only', async () => {
    const world = realWorld();
    const { id } = await authorised(world);
    const call = world.guard.paymentIntents.capture(id, { final_capture: false });
    expect(await codeOf(call)).toBe('TypeError');
    expect(world.fake.netCharged('cny')).toBe(0);
  });

  it('neither captures nor confirms more than was held, whatever was authorised', async () => {
    const world = realWorld();
    const { id } = await authorised(world);
    const captured = world.guard.paymentIntents.capture(id, { amount_to_capture: 3001 });
    expect(await codeOf(captured)).toBe('payment_forbidden');
    const opened = allowed(
      await world.guard.paymentIntents.create(
        { amount: 1000, currency: 'cny' },
        { spendcap: world.buyer('p2', 16) },
      ),
    );
    const confirmed = world.guard.paymentIntents.confirm(opened.paymentIntent.id, {
      payment_method: 'pm_card_visa',
      amount_to_confirm: 1001,
    });
    expect(await codeOf(confirmed)).toBe('payment_forbidden');
    expect(world.posts()).toEqual(['/v1/payment_intents', '/v1/payment_intents']);
    expect(world.fake.netCharged('cny')).toBe(0);
  });

  it('keeps the purchase id on a payment whose metadata a capture changes or clears', async () => {
    for (const metadata of [{ spendcap_id: 'other', order: '7' }, ''] as const) {
      const world = realWorld();
      const { id } = await authorised(world);
      const sent: unknown[] = [];
      const { capture } = world.stripe.paymentIntents;
      world.stripe.paymentIntents.capture = (...args: Parameters<typeof capture>) => {
        sent.push((args[1] as Stripe.PaymentIntentCaptureParams).metadata);
        return capture.apply(world.stripe.paymentIntents, args);
      };
      await world.guard.paymentIntents.capture(id, { metadata });
      expect(sent).toMatchObject([{ spendcap_id: 'p1' }]);
      expect((await world.purchase('p1')).state).toBe('committed');
    }
  });

  it('does not capture under a hold that has ended', async () => {
    const world = realWorld();
    const { id } = await authorised(world);
    await world.limiter.release('p1');
    expect(await codeOf(world.guard.paymentIntents.capture(id))).toBe('purchase_ended');
    expect(world.fake.netCharged('cny')).toBe(0);
  });

  it('gives the hold back when cancelled, twice as well', async () => {
    const world = realWorld();
    const { id } = await authorised(world);
    expect((await world.guard.paymentIntents.cancel(id)).status).toBe('canceled');
    expect((await world.guard.paymentIntents.cancel(id)).status).toBe('canceled');
    expect((await world.purchase('p1')).state).toBe('released');
    expect(await world.used()).toBe('0.00');
  });

  it('cancels a payment that has no purchase as Stripe does', async () => {
    const world = realWorld();
    const foreign = await world.stripe.paymentIntents.create({ amount: 3000, currency: 'cny' });
    expect((await world.guard.paymentIntents.cancel(foreign.id)).status).toBe('canceled');
  });
});

describe('refunds.create', () => {
  async function bought(world: World): Promise<string> {
    const answer = await world.guard.paymentIntents.create(THIRTY, {
      spendcap: world.buyer('p1'),
    });
    return allowed(answer).paymentIntent.id;
  }

  it('gives back in parts, and each part once', async () => {
    const world = realWorld();
    const payment_intent = await bought(world);
    const refund = (amount: number, idempotencyKey: string) =>
      world.guard.refunds.create({ payment_intent, amount }, { idempotencyKey });
    await refund(1000, 'a');
    await refund(1000, 'a');
    await refund(1000, 'b');
    expect((await world.purchase('p1')).refunded).toBe('20.00');
    expect(await world.used()).toBe('10.00');
    expect(world.fake.netCharged('cny')).toBe(1000);
    await world.guard.refunds.create({ payment_intent });
    expect(await world.used()).toBe('0.00');
    await world.deliverAll();
    expect((await world.purchase('p1')).refunded).toBe('30.00');
    expect(world.problems).toEqual([]);
  });

  it('takes keys that a header cannot carry, and distinguishes them', async () => {
    const world = realWorld();
    const payment_intent = await bought(world);
    for (const idempotencyKey of ['退款 1', '退款 2', '退款 2', 'x'.repeat(250)]) {
      await world.guard.refunds.create({ payment_intent, amount: 1000 }, { idempotencyKey });
    }
    const keys = world.fake.requests
      .filter(({ method, path }) => method === 'POST' && path === '/v1/refunds')
      .map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(/^spendcap:refund:=[0-9a-f]{64}$/);
    expect((await world.purchase('p1')).refunded).toBe('30.00');
  });

  it('takes a charge as well', async () => {
    const world = realWorld();
    await bought(world);
    await world.guard.refunds.create({ charge: world.fake.charges()[0]?.id ?? '' });
    expect((await world.purchase('p1')).refunded).toBe('30.00');
  });

  it('waits for a pending refund', async () => {
    const world = realWorld();
    const payment_intent = await bought(world);
    world.fake.refundsBegin('pending');
    const refund = await world.guard.refunds.create({ payment_intent });
    await world.deliverAll();
    expect((await world.purchase('p1')).refunded).toBe('0.00');
    world.fake.finishRefund(refund.id, 'succeeded');
    await world.deliverAll();
    expect((await world.purchase('p1')).refunded).toBe('30.00');
  });

  it('needs a key for a part, which it checks before anything', async () => {
    const world = realWorld();
    const payment_intent = await bought(world);
    const before = world.fake.requests.length;
    const call = world.guard.refunds.create({ payment_intent, amount: 1000 });
    expect(await codeOf(call)).toBe('TypeError');
    expect(world.fake.requests).toHaveLength(before);
  });

  it('records a refund that Stripe made and the connection lost', async () => {
    const world = realWorld();
    const payment_intent = await bought(world);
    world.fake.fail({ kind: 'drop', on: '/v1/refunds' });
    expect(await codeOf(world.guard.refunds.create({ payment_intent }))).toBe('outcome_unknown');
    expect((await world.purchase('p1')).refunded).toBe('0.00');
    await world.guard.refunds.create({ payment_intent });
    expect((await world.purchase('p1')).refunded).toBe('30.00');
    expect(world.fake.netCharged('cny')).toBe(0);
  });

  it('leaves payments without a purchase to Stripe', async () => {
    const world = realWorld();
    const foreign = await world.stripe.paymentIntents.create(THIRTY);
    await world.guard.refunds.create({ payment_intent: foreign.id });
    expect(world.fake.netCharged('cny')).toBe(0);
  });
});

describe('the fence', () => {
  it('closes every other way to move money, and calls nobody', async () => {
    const world = realWorld();
    const { guard } = world;
    const calls = [
      guard.charges.create({ amount: 3000, currency: 'cny', source: 'tok_visa' }),
      guard.paymentLinks.create({ line_items: [{ price: 'price_gems', quantity: 1 }] }),
      guard.invoices.pay('in_1'),
      guard.subscriptions.create({ customer: 'cus_1' }),
      guard.quotes.accept('qt_1'),
      guard.paymentIntents.incrementAuthorization('pi_1', { amount: 9000 }),
      guard.paymentIntents.update('pi_1', { amount: 9000 }),
      guard.terminal.readers.processPaymentIntent('tmr_1', { payment_intent: 'pi_1' }),
      guard.testHelpers.terminal.readers.presentPaymentMethod('tmr_1'),
      guard.rawRequest('POST', '/v1/payment_intents', { amount: 9000 }),
      guard.customers.create({}),
    ];
    for (const call of calls) expect(await codeOf(call)).toBe('payment_forbidden');
    expect(world.fake.requests).toEqual([]);
  });

  it('has no side door to the client beneath', async () => {
    const world = realWorld();
    const hidden = world.guard as unknown as Record<string, Record<string, unknown>>;
    for (const owner of [hidden, hidden.paymentIntents, hidden.charges]) {
      for (const name of ['_makeRequest', '_request', 'request', 'constructor']) {
        const member = owner?.[name];
        if (typeof member !== 'function') continue;
        expect(await codeOf(member({ method: 'POST', fullPath: '/v1/charges' }))).toBe(
          'payment_forbidden',
        );
      }
    }
    const inner = hidden.paymentIntents?._stripe as typeof world.stripe | undefined;
    if (inner !== undefined) {
      expect(await codeOf(inner.paymentIntents.create(THIRTY))).toBe('payment_forbidden');
    }
    expect(() => Object.assign(world.guard, { charges: world.stripe.charges })).toThrow(TypeError);
    expect(world.fake.requests).toEqual([]);
  });

  it('lets reads through, pages too', async () => {
    const world = realWorld();
    for (const id of ['p1', 'p2', 'p3']) {
      await world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer(id) });
    }
    const listed: string[] = [];
    for await (const { id } of world.guard.paymentIntents.list({ limit: 1 })) listed.push(id);
    expect(listed).toHaveLength(3);
    const one = await world.guard.paymentIntents.retrieve(listed[0] ?? '');
    expect(one.metadata.spendcap_id).toBe('p3');
    expect((await world.guard.charges.list()).data).toHaveLength(3);
  });

  it('opens what is allowed by name', async () => {
    const world = realWorld(['charges.create']);
    const call = world.guard.charges.create({ amount: 3000, currency: 'cny' });
    // The fake has no such endpoint, so that the call is seen to arrive.
    expect(await codeOf(call)).toBe('StripeInvalidRequestError');
    expect(world.posts()).toEqual(['/v1/charges']);
  });

  it.each(['charges.creat', 'nothing', 'paymentIntents', 'paymentIntents.create', ''])(
    'refuses to allow %j',
    (path) => {
      const { deps } = createWorld();
      expect(() => guardStripe({ ...deps, allow: [path] })).toThrow(TypeError);
    },
  );
});

describe('two players at a time', () => {
  const players = { p1: 12, p2: 17 } as const;
  const pay = { payment_method: 'pm_card_visa' } as const;

  /** A payment of each player that is confirmed and captured later. */
  async function started(world: World): Promise<readonly string[]> {
    const params = { amount: 3000, currency: 'cny', capture_method: 'manual' } as const;
    const payments: string[] = [];
    for (const [id, age] of Object.entries(players)) {
      const spendcap = world.buyer(id, age);
      const answer = await world.guard.paymentIntents.create(params, { spendcap });
      payments.push(allowed(answer).paymentIntent.id);
    }
    return payments;
  }
  const keys = (world: World) =>
    world.fake.requests
      .filter(({ method }) => method === 'POST')
      .map(({ idempotencyKey }) => idempotencyKey);

  it('each pay, and are refunded in full, under keys of their own', async () => {
    const world = realWorld();
    const { paymentIntents, refunds } = world.guard;
    const payments = await started(world);
    for (const id of payments) await paymentIntents.confirm(id, pay);
    for (const id of payments) await paymentIntents.capture(id);
    for (const id of payments) await refunds.create({ payment_intent: id });
    for (const id of Object.keys(players)) {
      const settled = { state: 'committed', committed: '30.00', refunded: '30.00' };
      expect(await world.purchase(id)).toMatchObject(settled);
    }
    expect(keys(world)).toEqual([
      'spendcap:start:p1',
      'spendcap:start:p2',
      'spendcap:confirm:p1/requires_payment_method/none',
      'spendcap:confirm:p2/requires_payment_method/none',
      expect.stringMatching(/^spendcap:capture:p1\/requires_capture\/ch_\w+$/),
      expect.stringMatching(/^spendcap:capture:p2\/requires_capture\/ch_\w+$/),
      'spendcap:refund:p1/all',
      'spendcap:refund:p2/all',
    ]);
  });

  it.each(['confirm', 'capture'] as const)(
    'are each charged once if the answer to a %s is lost and the call retried',
    async (step) => {
      const world = realWorld();
      const { paymentIntents } = world.guard;
      const payments = await started(world);
      const confirm = (id: string) => paymentIntents.confirm(id, pay);
      const take = step === 'confirm' ? confirm : (id: string) => paymentIntents.capture(id);
      if (step === 'capture') for (const id of payments) await confirm(id);
      for (const id of payments) {
        world.fake.fail({ kind: 'drop_before', on: `/${step}` });
        expect(await codeOf(take(id))).toBe('outcome_unknown');
      }
      for (const id of payments) await take(id);
      const own = keys(world).filter((key) => key?.startsWith(`spendcap:${step}:`));
      expect(own).toHaveLength(4);
      expect(own.slice(2)).toEqual(own.slice(0, 2));
    },
  );
});
