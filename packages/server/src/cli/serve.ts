import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { HOST_IF_ABSENT, hasOddHead, unreadableRequest } from '../adapters/node-listener.ts';
import type { AgeIssuer } from '../age/token/index.ts';
import { createHandler } from '../http/index.ts';
import { prometheusMetrics } from '../http/metrics/index.ts';
import { createLimiter } from '../limiter/index.ts';
import type { Limiter } from '../limiter/types.ts';
import { ageIssuersOf, verifierOf } from './age-issuers.ts';
import { inspectKeySet, MAX_SKEW_SECONDS } from './key-sets.ts';
import { createLog, type Log } from './log.ts';
import { loadPolicy } from './policy.ts';
import {
  apiKeysOf,
  completeFlags,
  type Environment,
  hasPermitKey,
  openStore,
  permitSignerOf,
  type ServeFlags,
} from './settings.ts';
import { UsageError } from './usage-error.ts';

// A slow client may hold neither a connection nor a shutdown indefinitely.
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Node.js looks every 30 s, so that a limit of 10 s would be one of 40. */
const TIMEOUT_CHECK_MS = 1_000;
const IDLE_CHECK_MS = 50;

/**
 * Serves the HTTP API until SIGTERM or SIGINT, then finishes open requests and closes the store. A
 * second signal exits immediately.
 *
 * @throws UsageError or TypeError if an option or variable is missing or invalid
 */
export async function serve(given: Partial<ServeFlags>, environment: Environment): Promise<void> {
  const flags = completeFlags(given, environment);
  const log = createLog(flags.logLevel);
  const issuers = ageIssuersOf(flags);
  const limiter = await openLimiter(flags, { environment, issuers, log });
  let server: Server;
  try {
    const handler = createHandler(limiter, {
      apiKeys: apiKeysOf(environment),
      corsOrigins: flags.corsOrigin ?? [],
      metrics: prometheusMetrics(),
      onError: log.error,
      onResponse: log.response,
      ...(flags.basePath === undefined ? {} : { basePath: flags.basePath }),
      ...(flags.publicUrl === undefined ? {} : { publicUrl: flags.publicUrl }),
    });
    // The process is the command's own, so it may use the faster global Request and Response.
    const listener = getRequestListener(
      (request, { incoming }) =>
        hasOddHead(incoming as IncomingMessage) ? unreadableRequest() : handler(request),
      { errorHandler: unreadableRequest, hostname: HOST_IF_ABSENT },
    );
    server = createServer(
      {
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      },
      (req, res) => log.withRequestId(req, res, () => listener(req, res)),
    );
    await listen(server, flags);
  } catch (error) {
    await limiter.close();
    throw error;
  }
  stopOnSignal(server, { limiter, log, timeoutMs: flags.shutdownTimeout * 1000 });
  if (!hasPermitKey(environment)) {
    const kid = limiter.jwks.keys[0]?.kid;
    log.warn('SPENDCAP_PERMIT_KEY is not set: permits are signed with a new key.', { kid });
  }
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : flags.port;
  const host = flags.host.includes(':') ? `[${flags.host}]` : flags.host;
  process.stdout.write(`spendcap listening on http://${host}:${bound}\n`);
  await Promise.all(issuers.map((issuer) => reportKeySet(issuer, log)));
}

interface Context {
  readonly environment: Environment;
  readonly issuers: readonly AgeIssuer[];
  readonly log: Log;
}

async function openLimiter(
  flags: ServeFlags,
  { environment, issuers, log }: Context,
): Promise<Limiter> {
  const policy = loadPolicy(flags.policy);
  const verifier = verifierOf(issuers, flags, environment);
  const parties = { issuer: flags.permitIssuer, audience: flags.permitAudience };
  const signer = await permitSignerOf(environment, parties);
  const store = await openStore(flags);
  return createLimiter({ policy, store, ageTokens: verifier, permits: signer, onEvent: log.event });
}

/** After the start, which an issuer that is down must not delay. */
async function reportKeySet(from: AgeIssuer, log: Log): Promise<void> {
  const { issuer, fault, algorithms, skewSeconds } = await inspectKeySet(from);
  if (fault !== null) {
    log.warn('No key set of the age issuer: its tokens fail until there is one.', {
      issuer,
      fault,
    });
    return;
  }
  log.info('Read the key set of the age issuer.', { issuer, algorithms });
  if (Math.abs(skewSeconds ?? 0) > MAX_SKEW_SECONDS) {
    log.warn('The clocks of the age issuer and of this machine differ.', { issuer, skewSeconds });
  }
}

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not',
  EADDRNOTAVAIL: 'not an address of this machine',
  ENOTFOUND: 'no such host',
};

function listen(server: Server, { port, host }: ServeFlags): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? 'error';
      const why = LISTEN_FAULTS[code] === undefined ? code : `${code}: ${LISTEN_FAULTS[code]}`;
      reject(new UsageError(`cannot listen on ${host}:${port} (${why})`));
    });
    server.listen({ port, host }, resolve);
  });
}

interface Serving {
  readonly limiter: Limiter;
  readonly log: Log;
  /** Of a shutdown: open requests are cut after it. */
  readonly timeoutMs: number;
}

function stopOnSignal(server: Server, { limiter, log, timeoutMs }: Serving): void {
  const latest = latestResponses(server);
  let stopping = false;
  const exit = (code: number): never => {
    log.flush();
    process.exit(code);
  };
  const onSignal = () => {
    if (stopping) exit(1);
    stopping = true;
    drain(server, { latest, timeoutMs })
      .then(() => limiter.close())
      .then(
        () => exit(0),
        (error: unknown) => {
          log.error(error);
          exit(1);
        },
      );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

type Responses = ReadonlyMap<Socket, ServerResponse | null>;

/** Of each open connection the latest response; `null` before the first complete request head. */
function latestResponses(server: Server): Responses {
  const latest = new Map<Socket, ServerResponse | null>();
  server.on('connection', (socket: Socket) => {
    latest.set(socket, null);
    socket.once('close', () => latest.delete(socket));
  });
  server.on('request', (request, response) => latest.set(request.socket, response));
  return latest;
}

interface Draining {
  readonly latest: Responses;
  readonly timeoutMs: number;
}

async function drain(server: Server, { latest, timeoutMs }: Draining): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // Also one that has sent a part of a request head: nothing of it was processed.
  for (const [socket, response] of latest) {
    if (response === null || response.writableFinished) socket.destroy();
    // Makes a keep-alive client reconnect elsewhere, instead of losing its next request.
    else if (!response.headersSent) response.setHeader('connection', 'close');
  }
  // A keep-alive connection becomes idle only after its last response was sent.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const tooLong = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(idle);
  clearTimeout(tooLong);
}
