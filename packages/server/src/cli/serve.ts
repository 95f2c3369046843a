import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { SpendcapError } from '@spendcap/core';
import { unreadableRequest } from '../adapters/node-listener.ts';
import { ageTokens } from '../age/token/index.ts';
import { createHandler } from '../http/index.ts';
import { createLimiter } from '../limiter/index.ts';
import type { Limiter, SpendcapEvent } from '../limiter/types.ts';
import { permits } from '../permits/index.ts';
import { ageIssuersOf } from './age-issuers.ts';
import { loadPolicy } from './policy.ts';
import {
  apiKeysOf,
  type Environment,
  hasPermitKey,
  openStore,
  permitKeyOf,
  portOf,
  type ServeFlags,
} from './settings.ts';
import { UsageError } from './usage-error.ts';

// A client that dawdles may not hold a connection, or a shutdown, for ever.
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const DRAIN_TIMEOUT_MS = 35_000;
const IDLE_CHECK_MS = 50;

/**
 * Serves the HTTP API until SIGTERM or SIGINT, then finishes what is under way and closes the
 * store. A second signal exits at once.
 *
 * @throws UsageError or TypeError if an option or variable is wrong
 */
export async function serve(flags: ServeFlags, environment: Environment): Promise<void> {
  const port = portOf(flags.port);
  const apiKeys = apiKeysOf(environment);
  const limiter = await openLimiter(flags, environment);
  let server: Server;
  try {
    const handler = createHandler(limiter, {
      apiKeys,
      corsOrigins: flags.corsOrigin ?? [],
      onError: logError,
      ...(flags.basePath === undefined ? {} : { basePath: flags.basePath }),
      ...(flags.publicUrl === undefined ? {} : { publicUrl: flags.publicUrl }),
    });
    server = createServer(
      { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      // This process is the command's own, so it may have the faster Request and Response.
      getRequestListener(handler, { errorHandler: unreadableRequest }),
    );
    await listen(server, { port, host: flags.host });
  } catch (error) {
    await limiter.close();
    throw error;
  }
  stopOnSignal(server, limiter);
  if (!hasPermitKey(environment)) {
    const kid = String(limiter.jwks.keys[0]?.kid);
    warn(`SPENDCAP_PERMIT_KEY is not set: permits are signed with a new key, kid ${kid}`);
  }
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  const host = flags.host.includes(':') ? `[${flags.host}]` : flags.host;
  process.stdout.write(`spendcap listening on http://${host}:${bound}\n`);
}

async function openLimiter(flags: ServeFlags, environment: Environment): Promise<Limiter> {
  const policy = loadPolicy(flags.policy);
  const subjectKey = environment.SPENDCAP_SUBJECT_KEY ?? '';
  const verifier = ageTokens({
    issuers: ageIssuersOf(flags),
    ...(subjectKey === '' ? {} : { subjectKey }),
  });
  const key = await permitKeyOf(environment);
  const signer = permits({ key, issuer: flags.permitIssuer, audience: flags.permitAudience });
  const store = await openStore(flags);
  return createLimiter({ policy, store, ageTokens: verifier, permits: signer, onEvent: logEvent });
}

function listen(server: Server, to: { port: number; host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new UsageError(`cannot listen on ${to.host}:${to.port} (${error.code ?? 'error'})`));
    });
    server.listen(to, resolve);
  });
}

function stopOnSignal(server: Server, limiter: Limiter): void {
  let stopping = false;
  const onSignal = () => {
    if (stopping) process.exit(1);
    stopping = true;
    drain(server, limiter).then(
      () => process.exit(0),
      (error: unknown) => {
        logError(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

async function drain(server: Server, limiter: Limiter): Promise<void> {
  // A client that keeps its connection alive is told with its answer to open another elsewhere,
  // rather than cut off in its next request.
  server.prependListener('request', (_, response) => response.setHeader('connection', 'close'));
  const closed = new Promise((resolve) => server.close(resolve));
  // A kept-alive connection becomes idle only when its last answer has gone.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const tooLong = setTimeout(() => server.closeAllConnections(), DRAIN_TIMEOUT_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(tooLong);
  await limiter.close();
}

/** What an operator must act on: a charge that came past its hold. */
function logEvent({ type, purchaseId, late, overHold }: SpendcapEvent): void {
  if (late) warn(`${type} ${purchaseId}: the charge came after its hold had ended`);
  if (overHold) warn(`${type} ${purchaseId}: more was charged than held`);
  if (type === 'purchase.unrecorded') warn(`${type} ${purchaseId}: let pass without the store`);
}

/** Only coded errors are told in full: the message of any other may hold what was sent. */
function logError(error: unknown): void {
  if (SpendcapError.isInstance(error)) warn(`${error.code}: ${error.message}`);
  else if (error instanceof Error) warn(`unexpected ${error.name}\n${frames(error)}`);
  else warn('unexpected error');
}

function frames({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}

function warn(line: string): void {
  process.stderr.write(`spendcap: ${line}\n`);
}
