import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { type FakeAlipayFault, faultList } from './faults.ts';
import { answerGateway, gatewayCall } from './gateway.ts';
import { answerRest, restMethod } from './rest.ts';
import type { Site } from './site.ts';

/** A received call, regardless of its result. */
export interface FakeAlipayCall {
  /** `alipay.trade.query`, also of `POST /v3/alipay/trade/query`. */
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

/** Gateway v2 at `/gateway.do` and the v3 API under `/v3/`, with injected faults. */
export function createTransport(site: Site) {
  const seen: FakeAlipayCall[] = [];
  const faults = faultList();

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = request.method === 'GET' ? '' : await request.text();
    const rest = url.pathname.startsWith('/v3/');
    const call = gatewayCall(url, rest ? '' : body);
    const method = rest ? restMethod(url.pathname) : call.method;
    seen.push({ method, url: request.url, body });
    const fault = faults.take(method);
    if (fault?.kind === 'drop_before') return Response.error();
    if (fault?.kind === 'status') return new Response('', { status: fault.status ?? 500 });
    if (fault?.kind === 'delay') await sleep(fault.milliseconds ?? 50);
    const response = rest
      ? answerRest(site, { ...partsOf(request, url), body }, fault)
      : answerGateway(site, call, fault);
    return fault?.kind === 'drop' ? Response.error() : response;
  }

  return {
    handle,
    seen,
    fail: (fault: FakeAlipayFault): void => faults.add(fault),
    heal: (): void => faults.clear(),
  };
}

function partsOf(request: Request, { pathname, search }: URL) {
  return { verb: request.method, target: `${pathname}${search}`, headers: request.headers };
}

/** A running server. */
export interface RunningServer {
  /** `http://127.0.0.1:40000`. */
  readonly base: string;
  close(): Promise<void>;
}

/** Serves a handler locally; a dropped connection closes the socket. */
export async function serve(
  handle: (request: Request) => Promise<Response>,
): Promise<RunningServer> {
  const listener = getRequestListener(
    async (request, env) => {
      const response = await handle(request);
      if (response.type !== 'error') return response;
      (env as HttpBindings).incoming.socket.destroy();
      return new Response(null, { status: 500 });
    },
    { overrideGlobalObjects: false },
  );
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
