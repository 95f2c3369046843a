import { formatMoney, type Purchase, parseMoney } from '@spendcap/core';
import {
  allowanceOf,
  amountOf,
  buy,
  buyAndReport,
  CURRENCY,
  isSold,
  outcomeOf,
  reasonOf,
  type World,
} from './world.ts';

/**
 * The story, chapter by chapter. Transaction and monthly caps are those of the 2019 notice (8 to
 * 15: 50 and 200; 16 and 17: 100 and 400; under 8 nothing); the daily cap is read from the
 * allowance.
 */
export async function playStory(world: World): Promise<void> {
  await aChildAndATwelveYearOld(world);
  await aSeventeenYearOld(world);
  await anAdultAndAStranger(world);
  await theServerIsKilled(world);
  await theOperatorEditsThePolicy(world);
}

async function aChildAndATwelveYearOld(world: World): Promise<void> {
  const child = {
    id: 'c-1',
    who: 'child-7',
    what: 'buys a small gem pack',
    amount: '6.00',
  } as const;
  await buyAndReport(world, child, 'refused: forbidden for age');

  const who = 'player-12';
  const tooBig = { id: 'p-1', who, what: 'tries the big gem pack', amount: '60.00' } as const;
  await buyAndReport(world, tooBig, 'refused: transaction cap');
  const gems = { who, what: 'buys a gem pack', amount: '48.00' } as const;
  await buyAndReport(world, { id: 'p-2', ...gems }, 'allowed');
  await buyAndReport(world, { id: 'p-3', ...gems }, 'allowed');

  const left = amountOf(await allowanceOf(world, who), 'day', 'remaining');
  const over = formatMoney(parseMoney(left, CURRENCY) + 1, CURRENCY);
  const oneFenOver = { id: 'p-4', who, what: 'tries 0.01 more than today has left', amount: over };
  await buyAndReport(world, { ...oneFenOver, who: 'player-12' }, 'refused: day cap');
  const after = amountOf(await allowanceOf(world, who), 'day', 'remaining');
  const what = 'a refusal leaves no trace: left today';
  world.report({ who, what, amount: '', expected: left, got: after });
}

async function aSeventeenYearOld(world: World): Promise<void> {
  const who = 'player-17';
  const skin = {
    id: 's-1',
    who,
    what: 'buys at exactly the cap: equal is allowed',
    amount: '100.00',
  } as const;
  await buyAndReport(world, skin, 'allowed');
  await twoAtOnce(world);

  const before = await allowanceOf(world, who);
  await world.game.refund('s-1', 'r-1');
  await world.game.refund('s-1', 'r-1');
  const after = await allowanceOf(world, who);
  for (const period of ['day', 'month'] as const) {
    const left = parseMoney(amountOf(before, period, 'remaining'), CURRENCY) + 10_000;
    world.report({
      who,
      what: `is refunded, reported twice: left this ${period}`,
      amount: '100.00',
      expected: formatMoney(left, CURRENCY),
      got: amountOf(after, period, 'remaining'),
    });
  }
}

/** Two devices buy at the same instant: the day cap has room for one of them. */
async function twoAtOnce(world: World): Promise<void> {
  const who = 'player-17';
  const left = parseMoney(amountOf(await allowanceOf(world, who), 'day', 'remaining'), CURRENCY);
  const amount = formatMoney(Math.floor(left / 2) + 1, CURRENCY);
  const before = world.chargeAttempts();
  const wish = { who, what: '', amount } as const;
  const answers = await Promise.all([
    buy(world, { id: 's-2', ...wish }),
    buy(world, { id: 's-3', ...wish }),
  ]);
  const charges = world.chargeAttempts() - before;
  const sold = answers.filter(isSold).length;
  const refused = answers.find((answer) => !isSold(answer));
  world.report({
    who,
    what: 'checks out on two devices at the same time',
    amount,
    expected: '1 allowed, 1 charge',
    got: `${sold} allowed, ${charges} charge${charges === 1 ? '' : 's'}`,
    ...(refused === undefined ? {} : { reason: reasonOf(refused) }),
  });
}

