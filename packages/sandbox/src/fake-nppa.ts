import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { type FakeCitizen, PRESET_PEOPLE } from './fake-nppa/people.ts';
import { type FakeReport, nppaSystem } from './fake-nppa/system.ts';
import {
  type FakeNppaApi,
  type NppaTrouble,
  nppaTransport,
  type SeenCall,
} from './fake-nppa/transport.ts';
import type { FakeGame } from './fake-nppa/wire.ts';

export type { FakeCitizen, FakeGame, FakeReport };

export interface FakeNppaOptions {
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** People besides the test system's sixteen. */
  readonly people?: readonly FakeCitizen[];
  /** The games that may call. Default one, whose credentials are `credentials`. */
  readonly games?: readonly [FakeGame, ...FakeGame[]];
  /** Calls a second. Default as the specification: check 100, query 300, loginout 10. */
  readonly limits?: Partial<Readonly<Record<FakeNppaApi, number>>>;
  /** Source addresses on the white list. Default every one. */
  readonly allowedIps?: readonly string[];
}

/** A real-name system that lives in this process. */
export interface FakeNppa {
  /** Of the first game, as `nppaSource` takes them. */
  readonly credentials: FakeGame;
  /** The system as `fetch`, whatever the host; a dropped connection rejects. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** The system as a handler, called from an address. */
  readonly handle: (request: Request, from?: { ip?: string }) => Promise<Response>;
  /** Every call that came in, in order. */
  readonly calls: readonly SeenCall[];
  /** Every session that was reported. */
  readonly reports: readonly FakeReport[];
  /** From now on the system knows this person too. */
  addPerson(person: FakeCitizen): void;
  /** Makes the next matching call go wrong. */
  fail(trouble: NppaTrouble): void;
  /** Takes back the troubles that no call has met yet. */
  heal(): void;
  /** The system as a server on this machine, with its addresses as `nppaSource` takes them. */
  listen(): Promise<FakeNppaServer>;
}

export interface FakeNppaServer {
  readonly endpoints: Readonly<Record<FakeNppaApi, URL>>;
  close(): Promise<void>;
}

const GAME: FakeGame = {
  appId: 'test-appId',
  bizId: 'test-bizId',
  secretKey: '2836e95fcd10e04b0069bb1ee659955b',
};
const LIMITS = { check: 100, query: 300, loginout: 10 };

/**
 * A stateful fake of China's real-name system for games, for tests and demos: check, query and
 * loginout of the production and the test addresses, with the test system's persons, results that
 * are deleted 300 seconds after they were read, checks that take a while, rate limits with their
 * minute's block, expiring time stamps, white list, signatures and error codes. Written from the
 * interface specification V1.8.
 *
 * @example
 * ```ts
 * import { fakeNppa } from '@spendcap/sandbox';
 * const fake = fakeNppa({ people: [{ name: '小明', idNumber: '11000020140501001X' }] });
 * const answer = await fake.fetch('https://api.wlc.nppa.gov.cn/idcard/authentication/check');
 * await answer.text(); // => '{"errcode":1003,"errmsg":"SYS REQ METHOD ERROR"}'
 * ```
 */
export function fakeNppa(options: FakeNppaOptions = {}): FakeNppa {
  const { now = Date.now, people = [], games = [GAME] } = options;
  const system = nppaSystem([...PRESET_PEOPLE, ...people], now);
  const transport = nppaTransport(system, {
    games,
    limits: { ...LIMITS, ...options.limits },
    allowedIps: options.allowedIps ?? null,
    now,
  });
  return {
    credentials: games[0] as FakeGame,
    async fetch(input, init) {
      const response = await transport.handle(new Request(input, init));
      if (response.type === 'error') throw new TypeError('The connection was closed.');
      return response;
    },
    handle: transport.handle,
    calls: transport.seen,
    reports: system.reports,
    addPerson: (person) => void system.citizens.push(person),
    fail: transport.fail,
    heal: transport.heal,
    listen: () => serve(transport.handle),
  };
}

async function serve(handle: FakeNppa['handle']): Promise<FakeNppaServer> {
  const server = createServer(
    getRequestListener(
      async (request, env) => {
        const { socket } = (env as HttpBindings).incoming;
        const response = await handle(request, { ip: socket.remoteAddress ?? '' });
        if (response.type === 'error') socket.destroy();
        return response.type === 'error' ? new Response(null, { status: 500 }) : response;
      },
      { overrideGlobalObjects: false },
    ),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoints: {
      check: new URL(`${base}/idcard/authentication/check`),
      query: new URL(`${base}/idcard/authentication/query`),
      loginout: new URL(`${base}/behavior/collection/loginout`),
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
