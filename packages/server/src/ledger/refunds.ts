import type {
  RefundCommand,
  RefundResult,
  ReverseRefundCommand,
  StoredPurchase,
} from '@spendcap/core';
import { change, find, type Rows, type StoredRefund } from './subject.ts';

export function refund(rows: Rows, command: RefundCommand): RefundResult {
  const found = find(rows, command.id, command.at);
  if (found === undefined) return { outcome: 'not_found', expired: [] };
  const { purchase, expired } = found;
  const { amount, total } = command;
  const before = rows.refund(command.id, command.refundId);
  if (
    before !== undefined &&
    (total === undefined || before.reversed || total <= amountOf(before))
  ) {
    const same = amount === undefined || (before.amount ?? amount) === amount;
    return same
      ? { outcome: 'done', purchase, changed: false, expired }
      : { outcome: 'conflict', purchase, expired };
  }
  if (purchase.state !== 'committed') return { outcome: 'not_committed', purchase, expired };
  const left = purchase.committed - purchase.refunded;
  const added = total === undefined ? (amount ?? left) : total - amountOf(before);
  if (added > left || added === 0) return { outcome: 'exceeds', purchase, expired };
  const restored = command.restores ? added : 0;
  const next: StoredPurchase = {
    ...purchase,
    refunded: purchase.refunded + added,
    restored: purchase.restored + restored,
  };
  change(rows, purchase, next);
  rows.saveRefund(command.id, command.refundId, {
    amount: amountOf(before) + added,
    restored: (before?.restored ?? 0) + restored,
    reversed: false,
  });
  return { outcome: 'done', purchase: next, changed: true, expired };
}

const amountOf = (refund: StoredRefund | undefined): number => refund?.amount ?? 0;

export function reverseRefund(rows: Rows, command: ReverseRefundCommand): RefundResult {
  const found = find(rows, command.id, command.at);
  if (found === undefined) return { outcome: 'not_found', expired: [] };
  const { purchase, expired } = found;
  const before = rows.refund(command.id, command.refundId);
  if (before === undefined) {
    // The refund has not arrived yet. When it does, it must change nothing.
    const never = { amount: null, restored: 0, reversed: true };
    rows.saveRefund(command.id, command.refundId, never);
    return { outcome: 'done', purchase, changed: false, expired };
  }
  if (before.reversed) return { outcome: 'done', purchase, changed: false, expired };
  const next: StoredPurchase = {
    ...purchase,
    refunded: purchase.refunded - (before.amount ?? 0),
    restored: purchase.restored - before.restored,
  };
  change(rows, purchase, next);
  rows.saveRefund(command.id, command.refundId, { ...before, reversed: true });
  return { outcome: 'done', purchase: next, changed: true, expired };
}
