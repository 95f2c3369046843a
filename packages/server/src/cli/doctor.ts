import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { boundsOf, SpendcapError } from '@spendcap/core';
import type { AgeIssuer, JwkSet } from '../age/token/index.ts';
import { pseudonyms } from '../age/token/pseudonym.ts';
import { createAuthenticator } from '../http/auth.ts';
import { ageIssuersOf, verifierOf } from './age-issuers.ts';
import { DEV_JWKS_FILE } from './init-templates.ts';
import { readJsonFile } from './json-file.ts';
import { inspectKeySet, MAX_SKEW_SECONDS } from './key-sets.ts';
import { loadPolicy } from './policy.ts';
import { postgresTime } from './postgres.ts';
import { redisTime } from './redis.ts';
import {
  apiKeysOf,
  type Environment,
  openStore,
  permitSignerOf,
  type ServeFlags,
} from './settings.ts';
import { scanSources } from './source-scan.ts';
import { inCommandNames, UsageError } from './usage-error.ts';

/** The result of one check. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly check: string;
  readonly message: string;
}

/** What `spendcap init` writes into `.env.example` in place of a secret. */
const PLACEHOLDER = /change-me/i;

const YEAR_MS = 365.25 * 86_400_000;
const MAX_ZONE_DATA_YEARS = 2;

/** Of permits that are never signed. */
const PARTIES = { issuer: 'spendcap', audience: 'payments' } as const;

/** A check that finds something to report, and fails if it throws. */
type Check = () => readonly Finding[] | Promise<readonly Finding[]>;

/**
 * Checks everything that a purchase needs, and the sources of a project: a line per finding. It
 * writes nothing, except that a SQLite file is created if it is absent.
 *
 * @param folder of the project
 */
export async function examine(
  flags: Partial<ServeFlags>,
  { folder, environment: env, now = Date.now }: DoctorOptions,
): Promise<readonly Finding[]> {
  const checks: Readonly<Record<string, Check>> = {
    policy: () => policyFindings(flags.policy, now()),
    store: () => storeFindings(flags, env, now),
    'age issuers': () => issuerFindings(flags, { folder, now }),
    variables: () => variableFindings(env),
    sources: () => sourceFindings(folder, env),
  };
  const findings: Finding[] = [{ level: 'ok', check: 'Node.js', message: process.version }];
  for (const [check, find] of Object.entries(checks)) {
    findings.push(...(await foundBy(check, find)));
  }
  return findings;
}

async function foundBy(check: string, find: Check): Promise<readonly Finding[]> {
  try {
    return await find();
  } catch (error) {
    if (!isExplained(error)) throw error;
    return [{ level: 'fail', check, message: inCommandNames(error.message) }];
  }
}

interface DoctorOptions {
  readonly folder: string;
  readonly environment: Environment;
  readonly now?: () => number;
}

/** Its message is written for the caller, and quotes no secret. */
function isExplained(error: unknown): error is Error {
  return (
    error instanceof UsageError || error instanceof TypeError || SpendcapError.isInstance(error)
  );
}

function policyFindings(name: string | undefined, now: number): Finding[] {
  if (name === undefined) return [missing('policy', '--policy')];
  const policy = loadPolicy(name);
  const { id, version, effectiveFrom, timeZone } = policy;
  const today = new Date(now).toISOString().slice(0, 10);
  const isEarly = effectiveFrom > today;
  const message = `${id} ${version}, in effect from ${effectiveFrom}`;
  return [{ level: isEarly ? 'fail' : 'ok', check: 'policy', message }, zoneFinding(timeZone, now)];
}

/** Windows are computed from the zone data of Node.js, which a government may have overtaken. */
function zoneFinding(timeZone: string, now: number): Finding {
  const { start, end } = boundsOf('day', now, timeZone);
  const data = process.versions.tz;
  const year = Number(/^\d{4}/.exec(data ?? '')?.[0]);
  const isOld = !(year >= new Date(now - MAX_ZONE_DATA_YEARS * YEAR_MS).getUTCFullYear());
  const today = `${new Date(start ?? now).toISOString()} to ${new Date(end ?? now).toISOString()}`;
  const message = `${timeZone}, today is ${today}, data ${data ?? 'unknown'}`;
  return { level: isOld ? 'warn' : 'ok', check: 'time zone', message };
}

/** Of the stores that are servers: their time, by the kind of location. */
const TIMES: Readonly<Record<string, (location: string) => Promise<number>>> = {
  postgres: postgresTime,
  postgresql: postgresTime,
  redis: redisTime,
  rediss: redisTime,
};

async function storeFindings(
  { store: location, schema = 'spendcap' }: Partial<ServeFlags>,
  env: Environment,
  now: () => number,
): Promise<Finding[]> {
  const wanted = location ?? env.SPENDCAP_STORE;
  if (wanted === undefined) return [missing('store', '--store')];
  const kind = wanted.slice(0, wanted.indexOf(':'));
  if (kind === 'memory') {
    return [
      { level: 'warn', check: 'store', message: 'memory: every restart forgets all spending' },
    ];
  }
  const store = await openStore({ store: wanted, schema });
  try {
    await store.ready();
    const ready: Finding = { level: 'ok', check: 'store', message: `${kind}, takes writes` };
    const time = TIMES[kind];
    if (time === undefined) return [ready];
    // Replicas and their store should agree on the day that a purchase counts in.
    return [ready, clockFinding((now() - (await time(wanted))) / 1000, 'the store')];
  } finally {
    await store.close();
  }
}

