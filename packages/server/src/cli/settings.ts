import { type Assurance, parseJson, type Store } from '@spendcap/core';
import { InvalidArgumentError } from 'commander';
import type { AgeIssuer } from '../age/token/index.ts';
import { generatePermitKey, permits } from '../permits/index.ts';
import { memoryStore } from '../stores/memory/index.ts';
import { sqliteStore } from '../stores/sqlite/index.ts';
import type { LogLevel } from './log.ts';
import { openReadyPostgres, POSTGRES_URL } from './postgres.ts';
import { openRedis } from './redis.ts';
import { storeFault, UsageError } from './usage-error.ts';

/** The values of `--store`. */
export const STORES = 'memory:, sqlite:FILE, postgres://... or redis://...';

/** The parsed options of `serve`. */
export interface ServeFlags {
  readonly port: number;
  readonly host: string;
  readonly policy: string;
  readonly store: string;
  readonly schema: string;
  readonly ageIssuer?: string;
  readonly ageJwks?: string;
  readonly ageAudience?: string;
  readonly ageAssurance?: Assurance;
  readonly ageStatusLists?: string;
  /** A file, or the issuers of the configuration file. */
  readonly ageIssuers?: string | readonly AgeIssuer[];
  readonly permitIssuer: string;
  readonly permitAudience: string;
  readonly basePath?: string;
  readonly publicUrl?: string;
  readonly corsOrigin?: readonly string[];
  readonly logLevel: LogLevel;
  /** Seconds. */
  readonly shutdownTimeout: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws InvalidArgumentError unless it is 0 (any free port) to 65535 */
export function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be 0 to 65535.');
}

/** @throws InvalidArgumentError unless it is 1 to 3600 seconds */
export function shutdownTimeoutOf(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,4}$/.test(text) && seconds >= 1 && seconds <= 3_600) return seconds;
  throw new InvalidArgumentError('It must be 1 to 3600 seconds.');
}

/**
 * The options of `serve`, none of them missing.
 *
 * @throws UsageError that names everything that is missing
 */
export function completeFlags(flags: Partial<ServeFlags>, environment: Environment): ServeFlags {
  const { port, policy, store, ageIssuers, ageIssuer, ageJwks, ageAudience } = flags;
  const { permitIssuer, permitAudience } = flags;
  const required = { port, policy, store, permitIssuer, permitAudience };
  const ofIssuer = ageIssuers === undefined ? { ageIssuer, ageJwks, ageAudience } : {};
  const keys = apiKeysOf(environment).length === 0 ? ['SPENDCAP_API_KEYS'] : [];
  assertGiven('serve', { ...required, ...ofIssuer }, keys);
  return flags as ServeFlags;
}

/**
 * Not commander's mandatory options, which report one missing option per run and know no
 * configuration file.
 *
 * @param missing what is missing besides
 * @throws UsageError that names everything that is missing
 */
export function assertGiven(
  command: string,
  flags: Readonly<Record<string, unknown>>,
  missing: readonly string[] = [],
): void {
  const names = Object.entries(flags)
    .filter(([, value]) => value === undefined || value === '')
    .map(([name]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
    .concat(missing);
  if (names.length === 0) return;
  throw new UsageError(`missing ${names.join(', ')}; see spendcap ${command} --help`);
}

export function apiKeysOf({ SPENDCAP_API_KEYS = '' }: Environment): readonly string[] {
  return SPENDCAP_API_KEYS.split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
}

/** If not, `serve` generates a permit key that is valid until it exits. */
export function hasPermitKey({ SPENDCAP_PERMIT_KEY = '' }: Environment): boolean {
  return SPENDCAP_PERMIT_KEY !== '';
}

/**
 * The signing key of permits, generated if unset. It is never printed.
 *
 * @throws UsageError if it is not JSON
 */
async function permitKeyOf(environment: Environment): Promise<Readonly<Record<string, unknown>>> {
  if (!hasPermitKey(environment)) return { ...(await generatePermitKey()) };
  try {
    const key: unknown = parseJson(environment.SPENDCAP_PERMIT_KEY ?? '');
    if (typeof key === 'object' && key !== null) return { ...key };
  } catch {
    // The parser's message would quote the key.
  }
  throw new UsageError('SPENDCAP_PERMIT_KEY must be a private JWK in JSON');
}

/**
 * The signer of permits.
 *
 * @throws UsageError if the key cannot sign
 */
export async function permitSignerOf(
  environment: Environment,
  parties: { readonly issuer: string; readonly audience: string },
): Promise<ReturnType<typeof permits>> {
  const key = await permitKeyOf(environment);
  try {
    return permits({ key, ...parties });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message.replace('a signing key', 'SPENDCAP_PERMIT_KEY'));
  }
}

/**
 * @throws UsageError for an unknown store, or one that cannot serve; the message says what to do
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
    throw storeFault(error);
  }
}
