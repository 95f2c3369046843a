import { assertOptions, type OptionNames } from '@spendcap/core';
import type { AgeSource } from '../source.ts';
import { type NppaApi, nppaClient } from './client.ts';
import { evidenceInvalid, unavailable } from './faults.ts';
import { nppaRecords } from './records.ts';
import { findingOf, type Registration, registrar } from './registration.ts';
import { type NppaReportFault, type NppaSession, reportSessions } from './report.ts';
import type { NppaStore } from './store.ts';
import type { NppaCredentials } from './wire.ts';

export type { NppaFault } from './faults.ts';
export { memoryNppaStore } from './store.ts';
export type { NppaApi, NppaCredentials, NppaReportFault, NppaSession, NppaStore };

/** A player's account, and to register it the name and the ID card number of the person. */
export type NppaEvidence =
  | { readonly account: string }
  | { readonly account: string; readonly name: string; readonly idNumber: string };

export interface NppaOptions extends NppaCredentials {
  /**
   * Secret of 16 bytes or more, from which pseudonyms of persons and the encryption of records are
   * derived. Never change it, and use the same for all games of the enterprise: their caps are
   * summed by the pseudonym.
   */
  readonly personKey: Uint8Array | string;
  readonly store: NppaStore;
  /**
   * The account's id at the system, 1 to 32 letters, digits, `-` or `_`, unique in the game.
   * Default an HMAC, which reveals nothing about the account. Pass your own if players are
   * registered already.
   */
  readonly ai?: (account: string) => string;
  /**
   * Other addresses: of the test system, or of a proxy. https, except for this machine and api2.
   */
  readonly endpoints?: Partial<Readonly<Record<NppaApi, URL>>>;
  /**
   * This process's share of the system's limits. Default all: check 100, query 300, loginout 10.
   */
  readonly callsPerSecond?: Partial<Readonly<Record<NppaApi, number>>>;
  /** Per attempt. Default 5000, as the specification advises. */
  readonly timeoutMs?: number;
  /**
   * Called with the `pi` of each verified account, at least once, since sessions are reported with
   * it. It contains the birth date: store it encrypted. Without this function it never leaves the
   * source.
   */
  readonly keepPi?: (registered: { account: string; pi: string }) => Promise<void>;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

export interface NppaSource extends AgeSource<NppaEvidence> {
  /**
   * Reports sessions, which the law requires of games (unrelated to the age). Resolves to those
   * that were not accepted. If it rejects, the batches of 128 before the failing one were accepted.
   */
  loginout(sessions: readonly NppaSession[]): Promise<readonly NppaReportFault[]>;
  /**
   * Deletes an account, so that it can be registered again, also for someone else: five minutes
   * after the system returned its result, and not while it is pending.
   */
  forget(account: string): Promise<void>;
}

// As in the specification, which has no https for api2.
const ENDPOINTS: Readonly<Record<NppaApi, string>> = {
  check: 'https://api.wlc.nppa.gov.cn/idcard/authentication/check',
  query: 'http://api2.wlc.nppa.gov.cn/idcard/authentication/query',
  loginout: 'http://api2.wlc.nppa.gov.cn/behavior/collection/loginout',
};
const PLAIN_HOSTS = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|api2\.wlc\.nppa\.gov\.cn)$/;
const LIMITS: Readonly<Record<NppaApi, number>> = { check: 100, query: 300, loginout: 10 };
const APIS: readonly NppaApi[] = ['check', 'query', 'loginout'];

const SECRET_KEY = /^[0-9a-f]{32}$/i;
const HEADER = /^[\x21-\x7e]{1,64}$/;
const AI = /^[\w-]{1,32}$/;
const ACCOUNT = /^[^\p{Cc}\p{Cs}]{1,255}$/u;
const NAME = /^[^\p{Cc}\p{Cs}]{1,32}$/u;
// Not its check digit: some valid numbers fail it.
const ID_NUMBER = /^\d{17}[\dX]$/;
/**
 * Passports, travel permits, ID cards of Hong Kong, permanent residence cards before 2023: letters
 * and digits, where a mistyped ID number has digits and maybe an X at its end. And the eight digits
 * of a permit for residents of Taiwan.
 */
const OTHER_DOCUMENT = /^(?=.*(?:[A-WYZ]|X.))(?=.*\d)[A-Z\d()]{6,17}$|^\d{8}$/;

const NPPA_SOURCE_OPTIONS: OptionNames<NppaOptions> = {
  appId: true,
  bizId: true,
  secretKey: true,
  personKey: true,
  store: true,
  ai: true,
  endpoints: true,
  callsPerSecond: true,
  timeoutMs: true,
  keepPi: true,
  fetch: true,
  now: true,
};

