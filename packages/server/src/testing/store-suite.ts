import { assertOptions, type Store } from '@spendcap/core';
import { attributionCases } from './attribution-cases.ts';
import { expiryCases } from './expiry-cases.ts';
import { idempotencyCases } from './idempotency-cases.ts';
import { processorCases } from './processor-cases.ts';
import { raceCases } from './race-cases.ts';
import { recordCases } from './record-cases.ts';
import { refundCases } from './refund-cases.ts';
import { refundTotalCases } from './refund-total-cases.ts';
import { truthCases } from './truth-cases.ts';

/** Options of `storeSuite`. */
export interface StoreSuiteOptions {
  /** The test runner's `test` or `it`. */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Opens an empty store for one case. The suite closes it. */
  readonly open: () => Store | Promise<Store>;
}

/**
 * The conformance suite of the store contract, for any store and test runner. It tests every
 * guarantee of `Store` except durability, which requires killing a process.
 *
 * @example
 * ```ts
 * import { storeSuite } from '@spendcap/server/testing';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * const names: string[] = [];
 * storeSuite({ test: (name) => names.push(name), open: () => memoryStore() });
 * names.length > 30; // => true
 * ```
 */
export function storeSuite(options: StoreSuiteOptions): void {
  assertOptions('storeSuite', options, { test: true, open: true });
  const { test, open } = options;
  const cases = [
    ...raceCases,
    ...idempotencyCases,
    ...attributionCases,
    ...expiryCases,
    ...refundCases,
    ...refundTotalCases,
    ...recordCases,
    ...processorCases,
    ...truthCases,
  ];
  for (const { name, run } of cases) {
    test(name, async () => {
      const store = await open();
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });
  }
}