async function anAdultAndAStranger(world: World): Promise<void> {
  const who = 'adult-30';
  const what = 'buys the collector’s edition: no limit applies';
  await buyAndReport(world, { id: 'a-1', who, what, amount: '648.00' }, 'allowed');

  const token = await world.tokenOf('adult-30');
  const forged = `${token.slice(0, token.lastIndexOf('.'))}.${'A'.repeat(86)}`;
  const wish = { id: 'x-1', who, what: '', amount: '6.00' } as const;
  const before = world.chargeAttempts();
  const answer = await buy(world, wish, forged);
  const charged = world.chargeAttempts() === before ? '' : ' (charged)';
  world.report({
    who: 'stranger',
    what: 'shows an adult’s token with a forged signature',
    amount: wish.amount,
    expected: 'problem: age token invalid',
    got: outcomeOf(answer) + charged,
    reason: reasonOf(answer),
  });
}

/** The worst moment to crash: allowance is held and the charge is in flight. */
async function theServerIsKilled(world: World): Promise<void> {
  const who = 'player-17';
  const order = { id: 'k-1', amount: '30.00', currency: CURRENCY };
  const hold = await world.api.reserve({ ...order, ageToken: await world.tokenOf(who) });
  const { amount } = order;
  const held = hold.allowed ? hold.purchase.state : 'refused';
  world.report({
    who,
    what: 'holds allowance, charge in flight',
    amount,
    expected: 'reserved',
    got: held,
  });

  const before = amountOf(await allowanceOf(world, who), 'day', 'remaining');
  await world.crash();
  const after = amountOf(await allowanceOf(world, who), 'day', 'remaining');
  const left = { who: 'server', amount: '', expected: before };
  world.report({ ...left, what: 'is killed (-9) and started again: left today', got: after });

  const settle = async (what: string, verb: () => Promise<Purchase>) => {
    const { state, committed } = await verb();
    const expected = `committed ${amount}`;
    world.report({ who, what, amount, expected, got: `${state} ${committed}` });
  };
  await settle('the charge succeeded: commit', () => world.api.commit(order.id));
  await settle('the same commit once more', () => world.api.commit(order.id));
  const end = amountOf(await allowanceOf(world, who), 'day', 'remaining');
  world.report({ ...left, who, what: 'nothing lost, nothing doubled: left today', got: end });
}

async function theOperatorEditsThePolicy(world: World): Promise<void> {
  const who = 'player-12';
  const before = amountOf(await allowanceOf(world, who), 'day', 'used');
  await world.editPolicy();
  const after = amountOf(await allowanceOf(world, who), 'day', 'used');
  const what = 'raises the daily cap to 200: used today';
  world.report({ who: 'operator', what, amount: '', expected: before, got: after });

  const box = {
    id: 'p-5',
    who,
    what: 'tries a blind box',
    amount: '10.00',
    category: 'loot_box',
  } as const;
  await buyAndReport(world, box, 'refused: forbidden category');
  const gems = { who, what: 'buys a gem pack', amount: '48.00' } as const;
  await buyAndReport(world, { id: 'p-6', ...gems }, 'allowed');
  await buyAndReport(world, { id: 'p-7', ...gems }, 'allowed');
  await buyAndReport(world, { id: 'p-8', ...gems }, 'refused: day cap, month cap');
  const rest = { who, what: 'buys exactly what the month has left', amount: '8.00' } as const;
  await buyAndReport(world, { id: 'p-9', ...rest }, 'allowed');
  const nothing = { who, what: 'tries one more small thing', amount: '0.01' } as const;
  await buyAndReport(world, { id: 'p-10', ...nothing }, 'refused: day cap, month cap');
}
