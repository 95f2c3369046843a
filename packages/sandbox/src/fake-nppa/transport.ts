import { setTimeout as sleep } from 'node:timers/promises';
import type { NppaSystem } from './system.ts';
import { decryptBody, type FakeGame, NppaError, signatureOf } from './wire.ts';

/** The three calls of the system. */
export type FakeNppaApi = 'check' | 'query' | 'loginout';

/**
 * A fault of the next matching call:
 * - `errcode`: responds with this code without executing the call
 * - `status`: responds with this HTTP status without executing the call
 * - `garbage`: executes the call and responds with invalid JSON
 * - `drop`: executes the call and closes the connection without a response
 * - `drop_before`: closes the connection without executing the call
 * - `delay`: executes the call after `milliseconds`
 */
export interface FakeNppaFault {
  readonly kind: 'errcode' | 'status' | 'garbage' | 'drop' | 'drop_before' | 'delay';
  readonly on?: FakeNppaApi;
  /** Number of calls. Default 1. */
  readonly times?: number;
  /** The error code or HTTP status. */
  readonly code?: number;
  readonly milliseconds?: number;
}

/** A received call and its result. */
export interface FakeNppaCall {
  readonly api: FakeNppaApi | null;
  readonly errcode: number;
  readonly at: number;
  readonly timestamps: string | null;
}

export interface NppaGate {
  readonly games: readonly FakeGame[];
  readonly limits: Readonly<Record<FakeNppaApi, number>>;
  /** `null`: all addresses. */
  readonly allowedIps: readonly string[] | null;
  readonly now: () => number;
}

const PATHS: readonly (readonly [RegExp, FakeNppaApi, string])[] = [
  [/^\/(?:idcard\/authentication\/check|test\/authentication\/check\/\w+)$/, 'check', 'POST'],
  [/^\/(?:idcard\/authentication\/query|test\/authentication\/query\/\w+)$/, 'query', 'GET'],
  [/^\/(?:behavior\/collection\/loginout|test\/collection\/loginout\/\w+)$/, 'loginout', 'POST'],
];
const EXPIRES_MS = 5_000;
const BLOCK_MS = 60_000;

interface Call {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
  readonly ip: string;
}

/** The HTTP side: allowlist, rate limits, signatures and injected faults. */
export function nppaTransport(system: NppaSystem, gate: NppaGate) {
  const seen: FakeNppaCall[] = [];
  const faults: { fault: FakeNppaFault; left: number }[] = [];
  const meters = {
    check: meter(gate, 'check'),
    query: meter(gate, 'query'),
    loginout: meter(gate, 'loginout'),
  };

  function takeFault(api: FakeNppaApi | null): FakeNppaFault | undefined {
    const found = faults.find(({ fault, left }) => left > 0 && (fault.on ?? api) === api);
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  function perform(call: Call, api: FakeNppaApi | null): unknown {
    if (api === null) throw new NppaError(1002);
    const [, , method] = PATHS.find(([, name]) => name === api) ?? [];
    if (call.method !== method) throw new NppaError(1003);
    const game = admit(call, { gate, count: meters[api] });
    if (api === 'query') {
      const ai = call.url.searchParams.get('ai') ?? '';
      if (ai === '' || ai.length > 32) throw new NppaError(1012);
      return system.query(game.bizId, ai);
    }
    return system[api](game.bizId, decryptBody(game, call.body));
  }

  async function handle(request: Request, { ip = '127.0.0.1' } = {}): Promise<Response> {
    const url = new URL(request.url);
    const { method, headers } = request;
    const body = method === 'GET' ? '' : await request.text();
    const api = PATHS.find(([path]) => path.test(url.pathname))?.[1] ?? null;
    const fault = takeFault(api);
    const note = (errcode: number) =>
      seen.push({ api, errcode, at: gate.now(), timestamps: headers.get('timestamps') });
    if (fault?.kind === 'drop_before') {
      note(-1);
      return Response.error();
    }
    if (fault?.kind === 'status') {
      note(-1);
      return new Response('', { status: fault.code ?? 502 });
    }
    if (fault?.kind === 'delay') await sleep(fault.milliseconds ?? 50);
    const answer = run(() => {
      if (fault?.kind === 'errcode') throw new NppaError(fault.code ?? 1001);
      return perform({ url, method, headers, body, ip }, api);
    });
    note(answer.errcode);
    if (fault?.kind === 'drop') return Response.error();
    return fault?.kind === 'garbage' ? new Response('<html>') : Response.json(answer);
  }

  return {
    handle,
    seen,
    fail(fault: FakeNppaFault): void {
      faults.push({ fault, left: fault.times ?? 1 });
    },
    heal(): void {
      faults.length = 0;
    },
  };
}

function run(perform: () => unknown) {
  try {
    const data = perform();
    const isPartial = typeof data === 'object' && data !== null && 'results' in data;
    if (isPartial) return { errcode: 3001, errmsg: new NppaError(3001).message, data };
    return { errcode: 0, errmsg: 'OK', ...(data === null ? {} : { data }) };
  } catch (error) {
    if (!(error instanceof NppaError)) throw error;
    return { errcode: error.errcode, errmsg: error.message };
  }
}

/** Counts the calls of each second. Above the limit the API is blocked for a minute. */
function meter({ limits, now }: NppaGate, api: FakeNppaApi): () => void {
  let calls: number[] = [];
  let blockedUntil = 0;
  return () => {
    const at = now();
    if (at < blockedUntil) throw new NppaError(1006);
    calls = [...calls.filter((each) => at - each < 1_000), at];
    if (calls.length <= limits[api]) return;
    blockedUntil = at + BLOCK_MS;
    throw new NppaError(1006);
  };
}

/** Authenticates the calling game. @throws NppaError if the call is not acceptable */
function admit(
  { url, headers, body, ip }: Call,
  { gate, count }: { readonly gate: NppaGate; readonly count: () => void },
): FakeGame {
  const [appId, bizId, timestamps, sign] = ['appId', 'bizId', 'timestamps', 'sign'].map((name) =>
    headers.get(name),
  );
  if (!appId || !bizId || !timestamps || !sign) throw new NppaError(1004);
  if (gate.allowedIps !== null && !gate.allowedIps.includes(ip)) throw new NppaError(1005);
  count();
  if (!/^\d{13}$/.test(timestamps) || Math.abs(gate.now() - Number(timestamps)) > EXPIRES_MS) {
    throw new NppaError(1007);
  }
  const game = gate.games.find((each) => each.appId === appId && each.bizId === bizId);
  if (game === undefined) throw new NppaError(1008);
  const system = Object.entries({ appId, bizId, timestamps });
  if (sign !== signatureOf(game, [...url.searchParams, ...system], body)) throw new NppaError(1011);
  return game;
}
