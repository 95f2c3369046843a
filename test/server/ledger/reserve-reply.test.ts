import type { ReserveCommand, ReserveResult } from '@spendcap/core';
import { expect, test } from 'vitest';
import { newPurchase } from '../../../packages/server/src/ledger/ledger.ts';
import { fromReply, toReply } from '../../../packages/server/src/ledger/reserve-reply.ts';
import { NOON, purchase } from '../../../packages/server/src/testing/fixtures.ts';

const command: ReserveCommand = purchase('p', {
  ...{ app: 'game-1', category: 'skin', processor: 'one_pay', processorRef: 'ref-1' },
  onExpiry: 'reconcile',
});
const expired = [{ ...newPurchase(purchase('old')), state: 'expired' as const }];
const held = newPurchase(command);
const paid = { ...newPurchase({ ...command, at: NOON - 1 }), state: 'committed' as const };

test.each<[string, ReserveResult]>([
  ['new', { outcome: 'held', purchase: held, replayed: false, used: [1_000], expired }],
  ['replayed', { outcome: 'held', purchase: paid, replayed: true, used: [3_000, 7], expired }],
  ['refused', { outcome: 'refused', used: [9_000], expired }],
  ['in conflict', { outcome: 'conflict', expired }],
])('the reply to a reserve that is %s says all of its result', (_, result) => {
  expect(fromReply(command, toReply(result))).toEqual(result);
});

test('a new purchase is not sent back', () => {
  const result = { outcome: 'held', purchase: held, replayed: false, used: [7], expired } as const;
  expect(toReply(result)).toEqual({ outcome: 'fresh', used: [7], expired });
});
