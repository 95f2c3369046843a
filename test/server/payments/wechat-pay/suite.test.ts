import { processorSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { suiteOf } from '../../../support/processors/suite.ts';
import { wechatPayBy } from '../../../support/processors/wechat-pay.ts';

describe.each(['certificate', 'public_key'] as const)('wechat_pay by %s', (mode) => {
  processorSuite({ test, open: suiteOf(wechatPayBy(mode)) });
});
