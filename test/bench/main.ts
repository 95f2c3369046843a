import { readFileSync } from 'node:fs';
import { ageTokenIssued } from './age.ts';
import { capacityTable } from './capacity.ts';
import { appleConfirmComparison, backlogTable } from './device.ts';
import { floodComparison, floodTable } from './flood.ts';
import { type Comparison, compare, IN_FLIGHT, machine, SUBJECTS } from './harness.ts';
import { httpComparison, shelfComparison } from './http.ts';
import { memoryTable } from './memory.ts';
import {
  engineComparison,
  notificationComparison,
  reconcileTable,
  startComparison,
} from './payments.ts';
import {
  oneSubjectComparison,
  postgresComparison,
  postgresPurchaseComparison,
} from './postgres.ts';
import { postgresBytes, postgresHistoryComparison } from './postgres-history.ts';
import {
  redisBareComparison,
  redisBytes,
  redisPurchaseComparison,
  redisUnionComparison,
} from './redis.ts';
import {
  historyComparison,
  memoryComparison,
  sqliteComparison,
  sqlitePurchaseComparison,
} from './stores.ts';
import { verifiedAgain, verifiedFirst } from './tokens.ts';
import { mdocComparison, sdJwtComparison } from './wallets.ts';

/** Each makes what it needs when its turn comes, so that none runs beside another's leftovers. */
const COMPARISONS: Readonly<Record<string, () => Comparison | Promise<Comparison | null>>> = {
  memory: memoryComparison,
  sqlite: sqliteComparison,
  'sqlite-commit': sqlitePurchaseComparison,
  redis: redisUnionComparison,
  'redis-bare': () => redisBareComparison('ioredis'),
  'redis-bare-node': () => redisBareComparison('node-redis'),
  'redis-commit': redisPurchaseComparison,
  again: verifiedAgain,
  first: verifiedFirst,
  flood: floodComparison,
  'sd-jwt': sdJwtComparison,
  mdoc: mdocComparison,
  issue: ageTokenIssued,
  http: () => httpComparison('ours'),
  'http-permit': () => httpComparison('ours-permit'),
  shelf: () => shelfComparison(1),
  'shelf-busy': () => shelfComparison(IN_FLIGHT),
  'payment-start': startComparison,
  'payment-engine': engineComparison,
  'payment-notice': notificationComparison,
  'apple-confirm': appleConfirmComparison,
  postgres: postgresComparison,
  'postgres-commit': postgresPurchaseComparison,
  'postgres-one-subject': oneSubjectComparison,
  'history-postgres': postgresHistoryComparison,
  'history-memory': () => historyComparison('memory'),
  'history-sqlite': () => historyComparison('SQLite'),
};

const version = (name: string): string => {
  const url = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return `${name} ${JSON.parse(readFileSync(url, 'utf8')).version}`;
};

const wanted = process.argv.slice(2);
const chosen = Object.entries(COMPARISONS).filter(
  ([name]) => wanted.length === 0 || wanted.includes(name),
);
console.log(machine());
console.log(
  [`node ${process.versions.node}`, `SQLite ${process.versions.sqlite}`]
    .concat(
      ['rate-limiter-flexible', 'ioredis', 'redis', 'jose', 'hono', '@hono/node-server', 'pg'].map(
        version,
      ),
    )
    .join(', '),
);
console.log(`${IN_FLIGHT} calls in flight, ${SUBJECTS} subjects, median of 7 interleaved rounds\n`);

const rows = [];
for (const [name, make] of chosen) {
  process.stderr.write(`${name} ...\n`);
  // What needs a server that is not there says so itself.
  const comparison = await make();
  if (comparison !== null) rows.push(await compare(comparison));
}
if (rows.length > 0) console.table(rows);
if (wanted.length === 0 || wanted.includes('size')) console.table(await memoryTable());
if (wanted.length === 0 || wanted.includes('flood')) console.table(await floodTable());
if (wanted.length === 0 || wanted.includes('reconcile')) console.table(await reconcileTable());
if (wanted.length === 0 || wanted.includes('backlog')) console.table(await backlogTable());
if (wanted.length === 0 || wanted.includes('capacity')) console.table(await capacityTable());
if (wanted.length === 0 || wanted.includes('postgres-size')) {
  const bytes = await postgresBytes();
  if (bytes !== null) console.table(bytes);
}
if (wanted.length === 0 || wanted.includes('redis-size')) console.table(await redisBytes());
process.exit(rows.every(({ met }) => met) ? 0 : 1);
