import {
  assertOptions,
  type OptionNames,
  type Policy,
  parsePolicy,
  type Store,
} from '@spendcap/core';
import { createLimiter } from '../limiter/index.ts';
import { memoryStore } from '../stores/memory/index.ts';
import { deviceCases } from './payment-device-cases.ts';
import { settleCases } from './payment-settle-cases.ts';
import { startCases } from './payment-start-cases.ts';
import type { ProcessorSetup, ProcessorWorld } from './processor-world.ts';

/** Options of `processorSuite`. */
export interface ProcessorSuiteOptions {
  /** The test runner's `test` or `it`. */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Opens the processor for one case, with an empty account. */
  readonly open: (setup: ProcessorSetup) => ProcessorWorld | Promise<ProcessorWorld>;
  /** ISO 4217; one that the processor takes. Default `CNY`. */
  readonly currency?: string;
  /** Two ids of purchases that the processor takes. Default `order1` and `order2`. */
  readonly purchaseIds?: readonly [string, string];
  /** Opens an empty ledger for one case. Default: one in memory. */
  readonly openStore?: () => Store | Promise<Store>;
}

const OPTIONS: OptionNames<ProcessorSuiteOptions> = {
  test: true,
  open: true,
  currency: true,
  purchaseIds: true,
  openStore: true,
};

/** 10:00 in Shanghai, so that a case does not run over midnight. */
const START = Date.parse('2026-03-10T02:00:00Z');

/**
 * The conformance suite of the processor contract, for any processor and test runner: what the
 * guard may and may not do when a payment is refused, lost, repeated, late, reordered or refunded.
 *
 * @example
 * ```ts
 * import { processorSuite } from '@spendcap/server/testing';
 * const names: string[] = [];
 * const open = () => Promise.reject(new Error('not in this example'));
 * processorSuite({ test: (name) => names.push(name), open });
 * names.length > 15; // => true
 * ```
 */
export function processorSuite(options: ProcessorSuiteOptions): void {
  assertOptions('processorSuite', options, OPTIONS);
  const { test, open, currency = 'CNY', openStore = memoryStore } = options;
  const [id, otherId] = options.purchaseIds ?? ['order1', 'order2'];
  for (const { name, run } of [...startCases, ...settleCases, ...deviceCases]) {
    test(name, async () => {
      const clock = { at: START };
      const now = () => clock.at;
      const limiter = createLimiter({ policy: policyIn(currency), store: await openStore(), now });
      try {
        await run({ limiter, clock, currency, id, otherId, world: await open({ limiter, now }) });
      } finally {
        await limiter.close();
      }
    });
  }
}

/** 100 a purchase and 1,000 a month, at any age. */
function policyIn(currency: string): Policy {
  const source = { citation: 'processorSuite', status: 'operator', effectiveFrom: '2026-01-01' };
  return parsePolicy({
    ...{ id: 'processor-suite', version: '1', effectiveFrom: '2026-01-01', jurisdiction: 'CN' },
    ...{ currency, timeZone: 'Asia/Shanghai', scope: 'enterprise', unverified: 'refuse' },
    refunds: 'original_window',
    bands: [
      {
        ...{ minAge: 0, maxAgeExclusive: null },
        limits: [
          { ...source, id: 'purchase', period: 'transaction', max: '100' },
          { ...source, id: 'month', period: 'month', max: '1000' },
        ],
      },
    ],
  });
}
