import { createPublicKey, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertOptions } from '@spendcap/core';
import { jwtVerify } from 'jose';
import { p256 } from '../wallet/signer.ts';
import { type Answer, perform } from './api.ts';
import { AppStoreError } from './errors.ts';
import type { JsonObject, State } from './state.ts';

/**
 * A fault of the next matching request:
 * - `refuse`: responds with `errorCode` without executing the request
 * - `error`: responds with 500 without executing the request
 * - `rate_limit`: responds with 429, and `Retry-After` as a date in milliseconds
 * - `unauthorized`: responds with 401 and no body, as for a key that was revoked
 * - `html`: responds with 502 and a page of some proxy
 * - `drop_before`: closes the connection without executing the request
 * - `drop`: executes the request and closes the connection without a response
 * - `delay`: executes the request after `milliseconds`
 */
export interface FakeAppStoreFault {
  readonly kind: (typeof FAULTS)[number];
  /** Only requests whose `METHOD /path` contains this. */
  readonly on?: string;
  /** Number of requests. Default 1. */
  readonly times?: number;
  /** Of `delay`. Default 50. */
  readonly milliseconds?: number;
  /** Of `refuse`, such as 4040010; it begins with the HTTP status. Default 4040002. */
  readonly errorCode?: number;
}

const FAULTS = [
  ...(['refuse', 'error', 'rate_limit', 'unauthorized', 'html'] as const),
  ...(['drop_before', 'drop', 'delay'] as const),
];

/** A received request, regardless of its result. */
export interface FakeAppStoreRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly body: string;
  /** The status of the response; 0 if the connection was closed. */
  readonly status: number;
}

/** What `new AppStoreServerAPIClient` takes, in its order. */
export interface FakeAppStoreKey {
  /** PKCS 8, PEM. */
  readonly signingKey: string;
  readonly keyId: string;
  readonly issuerId: string;
  readonly bundleId: string;
}

const NOTHING_SENT = 0;

/** The HTTP side: the key of the developer account, and injected faults. */
export function createTransport(state: State) {
  const seen: FakeAppStoreRequest[] = [];
  const faults: { readonly fault: FakeAppStoreFault; left: number }[] = [];
  const privateKey = p256();
  const publicKey = createPublicKey(privateKey);
  const key: FakeAppStoreKey = {
    signingKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ...{ keyId: 'FAKE000001', issuerId: '57246542-96fe-1a63-e053-0824d011072a' },
    bundleId: state.bundleId,
  };

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const { method, headers } = request;
    const body = method === 'GET' ? '' : await request.text();
    const fault = takeFault(`${method} ${url.pathname}`);
    const note = (status: number) =>
      seen.push({ method, target: url.pathname + url.search, body, status });
    if (fault?.kind === 'delay') await sleep(fault.milliseconds ?? 50);
    const isKnown =
      fault?.kind !== 'unauthorized' && (await isAuthorized(headers, { ...key, publicKey }));
    const answer: Answer | null =
      fault?.kind === 'drop_before'
        ? null
        : isKnown
          ? answerTo(fault, () => perform(state, { method, url, body: parse(body) }))
          : { status: 401 };
    if (answer === null || fault?.kind === 'drop') {
      note(NOTHING_SENT);
      return Response.error();
    }
    note(answer.status);
    return respond(state, answer);
  }

  function takeFault(target: string): FakeAppStoreFault | undefined {
    const found = faults.find(({ fault, left }) => left > 0 && target.includes(fault.on ?? ''));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  return {
    ...{ handle, seen, key },
    fail(fault: FakeAppStoreFault): void {
      const names = { kind: true, on: true, times: true, milliseconds: true } as const;
      assertOptions('fail', fault, { ...names, errorCode: true });
      if (!FAULTS.includes(fault.kind)) {
        throw new TypeError(`kind: expected one of ${FAULTS.join(', ')}`);
      }
      faults.push({ fault, left: fault.times ?? 1 });
    },
    heal(): void {
      faults.length = 0;
    },
  };
}

/** The token is stamped by the clock of the machine that calls, whatever the fake's clock says. */
async function isAuthorized(
  headers: Headers,
  { publicKey, keyId, issuerId, bundleId }: FakeAppStoreKey & { readonly publicKey: KeyObject },
): Promise<boolean> {
  const token = /^Bearer (\S+)$/.exec(headers.get('authorization') ?? '')?.[1] ?? '';
  try {
    const { payload, protectedHeader } = await jwtVerify(token, publicKey, {
      ...{ algorithms: ['ES256'], typ: 'JWT', issuer: issuerId, audience: 'appstoreconnect-v1' },
      requiredClaims: ['exp'],
      maxTokenAge: '60m',
    });
    return protectedHeader.kid === keyId && payload.bid === bundleId;
  } catch {
    return false;
  }
}

function answerTo(fault: FakeAppStoreFault | undefined, execute: () => Answer): Answer {
  try {
    if (fault?.kind === 'error') throw new AppStoreError(5_000_000, 'An unknown error occurred.');
    if (fault?.kind === 'rate_limit') throw new AppStoreError(4_290_000, 'Rate limit exceeded.');
    if (fault?.kind === 'html') return { status: 502 };
    if (fault?.kind === 'refuse') {
      throw new AppStoreError(fault.errorCode ?? 4_040_002, 'Refused by the fake.');
    }
    return execute();
  } catch (error) {
    if (!(error instanceof AppStoreError)) throw error;
    const { status, errorCode, message: errorMessage } = error;
    return { status, body: { errorCode, errorMessage } };
  }
}

function respond({ now }: State, { status, body }: Answer): Response {
  if (status === 502) {
    return new Response('<html>Bad gateway</html>', {
      ...{ status, headers: { 'content-type': 'text/html' } },
    });
  }
  const text = body === undefined ? null : JSON.stringify(body);
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(status === 429 && { 'retry-after': String(now() + 60_000) }),
  };
  return new Response(text, { status, headers });
}

function parse(body: string): JsonObject {
  if (body === '') return {};
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return value as JsonObject;
  } catch {
    // Refused below.
  }
  throw new AppStoreError(4_000_000, 'Bad request.');
}
