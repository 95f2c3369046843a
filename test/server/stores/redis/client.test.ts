import { EventEmitter } from 'node:events';
import { redisStore } from '@spendcap/server/stores/redis';
import { expect, test } from 'vitest';

const CLIENTS = {
  'node-redis': { isReady: true, sendCommand: async () => [] },
  ioredis: { status: 'ready', isCluster: false, call: async () => [], pipeline: () => [] },
};

test.each(Object.entries(CLIENTS))(
  'a %s client that breaks after its store was closed does not end the process',
  async (_, parts) => {
    const client = Object.assign(new EventEmitter(), parts);
    for (let opened = 0; opened < 3; opened += 1) {
      await redisStore({ client: client as never }).close();
    }
    expect(() => client.emit('error', new Error('cut'))).not.toThrow();
    // However many stores there were.
    expect(client.listenerCount('error')).toBe(1);
  },
);
