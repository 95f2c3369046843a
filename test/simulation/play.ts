import { type Decision, type Purchase, SpendcapError } from '@spendcap/core';
import type { PurchaseRequest } from '@spendcap/server';
import type { PurchaseContext } from '@spendcap/server/payments/stripe';
import type { Action, Call, Order, Sale, Step } from './history.ts';
import { evidenceOf } from './policies.ts';
import { deed, eventsAbout } from './stripe-deeds.ts';
import type { Server, World } from './world.ts';

/** The answers to the callers of a step, in words that are the same on every store. */
export type Answers = readonly string[];

/** Plays one step. Errors that a caller has to expect are answers; any other is thrown. */
export async function play(world: World, step: Step): Promise<Answers> {
  world.clock.now = Math.max(world.clock.now, step.at);
  const server = await world.server(step.server);
  server.begin(step.skew, step.fault);
  if (step.stripeFault !== undefined) {
    // The first calls of a deed only look up its target.
    const reads = step.do === 'webhooks' || step.do === 'reconcile';
    world.fake.fail({ kind: step.stripeFault, on: reads ? '/v1' : 'POST' });
  }
  const answers = await doStep({ world, server, step });
  await server.quiet();
  world.fake.heal();
  if (server.isDead()) {
    await world.restart(step.server, server.edition);
    return ['died'];
  }
  return answers;
}

interface Doing {
  readonly world: World;
  readonly server: Server;
  readonly step: Step;
}

async function doStep(doing: Doing): Promise<Answers> {
  const { world, server, step } = doing;
  switch (step.do) {
    case 'calls':
      return Promise.all(step.calls.map((call) => answerOf(() => callOne(doing, call))));
    case 'deploy':
      await world.restart(step.server, step.edition);
      return ['deployed'];
    case 'pay':
    case 'checkout':
      return [await answerOf(() => sell(doing, step.do, step.sale))];
    case 'webhooks':
      return deliver(doing, step);
    case 'reconcile':
      return reconcile(server, step.outcome);
    case 'audit':
      return [];
    default:
      return [await answerOf(() => deed(world, server, step))];
  }
}

async function callOne({ world, server }: Doing, call: Call): Promise<string> {
  const { limiter } = server;
  switch (call.verb) {
    case 'reserve':
      return decisionText(await limiter.reserve(requestOf(world, call)));
    case 'check':
      return decisionText(await limiter.check(requestOf(world, call)));
    case 'commit':
      return purchaseText(await limiter.commit(call.id, amountIn(call)));
    case 'release':
      return purchaseText(await limiter.release(call.id));
    case 'refund':
      return purchaseText(await limiter.refund(call.id, { id: call.refund, ...amountIn(call) }));
    case 'reverseRefund':
      return purchaseText(await limiter.reverseRefund(call.id, { id: call.refund }));
    case 'get':
      return purchaseText(await limiter.get(call.id));
  }
}

const amountIn = ({ amount }: { readonly amount?: string }) =>
  amount === undefined ? {} : { amount };

function requestOf(world: World, order: Order): PurchaseRequest {
  const { id, player, amount, currency, category, app, seconds, onExpiry, approved } = order;
  const who = world.players[player];
  if (who === undefined) throw new TypeError('there is no such player');
  return {
    id,
    amount,
    currency,
    app,
    onExpiry,
    expiresInSeconds: seconds,
    evidence: evidenceOf(who),
    ...(category === undefined ? {} : { category }),
    ...(approved ? { guardianApproval: 'approval-1' } : {}),
  };
}

async function sell(
  { world, server }: Doing,
  how: 'pay' | 'checkout',
  sale: Sale,
): Promise<string> {
  const who = world.players[sale.player];
  if (who === undefined) throw new TypeError('there is no such player');
  const { id, app, category, amount, currency, method, capture } = sale;
  const spendcap: PurchaseContext = {
    id,
    app,
    evidence: evidenceOf(who),
    guardianApproval: 'approval-1',
    ...(category === undefined ? {} : { category }),
  };
  if (how === 'pay') {
    const answer = await server.guard.paymentIntents.create(
      {
        amount,
        currency,
        capture_method: capture,
        ...(method === undefined ? {} : { payment_method: method, confirm: true }),
      },
      { spendcap },
    );
    return `${decisionText(answer)} ${answer.allowed ? answer.paymentIntent.status : ''}`;
  }
  const price_data = { currency, unit_amount: amount, product_data: { name: 'Gems' } };
  const answer = await server.guard.checkout.sessions.create(
    {
      mode: 'payment',
      success_url: 'https://shop.example/thanks',
      line_items: [{ quantity: 1, price_data }],
    },
    { spendcap },
  );
  return `${decisionText(answer)} ${answer.allowed ? answer.session.status : ''}`;
}

async function deliver(
  { world, server }: Doing,
  { id, picks }: Extract<Action, { do: 'webhooks' }>,
): Promise<Answers> {
  const events = eventsAbout(world, id);
  const answers: string[] = [];
  for (const pick of picks) {
    const event = events[pick % events.length];
    if (event === undefined) continue;
    const answer = await server.webhook(world.fake.webhook(event));
    const { outcome } = (await answer.json()) as { readonly outcome: string };
    answers.push(`${event.type} ${answer.status} ${outcome}`);
  }
  return answers;
}

async function reconcile(server: Server, outcome: 'commit' | 'release'): Promise<Answers> {
  const first = await answerOf(async () => {
    const settled = await server.reconcile();
    return settled
      .map(({ purchaseId, outcome }) => `${purchaseId} ${outcome}`)
      .toSorted()
      .join();
  });
  const second = await answerOf(async () => {
    // Holds of the same instant come in any order.
    const own = (await server.limiter.overdue())
      .filter(({ id }) => id.startsWith('p'))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const settled = own.map(({ id }) =>
      answerOf(async () => purchaseText(await server.limiter[outcome](id))),
    );
    return (await Promise.all(settled)).join();
  });
  return [first, second];
}

function decisionText(
  decision: Decision & { readonly purchase?: Purchase; readonly replayed?: boolean },
): string {
  if (!decision.allowed) return `refused ${decision.reasons.map(({ code }) => code).join()}`;
  const { purchase, replayed } = decision;
  if (purchase === undefined) return 'allowed';
  return `${replayed === true ? 'replayed' : 'held'} ${purchaseText(purchase)}`;
}

function purchaseText(purchase: Purchase | null): string {
  if (purchase === null) return 'none';
  const { state, held, committed, refunded, late } = purchase;
  return [state, held, committed, refunded, late].join(' ');
}

/** The code of an error that a caller has to expect. */
async function answerOf(call: () => Promise<string>): Promise<string> {
  try {
    return await call();
  } catch (error) {
    if (SpendcapError.isInstance(error)) return error.code;
    // Stripe's own error is a definite answer of Stripe's.
    const type = error instanceof Error && 'type' in error ? error.type : undefined;
    if (typeof type === 'string' && type.startsWith('Stripe')) return type;
    throw error;
  }
}