async function issuerFindings(
  flags: Partial<ServeFlags>,
  where: KeyPlace,
): Promise<readonly Finding[]> {
  const { ageIssuers, ageIssuer, ageAudience, ageJwks } = flags;
  if (ageIssuers === undefined && !(ageIssuer && ageAudience && ageJwks)) {
    const options = '--age-issuer, --age-audience and --age-jwks';
    const message = `missing ageIssuers in spendcap.json, or ${options}`;
    return [{ level: 'fail', check: 'age issuers', message }];
  }
  const issuers = ageIssuersOf(flags);
  // As `serve` makes it.
  verifierOf(issuers, flags, {});
  const found = await Promise.all(issuers.map((issuer) => keyFindings(issuer, where)));
  return found.flat();
}

interface KeyPlace {
  readonly folder: string;
  readonly now: () => number;
}

/** Whoever has its key file can claim any age. */
function isTestIssuer({ keys }: JwkSet, folder: string): boolean {
  const file = join(folder, DEV_JWKS_FILE);
  if (!existsSync(file)) return false;
  const test = readJsonFile(file, 'a JWK Set') as JwkSet;
  return keys.some(({ kid }) => test.keys.some((known) => known.kid === kid));
}

async function keyFindings(from: AgeIssuer, { folder, now }: KeyPlace): Promise<Finding[]> {
  const { issuer, fault, algorithms, skewSeconds } = await inspectKeySet(from, now);
  const level = fault === null ? 'ok' : 'fail';
  const keys = `${issuer}: ${fault ?? algorithms.join(', ')}`;
  const findings: Finding[] = [{ level, check: 'key set', message: keys }];
  if (!(from.jwks instanceof URL) && isTestIssuer(from.jwks, folder)) {
    const message = `${issuer} is the test issuer of spendcap init: not for production`;
    findings.push({ level: 'warn', check: 'key set', message });
  }
  if (skewSeconds === null) return findings;
  return [...findings, clockFinding(skewSeconds, issuer)];
}

function clockFinding(aheadSeconds: number, of: string): Finding {
  const seconds = Math.round(aheadSeconds);
  const isSkewed = Math.abs(seconds) > MAX_SKEW_SECONDS;
  const message = seconds < 0 ? `${-seconds} s behind ${of}` : `${seconds} s ahead of ${of}`;
  return { level: isSkewed ? 'fail' : 'ok', check: 'clock', message };
}

async function variableFindings(env: Environment): Promise<Finding[]> {
  const check = 'variables';
  const { SPENDCAP_SUBJECT_KEY: subjectKey = '', SPENDCAP_PERMIT_KEY: permitKey = '' } = env;
  const findings: Finding[] = Object.entries(env)
    .filter(([name, value = '']) => /^SPENDCAP_|^STRIPE_/.test(name) && PLACEHOLDER.test(value))
    .map(([name]) => ({ level: 'warn', check, message: `${name} is the value of .env.example` }));
  const unset = (level: Finding['level'], name: string, why: string) =>
    findings.push({ level, check, message: `${name} is not set: ${why}` });
  const attempt = async (use: () => unknown) => {
    findings.push(
      ...(await foundBy(check, async () => {
        await use();
        return [];
      })),
    );
  };
  const apiKeys = apiKeysOf(env);
  if (apiKeys.length === 0) unset('warn', 'SPENDCAP_API_KEYS', 'serve needs it');
  else await attempt(() => createAuthenticator(apiKeys));
  if (subjectKey === '') unset('warn', 'SPENDCAP_SUBJECT_KEY', 'pseudonyms can be computed');
  else await attempt(() => pseudonyms(subjectKey));
  if (permitKey === '') unset('warn', 'SPENDCAP_PERMIT_KEY', 'each start signs with another key');
  else await attempt(() => permitSignerOf(env, PARTIES));
  return findings.length > 0 ? findings : [{ level: 'ok', check, message: 'all set' }];
}

function sourceFindings(folder: string, env: Environment): Finding[] {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return [];
  const check = 'sources';
  const findings: Finding[] = scanSources(folder).map(({ place, message }) => ({
    level: 'fail',
    check,
    message: `${place}: ${message}`,
  }));
  const usesStripe = /"stripe"\s*:/.test(readFileSync(manifest, 'utf8'));
  const hasSecret = Object.values(env).some((value) => value?.startsWith('whsec_'));
  if (usesStripe && !hasSecret) {
    const message = 'no variable has a secret of Stripe webhooks (whsec_...)';
    findings.push({ level: 'warn', check: 'webhook', message });
  }
  if (findings.length > 0) return findings;
  return [{ level: 'ok', check, message: 'every client is guarded, every webhook unparsed' }];
}

function missing(check: string, what: string): Finding {
  return { level: 'fail', check, message: `missing ${what}: in spendcap.json, or as an option` };
}
