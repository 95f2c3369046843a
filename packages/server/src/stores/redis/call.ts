import { SpendcapError } from '@spendcap/core';
import { checkServers } from './check.ts';
import type { Connection } from './clients.ts';
import type { Script } from './lua/main.ts';

export interface CallOptions {
  readonly minReplicas: number;
}

export interface ScriptCall {
  readonly script: Script;
  /** Where to run it. */
  readonly keys: readonly [string, ...string[]];
  readonly args: readonly string[];
  /** When to give up, on the clock of `performance.now()`. */
  readonly deadline: number;
}

const POLL_MS = 20;

/** When a connection can be used: its servers are looked at once, and it has to be there. */
function readiness(connection: Connection) {
  let checked = false;

  /** Nothing has been sent when this rejects. */
  const reach = async (deadline: number): Promise<void> => {
    while (!connection.isReady()) {
      const left = deadline - performance.now();
      if (left <= 0) throw unavailable('Redis is not connected.');
      await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, left)));
    }
    if (performance.now() >= deadline) throw unavailable('Redis did not answer in time.');
  };

  const check = async (deadline: number): Promise<void> => {
    await reach(deadline);
    try {
      await within(deadline, checkServers(connection));
    } catch (cause) {
      if (SpendcapError.isInstance(cause)) throw cause;
      throw unavailable('Redis cannot be asked what it is.', cause);
    }
    checked = true;
  };

  return {
    reach,
    check,
    /** Nothing has to be waited for, so that what is to be sent goes at once, not after other calls. */
    isReady: (deadline: number): boolean =>
      checked && connection.isReady() && performance.now() < deadline,
    ensure: (deadline: number) => (checked ? reach(deadline) : check(deadline)),
  };
}

/** Calls of scripts that end in time, with errors that say whether anything can have happened. */
export function redisCalls(connection: Connection, { minReplicas }: CallOptions) {
  const { reach, check, isReady, ensure } = readiness(connection);

  const evaluate = async ({ script, keys, args }: ScriptCall): Promise<unknown> => {
    const command = ['EVALSHA', script.sha, String(keys.length), ...keys, ...args];
    try {
      return await connection.send(keys[0], command);
    } catch (error) {
      if (!isReply(error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return connection.send(keys[0], command.with(0, 'EVAL').with(1, script.text));
    }
  };

  /**
   * The same, and then waits until enough replicas have all that its connection has written. A key is
   * written each time, since there may be nothing new to wait for: the answer may tell what another
   * connection has just done. Another connection at the end than at the beginning would wait for nothing.
   */
  const evaluateAndWait = async (asked: ScriptCall, again = false): Promise<unknown> => {
    const { script, keys, args, deadline } = asked;
    const ms = String(Math.max(1, Math.floor(deadline - performance.now())));
    const [before, reply, , reached, after] =
      (await connection.sendTogether?.([
        ['CLIENT', 'ID'],
        ['EVALSHA', script.sha, String(keys.length), ...keys, ...args],
        ['SET', `${keys[0]}:w`, '', 'PX', '1000'],
        ['WAIT', String(minReplicas), ms],
        ['CLIENT', 'ID'],
      ])) ?? [];
    if (!again && isReply(reply) && /^(NOSCRIPT|MOVED|ASK) /.test(reply.message)) {
      // By itself it can be sent where it belongs, or as a whole.
      const first = await evaluate(asked);
      await evaluateAndWait(asked, true);
      return first;
    }
    if (reply instanceof Error) throw reply;
    if (Number(reached) >= minReplicas && before === after) return reply;
    throw new SpendcapError('outcome_unknown', 'Too few replicas of Redis confirmed. Retry.');
  };

  /** `confirm: false` for what may be lost. */
  const call = async (asked: ScriptCall, { confirm = true } = {}): Promise<unknown> => {
    const { deadline } = asked;
    if (!isReady(deadline)) await ensure(deadline);
    const run = confirm && minReplicas > 0 ? evaluateAndWait : evaluate;
    try {
      return await within(deadline, run(asked));
    } catch (cause) {
      if (SpendcapError.isInstance(cause)) throw cause;
      if (isReply(cause)) throw refused(cause.message);
      throw new SpendcapError('outcome_unknown', 'Redis did not confirm. Retry.', { cause });
    }
  };

  /** A plain command that may be sent again. */
  const send = async (key: string, args: readonly string[], deadline: number) => {
    await reach(deadline);
    try {
      return await within(deadline, connection.send(key, args));
    } catch (cause) {
      throw unavailable('Redis cannot be used now.', cause);
    }
  };

  return { call, check, ensure, send };
}

/** What a server's refusal means: nothing of the command has happened. */
export function refused(reply: string): SpendcapError {
  // Its first word says what it is; the rest may quote what was sent.
  const code = /^[A-Z]{2,}\b/.exec(reply)?.[0] ?? 'ERR';
  return unavailable(`Redis refused the call (${code}).`);
}

function unavailable(message: string, cause?: unknown): SpendcapError {
  return new SpendcapError('store_unavailable', message, cause === undefined ? {} : { cause });
}

/** True for an answer of the server, which begins with its code; a broken connection has none. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z]{2,} /.test(error.message);
}

async function within<T>(deadline: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const ms = Math.max(0, deadline - performance.now());
    timer = setTimeout(() => reject(new Error('timed out')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
