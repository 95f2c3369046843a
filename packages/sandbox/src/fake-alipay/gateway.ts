import { assertSigned, parseBiz } from './cashier.ts';
import { GatewayError } from './errors.ts';
import type { FakeAlipayFault } from './faults.ts';
import { METHODS, perform } from './methods.ts';
import { SIGNED_ORDERS } from './products.ts';
import type { Site } from './site.ts';
import { jsonText, type Params, signRsa2 } from './wire.ts';

/** A call of gateway v2: its method and parameters, of the address and of the form. */
export interface GatewayCall {
  readonly method: string;
  readonly params: Params;
}

/** @returns the parameters of a call; those in the address win */
export function gatewayCall(url: URL, body: string): GatewayCall {
  const params = {
    ...Object.fromEntries(new URLSearchParams(body)),
    ...Object.fromEntries(url.searchParams),
  };
  return { method: params.method ?? '', params };
}

/** The response of gateway v2: HTTP 200 with a signed object, or `error_response` without. */
export function answerGateway(site: Site, call: GatewayCall, fault?: FakeAlipayFault): Response {
  if (SIGNED_ORDERS.has(call.method)) return paymentPage();
  const key = `${call.method.replaceAll('.', '_')}_response`;
  try {
    return signed(site, { key, inner: execute(site, call, fault), fault });
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { code, message, subCode, unsigned } = error;
    const inner = { code, msg: message, sub_code: subCode, sub_msg: subCode };
    if (unsigned) return json(jsonText({ error_response: inner }));
    return signed(site, { key, inner, fault });
  }
}

function execute({ state, merchantKey }: Site, call: GatewayCall, fault?: FakeAlipayFault) {
  const { method, params } = call;
  if (!METHODS.has(method)) throw new GatewayError('40002', 'isv.invalid-method', true);
  assertSigned(state, params, merchantKey);
  refuseFor(fault);
  const { code = '10000', fields } = perform(state, method, {
    biz: parseBiz(params),
    notifyUrl: params.notify_url || null,
    running: fault?.kind === 'running',
    isLost: fault?.kind === 'failed',
  });
  return { code, msg: code === '10000' ? 'Success' : ' order success pay inprocess', ...fields };
}

/** Faults before the call is executed. */
export function refuseFor(fault: FakeAlipayFault | undefined): void {
  switch (fault?.kind) {
    case 'refuse':
      throw new GatewayError('40004', fault.subCode ?? 'ACQ.ACCESS_FORBIDDEN');
    case 'unavailable':
      throw new GatewayError('20000', 'isp.unknow-error');
    case 'limited':
      throw new GatewayError('40005', 'isv.app-call-limited');
    default:
  }
}

interface Signed {
  readonly key: string;
  readonly inner: object;
  readonly fault: FakeAlipayFault | undefined;
}

/** The signature covers the exact text of the inner object. */
function signed({ alipayKey, foreignKey }: Site, { key, inner, fault }: Signed): Response {
  const text = jsonText(inner);
  if (fault?.kind === 'unsigned') return json(`{"${key}":${text}}`);
  const sign = signRsa2(text, fault?.kind === 'forged' ? foreignKey : alipayKey);
  return json(`{"${key}":${text},"sign":"${sign}"}`);
}

function json(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'text/html;charset=utf-8' } });
}

/** A browser that follows a page's address. The buyer acts through `fake.cashier(address)`. */
function paymentPage(): Response {
  return new Response('<title>Alipay</title>', { headers: { 'content-type': 'text/html' } });
}
