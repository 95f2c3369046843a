import { processorSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { stripe } from '../../../support/processors/stripe.ts';
import { suiteOf } from '../../../support/processors/suite.ts';

describe.each(['open', 'checkout'])('stripe by %s', (way) => {
  processorSuite({ test: test.concurrent, open: suiteOf(stripe, way) });
});
