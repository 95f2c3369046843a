import { SpendcapError } from '@spendcap/core';
import type { Connection } from './clients.ts';

const OLDEST = 7;

/**
 * Looks whether a server can keep a ledger.
 *
 * @throws SpendcapError `store_misconfigured`, saying what to do
 */
export async function checkServers({ cluster, infos }: Connection): Promise<void> {
  for (const info of await infos()) {
    const fields = fieldsOf(String(info));
    const version = fields.get('redis_version') ?? '';
    if (!(Number.parseInt(version, 10) >= OLDEST)) {
      throw wrong(`Redis ${version} is too old: use Redis 7, Valkey 7.2, or newer.`);
    }
    const policy = fields.get('maxmemory_policy') ?? 'noeviction';
    if (policy !== 'noeviction') {
      throw wrong(`Redis may evict the ledger (${policy}): set maxmemory-policy to noeviction.`);
    }
    // Valkey has another name for it.
    const mode = fields.get('redis_mode') ?? fields.get('server_mode');
    const clustered = mode === 'cluster';
    if (clustered && !cluster) {
      throw wrong('Redis is a cluster and the client is not: hand in a cluster client.');
    }
    if (!clustered && cluster) {
      throw wrong('The client is for a cluster and Redis is none: hand in a plain client.');
    }
  }
}

function fieldsOf(info: string): ReadonlyMap<string, string> {
  const lines = info.split(/\r?\n/).map((line) => line.split(':'));
  return new Map(lines.map(([name = '', ...value]) => [name, value.join(':')]));
}

function wrong(message: string): SpendcapError {
  return new SpendcapError('store_misconfigured', message);
}
