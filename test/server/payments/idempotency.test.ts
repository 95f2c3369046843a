import { describe, expect, it } from 'vitest';
import { idempotencyKey } from '../../../packages/server/src/payments/idempotency.ts';

describe('an idempotency key', () => {
  it('is equal for a retry only', async () => {
    const calls: [string, string[]][] = [
      ['start', ['p1']],
      ['start', ['p2']],
      ['refund', ['p1']],
      ['refund', ['p1', 'all']],
      ['refund', ['p1/all']],
      ['refund', ['p1', 'all', 'x']],
      ['refund', ['p1', 'all/x']],
      ['refund', ['p1/all', 'x']],
      ['refund', ['p1 all']],
      ['refund', ['p1', '全部']],
      ['refund', ['p2', '全部']],
      ['capture', ['p2', '全部']],
    ];
    const keys = await Promise.all(calls.map(([verb, parts]) => idempotencyKey(verb, parts)));
    const again = await Promise.all(calls.map(([verb, parts]) => idempotencyKey(verb, parts)));
    expect(again).toEqual(keys);
    expect(new Set(keys).size).toBe(calls.length);
  });

  it('is readable up to the length that Stripe takes, and a digest beyond it', async () => {
    const longest = 'x'.repeat(255 - 'spendcap:refund:p1/'.length);
    expect(await idempotencyKey('refund', ['p1', longest])).toBe(`spendcap:refund:p1/${longest}`);
    const digest = await idempotencyKey('refund', ['p1', `${longest}x`]);
    expect(digest).toMatch(/^spendcap:refund:=[0-9a-f]{64}$/);
    expect(await idempotencyKey('refund', ['p1', `${longest}y`])).not.toBe(digest);
  });
});
