import { processorSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { googlePlay } from '../../../support/processors/google-play.ts';
import { suiteOf } from '../../../support/processors/suite.ts';

describe.each(Object.keys(googlePlay.ways))('Google Play, %s', (way) => {
  processorSuite({ test: test.concurrent, open: suiteOf(googlePlay, way) });
});
