import { storeSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';
import { canStartRedis, openCluster, redisCluster } from '../support/redis.ts';

const canStart = canStartRedis('the Redis store on a cluster');
const ports = canStart ? await redisCluster() : [];
describe.skipIf(!canStart).each(['ioredis', 'node-redis'] as const)('cluster by %s', (kind) => {
  storeSuite({ test, open: () => openCluster(kind, ports) });
});
