import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { assertOptions } from '@spendcap/core';
import { type FakeCitizen, PRESET_PEOPLE } from './fake-nppa/people.ts';
import { type FakeReport, nppaSystem } from './fake-nppa/system.ts';
import {
  type FakeNppaApi,
  type FakeNppaCall,
  type FakeNppaFault,
  nppaTransport,
} from './fake-nppa/transport.ts';
import type { FakeGame } from './fake-nppa/wire.ts';

export type { FakeCitizen, FakeGame, FakeReport };

/** Options of `fakeNppa`. */
export interface FakeNppaOptions {
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** People in addition to the test system's sixteen. */
  readonly people?: readonly FakeCitizen[];
  /** The games that may call. Default: one, with the credentials `credentials`. */
  readonly games?: readonly [FakeGame, ...FakeGame[]];
  /** Calls per second. Default as in the specification: check 100, query 300, loginout 10. */
  readonly limits?: Partial<Readonly<Record<FakeNppaApi, number>>>;
  /** Source addresses on the allowlist. Default: all. */
  readonly allowedIps?: readonly string[];
}

/** An in-process real-name system, see `fakeNppa`. */
export interface FakeNppa {
  /** Credentials of the first game, for `nppaSource`. */
  readonly credentials: FakeGame;
  /** The system as `fetch`, for any host; a dropped connection rejects. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** The system as a request handler; `ip` is the caller's address. */
  readonly handle: (request: Request, from?: { ip?: string }) => Promise<Response>;
  /** Every received call, in order. */
  readonly calls: readonly FakeNppaCall[];
  /** Every reported session. */
  readonly reports: readonly FakeReport[];
  /** Adds a person to the system. */
  addPerson(person: FakeCitizen): void;
  /** Makes the next matching call fail. */
  fail(fault: FakeNppaFault): void;
  /** Cancels the pending faults. */
  heal(): void;
  /** Starts the system as a local HTTP server. */
  listen(): Promise<FakeNppaServer>;
}

/** A running `FakeNppa` server. */
export interface FakeNppaServer {
  /** The addresses, for `nppaSource`. */
  readonly endpoints: Readonly<Record<FakeNppaApi, URL>>;
  /** Stops the server and closes its connections. */
  close(): Promise<void>;
}

const GAME: FakeGame = {
  appId: 'test-appId',
  bizId: 'test-bizId',
  secretKey: '2836e95fcd10e04b0069bb1ee659955b',
};
const LIMITS = { check: 100, query: 300, loginout: 10 };

/**
 * A stateful fake of China's real-name system for games: check, query and loginout of the
 * production and test addresses, with the test system's persons, pending checks, deletion of
 * results 300 seconds after the first read, rate limits that block for a minute, timestamp expiry,
 * IP allowlist, signatures and error codes. Source: interface specification V1.8.
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
  assertOptions('fakeNppa', options, {
    now: true,
    people: true,
    games: true,
    limits: true,
    allowedIps: true,
  });
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
