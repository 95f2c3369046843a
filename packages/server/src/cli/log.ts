import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SpendcapError } from '@spendcap/core';
import { LRUCache } from 'lru-cache';
import { type DestinationStream, pino } from 'pino';
import type { Served } from '../http/index.ts';
import type { SpendcapEvent } from '../limiter/types.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const REPEAT_PERIOD_MS = 10_000;
/** Distinct errors that are counted at a time; beyond, the least recent one is written out. */
const MAX_REPEATED = 100;
const REQUEST_ID = /^[\w.:=-]{1,128}$/;

type Fields = Readonly<Record<string, unknown>>;

/** The log of `serve`. */
export interface Log {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  /** Of equal errors the first is written, then one line per period with their number. */
  error(error: unknown): void;
  event(event: SpendcapEvent): void;
  response(served: Served): void;
  /** Gives a request its id, for all that is logged while it is served. */
  withRequestId(req: IncomingMessage, res: ServerResponse, serve: () => void): void;
  /** Writes the counts that are left. */
  flush(): void;
}

/**
 * JSON lines on stderr. Each line names its fields one by one and none of them holds a token, key,
 * amount or subject: there is nothing to redact.
 *
 * @param destination written to synchronously, so that no line is lost when the process exits
 */
export function createLog(level: LogLevel, destination: DestinationStream = standardError()): Log {
  const requestIds = new AsyncLocalStorage<string | undefined>();
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const requestId = requestIds.getStore();
        return requestId === undefined ? {} : { requestId };
      },
    },
    { write: (line) => writeIfPossible(destination, line) },
  );
  const repeated = new LRUCache<string, { readonly fields: Fields; count: number }>({
    max: MAX_REPEATED,
    ttl: REPEAT_PERIOD_MS,
    ttlAutopurge: true,
    disposeAfter: ({ fields, count }, key, reason) => {
      if (count === 0 || reason === 'set') return;
      // Not in the name of the request that happened to be the first.
      requestIds.run(undefined, () => logger.error({ ...fields, repeated: count }));
      if (reason === 'expire') repeated.set(key, { fields, count: 0 });
    },
  });
  const warn = (message: string, fields: Fields = {}) => logger.warn(fields, message);
  return {
    info: (message, fields = {}) => logger.info(fields, message),
    warn,
    error(error) {
      const fields = fieldsOf(error);
      const key = JSON.stringify(fields);
      const known = repeated.get(key);
      if (known !== undefined) {
        known.count++;
        return;
      }
      logger.error(fields);
      repeated.set(key, { fields, count: 0 });
    },
    event({ type, purchaseId, late, overHold }) {
      const fields = { event: type, purchaseId };
      if (late) warn('The charge came after its hold had ended.', fields);
      if (overHold) warn('The charge was larger than its hold.', fields);
      if (type === 'purchase.unrecorded') warn('Allowed without the store.', fields);
    },
    response({ seconds, ...served }) {
      logger.debug({ ...served, ms: Math.round(seconds * 10_000) / 10 }, 'request');
    },
    withRequestId(req, res, serve) {
      const given = req.headers['x-request-id'];
      const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
      res.setHeader('x-request-id', id);
      requestIds.run(id, serve);
    },
    flush: () => repeated.clear(),
  };
}

function standardError(): DestinationStream {
  const stream = pino.destination({ fd: 2, sync: true });
  stream.on('error', () => undefined);
  return stream;
}

/** A full disk or a closed pipe loses lines; it must not end the process. */
function writeIfPossible(destination: DestinationStream, line: string): void {
  try {
    destination.write(line);
  } catch {
    // There is nowhere to report it.
  }
}

/** Only coded errors have a message that may be logged: any other may quote a request. */
function fieldsOf(error: unknown): Fields {
  if (SpendcapError.isInstance(error)) return { code: error.code, msg: error.message };
  if (!(error instanceof Error)) return { msg: 'unexpected error' };
  const stack = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { msg: 'unexpected error', name: error.name, stack: stack.join('\n') };
}
