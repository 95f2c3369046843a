import { misconfigured, unavailable } from '../../ledger/store-kit.ts';
import type { Connection } from './clients.ts';
import { CLAIM_SCRIPT, UNCLAIM_SCRIPT } from './lua/claim.ts';
import { LEDGER_SCRIPT } from './lua/main.ts';
import { MISSING_RIGHTS_SCRIPT } from './lua/missing-rights.ts';
import { DUE_SCRIPT } from './lua/overdue.ts';
import type { Script } from './lua/script.ts';
import { WRITABLE_SCRIPT } from './lua/writable.ts';

export interface Needs {
  readonly prefix: string;
  readonly minReplicas: number;
}

const OLDEST_VERSION = 7;

/**
 * Checks that the servers of a connection can keep a ledger, and returns the fewest replicas of any
 * of them.
 *
 * @throws SpendcapError `store_misconfigured`, with what to change, or `store_unavailable`: a
 * replica
 */
export async function checkServers(
  connection: Connection,
  needs: Needs,
): Promise<{ readonly replicas: number }> {
  const infos = (await connection.sendToMasters(['INFO'])).map((info) => fieldsOf(String(info)));
  if (infos.length === 0) throw unavailable('The cluster client knows no master yet.');
  for (const info of infos) checkServer(info, connection.cluster);
  await checkRights(connection, needs);
  return { replicas: Math.min(...infos.map(replicasOf)) };
}

/**
 * Checks that the servers take writes now, without writing: a script that may write is refused as a
 * write is, by a replica, for lack of memory, replicas or disk.
 *
 * @throws SpendcapError `store_unavailable`
 */
export async function checkWritable(connection: Connection): Promise<void> {
  await connection.sendToMasters(['EVAL', WRITABLE_SCRIPT.text, '0']);
}

type Info = ReadonlyMap<string, string>;

function checkServer(info: Info, expectCluster: boolean): void {
  // Valkey has another name for it.
  const mode = info.get('redis_mode') ?? info.get('server_mode');
  if (mode === 'sentinel') {
    throw misconfigured('This is a Sentinel: use a client that asks it for the master.');
  }
  const version = info.get('redis_version') ?? 'of an unknown version';
  if (!(Number.parseInt(version, 10) >= OLDEST_VERSION)) {
    throw misconfigured(`Redis ${version} is too old: use Redis 7, Valkey 7.2, or newer.`);
  }
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') {
    throw misconfigured(`Redis may evict the ledger (${policy}): set maxmemory-policy noeviction.`);
  }
  const isCluster = mode === 'cluster';
  if (isCluster && !expectCluster) {
    throw misconfigured('Redis is a cluster: use a cluster client.');
  }
  if (!isCluster && expectCluster) {
    throw misconfigured('Redis is not a cluster: use a client for one server.');
  }
  // A cluster client learns of a new master by a call that is redirected, so calls go on there.
  if (!isCluster && info.get('role') === 'slave') {
    throw unavailable('Redis is a replica, which accepts no writes.');
  }
}

/** The replicas that receive writes: a new one must first copy what there is. */
function replicasOf(info: Info): number {
  return [...info].filter(([name, value]) => /^slave\d+$/.test(name) && /state=online/.test(value))
    .length;
}

/** A script cannot be rolled back, so a right that it lacks is found before the first write. */
async function checkRights(connection: Connection, needs: Needs): Promise<void> {
  const scripts = [
    LEDGER_SCRIPT,
    ...(connection.cluster ? [CLAIM_SCRIPT, UNCLAIM_SCRIPT, DUE_SCRIPT] : []),
  ];
  const commands = new Set(['EVALSHA', ...scripts.flatMap(commandsOf)]);
  if (needs.minReplicas > 0) commands.add('SET').add('WAIT').add('CLIENT ID');
  const key = `${needs.prefix}{rights}`;
  const evaluation = ['EVAL', MISSING_RIGHTS_SCRIPT.text, '0', key, ...commands];
  const missing = new Set((await connection.sendToMasters(evaluation)).flat().map(String));
  if (missing.size === 0) return;
  const names = [...missing].join(', ');
  throw misconfigured(`This user may not run ${names} on ${needs.prefix}*. See docs/redis.md.`);
}

/** The commands that a script calls. */
function commandsOf({ text }: Script): readonly string[] {
  return [...text.matchAll(/call\('([A-Z]+)'/g)].map(([, name = '']) => name);
}

function fieldsOf(info: string): Info {
  const lines = info.split(/\r?\n/).map((line) => line.split(':'));
  return new Map(lines.map(([name = '', ...value]) => [name, value.join(':')]));
}
