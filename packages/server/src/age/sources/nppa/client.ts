import { parseJson } from '@spendcap/core';
import { boundedFetch } from '../../../jwt/bounded-fetch.ts';
import { evidenceInvalid, unavailable } from './faults.ts';
import { type Throttle, throttle } from './throttle.ts';
import { encryptBody, type NppaCredentials, signature } from './wire.ts';

/** The three calls of the real-name system. */
export type NppaApi = 'check' | 'query' | 'loginout';

export interface NppaCalls {
  readonly credentials: NppaCredentials;
  readonly endpoints: Readonly<Record<NppaApi, URL>>;
  readonly callsPerSecond: Readonly<Record<NppaApi, number>>;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  readonly now: () => number;
}

/** The content of a call: query parameters, or a body to encrypt. */
export interface NppaRequest {
  readonly query?: Readonly<Record<string, string>>;
  readonly plain?: unknown;
}

/** A well-formed answer, with `errcode` 0 or another that the caller accepts. */
export interface NppaAnswer {
  readonly errcode: number;
  readonly data: unknown;
}

const ATTEMPTS = 3;
const BACKOFF_MS = 200;
const BLOCK_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024;

const SYSTEM_ERROR = 1001;
const BUSY = 1006;
const EXPIRED = 1007;
const ID_NUMBER_ILLEGAL = 2001;
const RESOURCE_LIMIT = 2002;

/**
 * Calls the real-name system (interface specification V1.8 of 2021-02-20). Each attempt has its own
 * timestamp and IV, and passes the API's throttle.
 *
 * | outcome | action |
 * |---|---|
 * | 1001, no answer, 5xx | retried, three attempts in all, 200 and 400 ms apart |
 * | 1007 timestamp expired | retried immediately with a new one, three attempts in all |
 * | 1006 over the limit | no call of this API for a minute, as long as the system itself blocks |
 * | every other code | an error, never retried |
 */
export function nppaClient(calls: NppaCalls) {
  const throttles: Readonly<Record<NppaApi, Throttle>> = {
    check: throttle(calls.callsPerSecond.check, calls.now),
    query: throttle(calls.callsPerSecond.query, calls.now),
    loginout: throttle(calls.callsPerSecond.loginout, calls.now),
  };

  return {
    /** @param accepted codes besides 0 that the caller handles */
    async call(api: NppaApi, request: NppaRequest, accepted: readonly number[] = []) {
      for (let attempt = 1; ; attempt += 1) {
        await throttles[api].take();
        const answer = await send(calls, api, request);
        if (typeof answer === 'string') {
          if (attempt === ATTEMPTS || answer === 'answer_invalid') throw unavailable(answer);
          await pause(attempt);
          continue;
        }
        const { errcode } = answer;
        if (errcode === 0 || accepted.includes(errcode)) return answer;
        if (errcode === BUSY) throttles[api].block(calls.now() + BLOCK_MS);
        if (attempt === ATTEMPTS || (errcode !== SYSTEM_ERROR && errcode !== EXPIRED)) {
          throw faultOf(errcode);
        }
        if (errcode === SYSTEM_ERROR) await pause(attempt);
      }
    },
  };
}

export type NppaClient = ReturnType<typeof nppaClient>;

function pause(attempt: number): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, BACKOFF_MS * attempt));
}

function faultOf(errcode: number) {
  if (errcode === ID_NUMBER_ILLEGAL) return evidenceInvalid('id_number_illegal');
  if (errcode === SYSTEM_ERROR) return unavailable('system_error', errcode);
  if (errcode === EXPIRED) return unavailable('clock_skewed', errcode);
  const limited = errcode === BUSY || errcode === RESOURCE_LIMIT;
  return unavailable(limited ? 'rate_limited' : 'refused', errcode);
}

async function send(
  calls: NppaCalls,
  api: NppaApi,
  { query = {}, plain }: NppaRequest,
): Promise<NppaAnswer | 'timeout' | 'unreachable' | 'answer_invalid'> {
  const { secretKey, appId, bizId } = calls.credentials;
  const url = new URL(calls.endpoints[api]);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const system = { appId, bizId, timestamps: String(calls.now()) };
  const body = plain === undefined ? '' : encryptBody(secretKey, plain);
  const signed = { ...Object.fromEntries(url.searchParams), ...system };
  const headers = { ...system, sign: signature(secretKey, signed, body) };
  const init =
    body === ''
      ? { method: 'GET', headers }
      : { method: 'POST', headers: { ...headers, 'content-type': JSON_TYPE }, body };
  const got = await boundedFetch(url, init, { ...calls, maxBytes: MAX_ANSWER_BYTES });
  if (got === 'too_large') return 'answer_invalid';
  if (typeof got === 'string') return got;
  return got.status >= 500 ? 'unreachable' : readAnswer(got.text);
}

const JSON_TYPE = 'application/json; charset=utf-8';

function readAnswer(text: string): NppaAnswer | 'answer_invalid' {
  try {
    const { errcode, data } = parseJson(text) as { errcode: number; data: unknown };
    // Four digits, so that nothing else can get into a message.
    if (Number.isInteger(errcode) && errcode >= 0 && errcode <= 9999) return { errcode, data };
  } catch {
    // Without the error, which would quote the answer.
  }
  return 'answer_invalid';
}
