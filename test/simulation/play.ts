import { type Decision, formatMoney, type Purchase, SpendcapError } from '@spendcap/core';
import type { PurchaseRequest, RecordRequest } from '@spendcap/server';
import {
  ACME,
  type Action,
  type Call,
  type Charge,
  DISPUTE,
  type Order,
  type Sale,
  type Step,
} from './history.ts';
import { evidenceOf } from './policies.ts';
import type { Server, World } from './world.ts';

/** The answers to the callers of a step, in words that are the same on every store. */
export type Answers = readonly string[];

/** Plays one step. Errors that a caller has to expect are answers; any other is thrown. */
export async function play(world: World, step: Step): Promise<Answers> {
  world.clock.now = Math.max(world.clock.now, step.at);
  const server = await world.server(step.server);
  server.begin(step.skew, step.fault);
  if (step.callFault !== undefined) world.processor.fail(step.callFault);
  const answers = await doStep({ world, server, step });
  await server.quiet();
  world.processor.heal();
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
    case 'sell':
      return [`${step.sale.way} ${await answerOf(() => sell(doing, step.sale))}`];
    case 'deed':
      return [await answerOf(() => act(server, step))];
    case 'notify':
      return deliver(doing, step);
    case 'reconcile':
      return reconcile(server, step.outcome);
    case 'audit':
      return [];
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
    case 'record':
      return purchaseText(await limiter.record(chargeIn(world, server, call)));
    case 'attach': {
      const named = { processor: ACME, processorRef: call.ref };
      return purchaseText(await limiter.attach(call.id, named));
    }
    case 'refund':
      return purchaseText(await limiter.refund(call.id, refundIn(call)));
    case 'reverseRefund':
      return purchaseText(await limiter.reverseRefund(call.id, { id: call.refund }));
    case 'get':
      return purchaseText(await limiter.get(call.id));
  }
}

const amountIn = ({ amount }: { readonly amount?: string }) =>
  amount === undefined ? {} : { amount };

function refundIn(call: Extract<Call, { verb: 'refund' }>) {
  const { refund: id, total } = call;
  const restores = id === DISPUTE ? ({ restores: false } as const) : {};
  return { id, ...amountIn(call), ...(total === undefined ? {} : { total }), ...restores };
}

function chargeIn(world: World, server: Server, charge: Charge): RecordRequest {
  const { ago, player, category, processor, id, amount, currency, app } = charge;
  return {
    ...{ id, amount, currency, app, evidence: evidenceOf(playerIn(world, player)) },
    chargedAt: new Date(server.now() - ago).toISOString(),
    ...(category === undefined ? {} : { category }),
    ...(processor === undefined ? {} : { processor }),
  };
}

function playerIn({ players }: World, player: number) {
  const who = players[player];
  if (who === undefined) throw new TypeError('there is no such player');
  return who;
}

function requestOf(world: World, order: Order): PurchaseRequest {
  const { id, player, amount, currency, category, app, seconds, onExpiry, approved } = order;
  const { processor } = order;
  const who = playerIn(world, player);
  return {
    id,
    amount,
    currency,
    app,
    onExpiry,
    expiresInSeconds: seconds,
    evidence: evidenceOf(who),
    ...(category === undefined ? {} : { category }),
    ...(processor === undefined ? {} : { processor }),
    ...(approved ? { guardianApproval: 'approval-1' } : {}),
  };
}

async function sell({ world, server }: Doing, sale: Sale): Promise<string> {
  const { id, app, category, currency, way } = sale;
  const decision = await server.start({
    ...{ amount: formatMoney(sale.amount, currency), currency, way },
    spendcap: {
      ...{ id, app, evidence: evidenceOf(playerIn(world, sale.player)) },
      guardianApproval: 'approval-1',
      ...(category === undefined ? {} : { category }),
    },
  });
  return decisionText(decision);
}

async function act(
  server: Server,
  { deed, id, amount }: Extract<Action, { do: 'deed' }>,
): Promise<string> {
  return (await server.deed(deed, id, amount)) ? `${deed} done` : 'nothing to do';
}

async function deliver(
  { world, server }: Doing,
  { id, picks }: Extract<Action, { do: 'notify' }>,
): Promise<Answers> {
  const all = world.processor.notifications(id);
  const answers: string[] = [];
  for (const pick of picks) {
    const notification = all[pick % all.length]?.clone();
    if (notification === undefined) continue;
    const { status } = await server.webhook(notification);
    answers.push(`notification ${status}`);
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
    const acme = await server.limiter.overdue({ processor: ACME });
    const others = (await server.limiter.overdue()).filter(({ processor }) => processor !== ACME);
    const own = [...acme, ...others]
      .filter(({ id }) => !server.sales.has(id))
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
    if (!(error instanceof Error) || isOurs(error)) throw error;
    return 'processor_error';
  }
}

/** False for what a processor's client throws: its own errors, and that a call was lost. */
function isOurs(error: Error): boolean {
  if (/^The connection was closed|^This process is dead/.test(error.message)) return false;
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
}
