import { describe, expect, it } from 'vitest';
import {
  addMoney,
  covers,
  isSame,
  partOf,
  shareOf,
} from '../../../packages/server/src/payments/money.ts';
import { cny, usd } from './engine-kit.ts';

describe('amounts', () => {
  it('are added in the currency of the first one', () => {
    expect(addMoney(null, null)).toBeNull();
    expect(addMoney(null, cny('1.50'))).toEqual(cny('1.50'));
    expect(addMoney(cny('1.50'), null)).toEqual(cny('1.50'));
    expect(addMoney(cny('1.50'), cny('2'))).toEqual(cny('3.50'));
    expect(addMoney(cny('1.50'), usd('2.00'))).toEqual(cny('1.50'));
  });

  it('are the same and covered by value, in one currency', () => {
    expect([isSame(cny('30'), cny('30.00')), isSame(cny('30'), usd('30'))]).toEqual([true, false]);
    expect(isSame(cny('30.00'), cny('30.01'))).toBe(false);
    const covered = [cny('29.99'), cny('30'), cny('30.01'), usd('1')];
    expect(covered.map((amount) => covers(cny('30.00'), amount))).toEqual([
      ...[true, true, false, false],
    ]);
  });

  it('are shared rounded down, and parted to the nearest minor unit', () => {
    expect(shareOf(cny('30.00'), usd('1.00'), usd('4.50'))).toBe('6.66');
    expect(shareOf(cny('0.01'), usd('1.00'), usd('4.50'))).toBeNull();
    const half = { milliPercent: 50_000 };
    expect(partOf(cny('0.03'), half)).toEqual(cny('0.02'));
    expect(partOf(cny('10.00'), { milliPercent: 33_333 })).toEqual(cny('3.33'));
  });
});
