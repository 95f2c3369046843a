import { randomUUID } from 'node:crypto';
import { GatewayError } from './errors.ts';
import type { FakeAlipayFault } from './faults.ts';
import { refuseFor } from './gateway.ts';
import { METHODS, perform } from './methods.ts';
import type { Site } from './site.ts';
import { jsonText, signRsa2, verifyRsa2 } from './wire.ts';

export interface RestCall {
  readonly verb: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: string;
}

/** `/v3/alipay/trade/query` is the method `alipay.trade.query`. */
export function restMethod(path: string): string {
  return path.replace(/^\/v3\//, '').replaceAll('/', '.');
}

const SCHEME = 'ALIPAY-SHA256withRSA ';

/**
 * The response of the v3 API: the status says whether it failed, and headers carry the signature.
 */
export function answerRest(site: Site, call: RestCall, fault?: FakeAlipayFault): Response {
  try {
    return signed(site, { status: 200, body: execute(site, call, fault), fault });
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { code, subCode } = error;
    // Which status goes with which code is not published; the client only looks for 400 and above.
    const isSystem = code === '20000' || subCode === 'ACQ.SYSTEM_ERROR';
    const status = isSystem ? 500 : code === '40005' ? 429 : 400;
    const body = { code: subCode.replace(/^is[vp]\./, ''), message: subCode, links: [] };
    return signed(site, { status, body, fault });
  }
}

function execute(site: Site, call: RestCall, fault?: FakeAlipayFault): object {
  const method = restMethod(call.target.replace(/\?.*/, ''));
  if (call.verb !== 'POST' || !METHODS.has(method)) {
    throw new GatewayError('40002', 'isv.invalid-method');
  }
  assertAuthorized(site, call);
  refuseFor(fault);
  const biz = JSON.parse(call.body === '' ? '{}' : call.body);
  const notifyUrl = typeof biz.notify_url === 'string' ? biz.notify_url : null;
  const [running, isLost] = [fault?.kind === 'running', fault?.kind === 'failed'];
  const { code, fields } = perform(site.state, method, { biz, notifyUrl, running, isLost });
  return code === undefined ? fields : { ...fields, code };
}

function assertAuthorized({ state, merchantKey }: Site, call: RestCall): void {
  const header = call.headers.get('authorization') ?? '';
  const match = /^ALIPAY-SHA256withRSA (.+),sign=([^,]+)$/.exec(header);
  if (!header.startsWith(SCHEME) || match === null) {
    throw new GatewayError('40001', 'isv.missing-signature');
  }
  const [, auth = '', signature = ''] = match;
  const fields = new Map(auth.split(',').map((each) => each.split('=', 2) as [string, string]));
  if (fields.get('app_id') !== state.appId) throw new GatewayError('40002', 'isv.invalid-app-id');
  if (!fields.has('nonce') || !/^\d{13}$/.test(fields.get('timestamp') ?? '')) {
    throw new GatewayError('40002', 'isv.illegal-timestamp');
  }
  const token = call.headers.get('alipay-app-auth-token');
  const lines = [auth, call.verb, call.target, call.body, ...(token === null ? [] : [token])];
  if (!verifyRsa2(`${lines.join('\n')}\n`, signature, merchantKey)) {
    throw new GatewayError('40002', 'isv.invalid-signature');
  }
}

interface Signed {
  readonly status: number;
  readonly body: object;
  readonly fault: FakeAlipayFault | undefined;
}

function signed({ state, alipayKey, foreignKey }: Site, { status, body, fault }: Signed): Response {
  const text = jsonText(body);
  const [timestamp, nonce] = [String(state.now()), randomUUID()];
  const key = fault?.kind === 'forged' ? foreignKey : alipayKey;
  const signature = signRsa2(`${timestamp}\n${nonce}\n${text}\n`, key);
  return new Response(text, {
    status,
    headers: {
      'content-type': 'application/json',
      'alipay-timestamp': timestamp,
      'alipay-nonce': nonce,
      'alipay-trace-id': nonce,
      ...(fault?.kind === 'unsigned' ? {} : { 'alipay-signature': signature }),
    },
  });
}
