import { SpendcapError } from '@spendcap/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '../../../packages/server/src/cli/log.ts';

const PERIOD_MS = 10_000;
const DOWN = new SpendcapError('store_misconfigured', 'No replica confirms writes.');

function setup() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('warn', { write: (line) => lines.push(JSON.parse(line)) });
  /** What was written since the last call: its code and how often it was repeated. */
  const written = () => lines.splice(0).map(({ code, repeated }) => [code, repeated]);
  return { log, written, lines };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  // The cache that counts reads the monotonic clock.
  vi.spyOn(performance, 'now').mockImplementation(() => Date.now());
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('equal errors', () => {
  it('are one line immediately, one per period, and one at the end', async () => {
    const { log, written } = setup();
    for (let i = 0; i < 1000; i++) log.error(DOWN);
    expect(written()).toEqual([['store_misconfigured', undefined]]);
    for (let period = 0; period < 3; period++) {
      await vi.advanceTimersByTimeAsync(PERIOD_MS + 100);
      expect(written()).toEqual([['store_misconfigured', period === 0 ? 999 : 500]]);
      for (let i = 0; i < 500; i++) log.error(DOWN);
    }
    expect(written()).toEqual([]);
    log.flush();
    expect(written()).toEqual([['store_misconfigured', 500]]);
  });

  it('are new again after a quiet period', async () => {
    const { log, written } = setup();
    log.error(DOWN);
    await vi.advanceTimersByTimeAsync(PERIOD_MS + 100);
    log.error(DOWN);
    const one = ['store_misconfigured', undefined];
    expect(written()).toEqual([one, one]);
    log.flush();
    expect(written()).toEqual([]);
  });

  it('are counted apart from others, also in turns', () => {
    const { log, written } = setup();
    const busy = new SpendcapError('overloaded', 'Too many calls are waiting.');
    for (let i = 0; i < 10; i++) for (const error of [DOWN, busy]) log.error(error);
    log.flush();
    expect(written()).toEqual([
      ['store_misconfigured', undefined],
      ['overloaded', undefined],
      ['store_misconfigured', 9],
      ['overloaded', 9],
    ]);
  });

  it('take no more memory than a hundred texts, and lose no count', () => {
    const { log, lines } = setup();
    for (let i = 0; i < 5_000; i++) {
      log.error(new SpendcapError('store_unavailable', `Attempt ${i % 500}.`));
      log.error(DOWN);
    }
    log.flush();
    const count = ({ repeated = 1 }) => Number(repeated);
    expect(lines.reduce((sum, line) => sum + count(line), 0)).toBe(10_000);
    expect(lines.filter(({ code }) => code === DOWN.code)).toHaveLength(2);
  });
});

describe('an unexpected error', () => {
  it('is where it happened, and not its message, which may quote a request', () => {
    const { log, lines } = setup();
    log.error(new RangeError('secret in\n  a message'));
    log.error('secret');
    expect(lines).toMatchObject([
      { level: 'error', name: 'RangeError', stack: expect.stringContaining('log.test.ts') },
      { level: 'error', msg: 'unexpected error' },
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });
});

describe('an event', () => {
  const event = {
    ...{ purchaseId: 'order-1', policy: { id: 'p', version: '1' }, state: 'committed' },
    ...{ type: 'purchase.committed', at: '2026-11-23T04:00:00.000Z' },
  } as unknown as Parameters<ReturnType<typeof setup>['log']['event']>[0];

  it('is a line only if someone must act on it', () => {
    const { log, lines } = setup();
    log.event(event);
    expect(lines).toEqual([]);
    log.event({ ...event, late: true, overHold: true });
    log.event({ ...event, type: 'purchase.unrecorded' });
    const line = { level: 'warn', event: 'purchase.committed', purchaseId: 'order-1' };
    expect(lines).toMatchObject([line, line, { ...line, event: 'purchase.unrecorded' }]);
  });
});

it('goes on when a line cannot be written, also from its timer', async () => {
  const full = createLog('warn', {
    write: () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    },
  });
  full.error(DOWN);
  full.error(DOWN);
  full.warn('still here');
  await vi.advanceTimersByTimeAsync(PERIOD_MS + 100);
  full.flush();
});
