import { SpendcapError, type Store } from '@spendcap/core';
import { generatePermitKey } from '../permits/index.ts';
import { memoryStore } from '../stores/memory/index.ts';
import { sqliteStore } from '../stores/sqlite/index.ts';
import { openReadyPostgres, POSTGRES_URL } from './postgres.ts';
import { openRedis } from './redis.ts';
import { UsageError } from './usage-error.ts';

/** What `--store` takes. */
export const STORES = 'memory:, sqlite:FILE, postgres://... or redis://...';

/** The options of `serve` as commander gives them. */
export interface ServeFlags {
  readonly port: string;
  readonly host: string;
  readonly policy: string;
  readonly store: string;
  readonly schema: string;
  readonly ageIssuer?: string;
  readonly ageJwks?: string;
  readonly ageAudience?: string;
  readonly ageAssurance?: string;
  readonly ageStatusLists?: string;
  readonly ageIssuers?: string;
  readonly permitIssuer: string;
  readonly permitAudience: string;
  readonly basePath?: string;
  readonly publicUrl?: string;
  readonly corsOrigin?: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws UsageError unless it is 0 (a free one) to 65535 */
export function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new UsageError(`--port must be 0 to 65535, not '${text}'`);
  }
  return port;
}

/** @throws UsageError naming what is missing */
export function apiKeysOf(environment: Environment): readonly string[] {
  const keys = (environment.SPENDCAP_API_KEYS ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
  if (keys.length === 0) {
    throw new UsageError('SPENDCAP_API_KEYS must hold at least one key (comma-separated)');
  }
  return keys;
}

/** False where `serve` makes a permit key of its own, good until it ends. */
export function hasPermitKey({ SPENDCAP_PERMIT_KEY = '' }: Environment): boolean {
  return SPENDCAP_PERMIT_KEY !== '';
}

/**
 * The signing key of permits, made now if there is none. It is never printed.
 *
 * @throws UsageError if it is not JSON
 */
export async function permitKeyOf(
  environment: Environment,
): Promise<Readonly<Record<string, unknown>>> {
  if (!hasPermitKey(environment)) return { ...(await generatePermitKey()) };
  try {
    const key: unknown = JSON.parse(environment.SPENDCAP_PERMIT_KEY ?? '');
    if (typeof key === 'object' && key !== null) return { ...key };
  } catch {
    // The parser's message would quote the key.
  }
  throw new UsageError('SPENDCAP_PERMIT_KEY must be a private JWK in JSON');
}

/**
 * @throws UsageError for a store that this build does not have, or a file that cannot be opened
 * @throws SpendcapError if the database cannot serve, saying what to do
 */
export async function openStore(flags: Pick<ServeFlags, 'store' | 'schema'>): Promise<Store> {
  const { store: location } = flags;
  if (location === 'memory:') return memoryStore();
  const path = /^sqlite:(.+)$/.exec(location)?.[1];
  if (path !== undefined) return openSqlite(path);
  if (POSTGRES_URL.test(location)) return openReadyPostgres(flags);
  if (/^rediss?:\/\//.test(location)) return openRedis(location);
  throw new UsageError(`--store must be ${STORES}`);
}

function openSqlite(path: string): Store {
  try {
    return sqliteStore({ path });
  } catch (error) {
    if (!SpendcapError.isInstance(error)) throw error;
    // SQLite's own words: no such folder, no database, locked. They name no contents.
    const why = error.cause instanceof Error ? ` (${error.cause.message})` : '';
    throw new UsageError(`--store: ${error.message}${why}`);
  }
}