/**
 * Ages from China's real-name system for games (NPPA, interface specification V1.8). An account is
 * registered once with a name and an ID number; after that the account is enough. While the system
 * is still checking, `verify` rejects with `age_evidence_pending`, up to 48 hours.
 *
 * Of the system's answer only this is stored, encrypted: a pseudonym of the person, and a minor's
 * month of birth. So a minor counts as a year older by the last day of that month, never before the
 * birthday; of an adult only that they are one.
 *
 * Rejects with `age_evidence_invalid` or `age_source_unavailable`; `why` is an `NppaFault`.
 *
 * @throws TypeError for options that can never work
 * @example
 * ```ts
 * import { fakeNppa } from '@spendcap/sandbox';
 * import { memoryNppaStore, nppaSource } from '@spendcap/server/age/sources/nppa';
 * const fake = fakeNppa();
 * const source = nppaSource({
 *   ...fake.credentials,
 *   personKey: 'at least sixteen secret bytes',
 *   store: memoryNppaStore(),
 *   fetch: fake.fetch,
 * });
 * const identity = { name: '某一一', idNumber: '110000190101010001' };
 * const finding = await source.verify({ account: 'player-1', ...identity }, { at: Date.now() });
 * finding.range; // => { min: 18, maxExclusive: null }
 * (await source.verify({ account: 'player-1' }, { at: Date.now() })).assurance; // => 'verified'
 * ```
 */
export function nppaSource(options: NppaOptions): NppaSource {
  assertOptions('nppaSource', options, NPPA_SOURCE_OPTIONS);
  const { bizId, now = Date.now } = options;
  assertCredentials(options);
  const records = nppaRecords(options.store, options.personKey);
  const client = nppaClient({
    credentials: options,
    endpoints: endpointsOf(options),
    callsPerSecond: limitsOf(options),
    timeoutMs: options.timeoutMs ?? 5_000,
    fetch: options.fetch ?? fetch,
    now,
  });
  const { ai = (account) => records.ai(bizId, account), keepPi = async () => {} } = options;
  const register = registrar({ client, records, keepPi, now });

  return {
    kind: 'nppa',
    async verify(evidence, { at, subject }) {
      const { account, identity } = readEvidence(evidence);
      if (subject !== undefined && subject !== account) throw evidenceInvalid('account_mismatch');
      const id = ai(account);
      if (!AI.test(id)) throw evidenceInvalid('malformed');
      const registration = { account, identity, ai: id, key: records.key(bizId, account) };
      return findingOf(await register(registration), at);
    },
    loginout: (sessions) => reportSessions(client, sessions, now),
    async forget(account) {
      const key = records.key(bizId, account);
      for (let round = 0; round < 3; round += 1) {
        if (await records.write(key, await records.read(key), null)) return;
      }
      throw unavailable('store_failed');
    },
  };
}

function readEvidence(evidence: NppaEvidence): Pick<Registration, 'account' | 'identity'> {
  const { account, name, idNumber } = (evidence ?? {}) as Readonly<Record<string, unknown>>;
  if (!isText(account, ACCOUNT)) throw evidenceInvalid('malformed');
  if (name === undefined && idNumber === undefined) return { account, identity: null };
  const identity = {
    name: typed(name).replace(MIDDLE_DOTS, '·'),
    idNumber: typed(idNumber).toUpperCase(),
  };
  if (!isText(identity.name, NAME)) throw evidenceInvalid('malformed');
  if (!isText(identity.idNumber, ID_NUMBER)) {
    const isOther = isText(identity.idNumber, OTHER_DOCUMENT);
    throw evidenceInvalid(isOther ? 'document_unsupported' : 'malformed');
  }
  return { account, identity };
}

/** Keyboards write names of minorities with any of these; the register has U+00B7. */
const MIDDLE_DOTS = /[\u2022\u2027\u2219\u22c5\u30fb]/g;

/** What a player typed: not full-width, without invisible signs and outer spaces. */
function typed(value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_TYPED) return '';
  return value
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim();
}

const MAX_TYPED = 128;

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function assertCredentials({ appId, bizId, secretKey, timeoutMs = 5_000 }: NppaOptions): void {
  if (!isText(secretKey, SECRET_KEY)) {
    throw new TypeError('secretKey must be 32 hexadecimal digits');
  }
  if (!isText(appId, HEADER) || !isText(bizId, HEADER)) {
    throw new TypeError('appId and bizId must be printable ASCII strings of 1 to 64 characters');
  }
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 60_000) {
    throw new TypeError('timeoutMs must be a whole number from 1 to 60000');
  }
}

function endpointsOf({ endpoints = {} }: NppaOptions): Readonly<Record<NppaApi, URL>> {
  const address = (api: NppaApi) => {
    const url = endpoints[api] ?? new URL(ENDPOINTS[api]);
    const isSafe = url.protocol === 'https:' || PLAIN_HOSTS.test(url.hostname);
    if (isSafe && url.protocol.startsWith('http') && url.username === '') return url;
    throw new TypeError(`endpoints.${api} must be an https URL without credentials`);
  };
  return { check: address('check'), query: address('query'), loginout: address('loginout') };
}

function limitsOf({ callsPerSecond }: NppaOptions): Readonly<Record<NppaApi, number>> {
  const limits = { ...LIMITS, ...callsPerSecond };
  for (const api of APIS) {
    const limit = limits[api];
    if (!Number.isInteger(limit) || limit < 1 || limit > LIMITS[api]) {
      throw new TypeError(`callsPerSecond.${api} must be a whole number from 1 to ${LIMITS[api]}`);
    }
  }
  return limits;
}
