import { processorSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { apple } from '../../../support/processors/apple.ts';
import { suiteOf } from '../../../support/processors/suite.ts';

describe('the App Store, with a subscription', () => {
  processorSuite({
    test: test.concurrent,
    open: suiteOf(apple, 'month'),
    purchaseIds: [apple.idOf(1), apple.idOf(2)],
  });
});
