import { processorSuite } from '@spendcap/server/testing';
import { describe, it } from 'vitest';
import { alipay } from '../../../support/processors/alipay.ts';
import { suiteOf } from '../../../support/processors/suite.ts';

describe.each(['create', 'app'])('alipay by %s', (way) => {
  processorSuite({ test: it, open: suiteOf(alipay, way) });
});
