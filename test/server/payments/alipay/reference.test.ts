import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromAlipay, yuanOf } from '../../../../packages/server/src/payments/alipay/money.ts';
import {
  outTradeNoOf,
  purchaseIdOf,
} from '../../../../packages/server/src/payments/alipay/reference.ts';

describe('out_trade_no', () => {
  it.each([
    ['order1', 'order1'],
    ['order_1', 'order_1'],
    ['order-1', 'order__1'],
    ['a--b_c', 'a____b_c'],
    ['_a_', '_a_'],
    ['01890a5d-ac96-774b-bcce-b302099a8057', '01890a5d__ac96__774b__bcce__b302099a8057'],
  ])('of %s is %s, and back', (id, reference) => {
    expect(outTradeNoOf(id)).toBe(reference);
    expect(purchaseIdOf(reference)).toBe(id);
  });

  it('is never that of two purchases', () => {
    const id = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '_'), maxLength: 40 });
    fc.assert(
      fc.property(id, (text) => {
        let reference: string;
        try {
          reference = outTradeNoOf(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        expect(reference).toMatch(/^\w{1,64}$/);
        expect(purchaseIdOf(reference)).toBe(text);
      }),
    );
  });

  it.each(['', 'a___b', 'a b', 'a-b', 'ü', 'a'.repeat(65)])('%j is that of none', (reference) => {
    expect(purchaseIdOf(reference)).toBeNull();
  });
});

describe('yuan', () => {
  it.each([
    ['0.01', '0.01'],
    ['6', '6.00'],
    ['6.5', '6.50'],
    ['100000000', '100000000.00'],
  ])('%s are sent as %s', (text, amount) => {
    expect(yuanOf(text)).toEqual({ amount, currency: 'CNY' });
  });

  it.each(['0', '0.00', '0.001', '100000000.01', '1,00', '¥6', '６', 'NaN', 6])(
    '%s are refused',
    (text) => {
      expect(() => yuanOf(text)).toThrow(expect.objectContaining({ code: 'invalid_amount' }));
    },
  );

  it('may be reported as zero', () => {
    expect(fromAlipay('0.00')).toEqual({ amount: '0.00', currency: 'CNY' });
  });
});
