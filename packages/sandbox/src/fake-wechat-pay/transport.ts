import { createPublicKey, createSign } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertOptions } from '@spendcap/core';
import { WechatError } from './errors.ts';
import { type PlatformKey, rsaPair } from './keys.ts';
import type { JsonObject } from './objects.ts';
import { perform } from './routes.ts';
import type { State } from './state.ts';
import { checkRequest, type ReceivedRequest, signatureHeaders } from './wire.ts';

/**
 * A fault of the next matching request:
 * - `refuse`: responds with `status` and `code` without executing the request
 * - `error`: responds with 500 without executing the request
 * - `rate_limit`: responds with 429 without executing the request
 * - `drop_before`: closes the connection without executing the request
 * - `drop`: executes the request and closes the connection without a response
 * - `delay`: executes the request after `milliseconds`
 * - `unsigned`, `probe`, `wrong_serial`, `stale`: executes the request; the signature of the
 *   response is missing, one of WeChat's test signatures, of an unknown key, or an hour old
 */
export interface FakeWechatFault {
  readonly kind: (typeof FAULTS)[number];
  /** Only requests whose `METHOD /path` contains this. */
  readonly on?: string;
  /** Number of requests. Default 1. */
  readonly times?: number;
  readonly milliseconds?: number;
  /** Of `refuse`. Default 403. */
  readonly status?: number;
  /** Of `refuse`. Default `NO_AUTH`. */
  readonly code?: string;
}

const FAULTS = [
  ...(['refuse', 'error', 'rate_limit', 'drop_before', 'drop', 'delay'] as const),
  ...(['unsigned', 'probe', 'wrong_serial', 'stale'] as const),
];

/** A received request, regardless of its result. */
export interface FakeWechatRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly body: string;
  /** The status of the response; 0 if the connection was closed. */
  readonly status: number;
}

/** How a message is signed; everything but `valid` must be rejected by its receiver. */
export type FakeWechatSignature = 'valid' | 'unsigned' | 'probe' | 'wrong_serial' | 'stale';

interface Result {
  readonly status: number;
  readonly body: JsonObject | null;
}

interface Merchant {
  readonly serialNo: string;
  readonly privateKeyPem: string;
  /** The key that signs now. */
  readonly signingKey: () => PlatformKey;
}

/** The HTTP side: the merchant's signature, signed answers and injected faults. */
export function createTransport(state: State, merchant: Merchant) {
  const seen: FakeWechatRequest[] = [];
  const faults: { readonly fault: FakeWechatFault; left: number }[] = [];
  const publicKey = createPublicKey(merchant.privateKeyPem);

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const { method, headers } = request;
    const received = {
      method,
      target: url.pathname + url.search,
      authorization: headers.get('authorization'),
      body: method === 'GET' ? '' : await request.text(),
    };
    const fault = takeFault(`${method} ${url.pathname}`);
    const note = (status: number) =>
      seen.push({ method, target: received.target, body: received.body, status });
    if (fault?.kind === 'delay') await sleep(fault.milliseconds ?? 50);
    const answer =
      fault?.kind === 'drop_before' ? null : run(() => execute(received, { url, headers, fault }));
    if (answer === null || fault?.kind === 'drop') {
      note(0);
      return Response.error();
    }
    note(answer.status);
    return signed(answer, { kind: kindOf(fault), key: keyFor(headers.get('wechatpay-serial')) });
  }

  function execute(
    received: ReceivedRequest,
    { url, headers, fault }: { url: URL; headers: Headers; fault: FakeWechatFault | undefined },
  ): JsonObject | null {
    const { mchId } = state;
    checkRequest(received, { mchId, serialNo: merchant.serialNo, publicKey, now: state.now() });
    if (!headers.get('accept')?.includes('application/json')) {
      throw new WechatError(406, 'INVALID_REQUEST', 'Accept: application/json');
    }
    if (fault?.kind === 'error') throw new WechatError(500, 'SYSTEM_ERROR', '系统异常');
    if (fault?.kind === 'rate_limit') throw new WechatError(429, 'FREQUENCY_LIMITED', '频率超限');
    if (fault?.kind === 'refuse') {
      throw new WechatError(fault.status ?? 403, fault.code ?? 'NO_AUTH', '没有权限');
    }
    return perform(state, { method: received.method, url, params: parse(received.body) });
  }

  function takeFault(target: string): FakeWechatFault | undefined {
    const found = faults.find(({ fault, left }) => left > 0 && target.includes(fault.on ?? ''));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  /** The key that the request names, so that its sender can verify the answer. */
  function keyFor(serial: string | null): PlatformKey {
    const keys = [...state.certificates, state.publicKey];
    return keys.find((key) => key.serial === serial) ?? merchant.signingKey();
  }

  function signed(answer: Result, { kind, key }: { kind: FakeWechatSignature; key: PlatformKey }) {
    const body = answer.body === null ? '' : JSON.stringify(answer.body);
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'request-id': `08F${seen.length}`,
      ...headersOf(body, { kind, key, now: state.now() }),
    };
    return new Response(answer.status === 204 ? null : body, { status: answer.status, headers });
  }

  return {
    handle,
    seen,
    fail(fault: FakeWechatFault): void {
      const names = { kind: true, on: true, times: true, milliseconds: true } as const;
      assertOptions('fail', fault, { ...names, status: true, code: true });
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

function kindOf(fault: FakeWechatFault | undefined): FakeWechatSignature {
  const kind = fault?.kind;
  const bad = kind === 'unsigned' || kind === 'probe' || kind === 'wrong_serial';
  return bad || kind === 'stale' ? kind : 'valid';
}

export interface MessageKey {
  readonly kind: FakeWechatSignature;
  readonly key: PlatformKey;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The signature headers of an answer or a notification. */
export function headersOf(body: string, { kind, key, now }: MessageKey): Record<string, string> {
  if (kind === 'unsigned') return {};
  const timestamp = Math.floor(now / 1000) - (kind === 'stale' ? 3600 : 0);
  const stranger = { serial: 'PUB_KEY_ID_0', privateKey: rsaPair('stranger').privateKey };
  const by = kind === 'wrong_serial' ? stranger : key;
  const headers = signatureHeaders(body, { ...by, timestamp });
  if (kind !== 'probe') return headers;
  // https://pay.weixin.qq.com/doc/v3/merchant/4016241880: such a message must be rejected.
  const noise = createSign('sha256').update(String(timestamp)).sign(stranger.privateKey, 'base64');
  return { ...headers, 'wechatpay-signature': `WECHATPAY/SIGNTEST/${noise.slice(0, 344)}` };
}

function parse(body: string): JsonObject {
  if (body === '') return {};
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return value as JsonObject;
  } catch {
    // Refused below.
  }
  throw new WechatError(400, 'INVALID_REQUEST', 'HTTP 请求不符合微信支付 APIv3 接口规则');
}

function run(perform: () => JsonObject | null): Result {
  try {
    const body = perform();
    return { status: body === null ? 204 : 200, body };
  } catch (error) {
    if (!(error instanceof WechatError)) throw error;
    return { status: error.status, body: { ...error.body } };
  }
}
