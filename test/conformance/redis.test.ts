import { storeSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { openRedis, REDIS_URL } from '../support/redis.ts';

describe.skipIf(REDIS_URL === null).each(['ioredis', 'node-redis'] as const)('%s', (kind) => {
  storeSuite({ test, open: () => openRedis(kind) });
});
