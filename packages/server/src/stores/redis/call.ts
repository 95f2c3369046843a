import { SpendcapError } from '@spendcap/core';
import { unavailable, within } from '../../ledger/store-kit.ts';
import { checkServers, checkWritable } from './check.ts';
import type { Connection } from './clients.ts';
import { connectProblem, isReply, readError, sentError } from './errors.ts';
import type { Script } from './lua/script.ts';

export interface CallOptions {
  readonly prefix: string;
  readonly minReplicas: number;
}

export interface ScriptCall {
  readonly script: Script;
  /** The first key selects the server. */
  readonly keys: readonly [string, ...string[]];
  readonly args: readonly string[];
  /** When to give up, on the clock of `performance.now()`. */
  readonly deadline: number;
}

export interface RedisCalls {
  /**
   * Evaluates a script and waits for `minReplicas`, unless `confirm: false` says that the write may
   * be lost.
   *
   * @throws SpendcapError `store_unavailable` or `store_misconfigured`: nothing has been done;
   *   `outcome_unknown`: it may have been done
   */
  evaluate(call: ScriptCall, options?: { readonly confirm: boolean }): Promise<unknown>;
  /** Sends a command that may be sent twice. */
  send(key: string, args: readonly string[], deadline: number): Promise<unknown>;
  /** Waits until the connection can be used and its servers have been checked. */
  ensureReady(deadline: number): Promise<void>;
  /**
   * Checks the servers again, whether they take writes, and whether enough replicas are connected.
   */
  checkReady(deadline: number): Promise<void>;
  close(): void;
}

const POLL_MS = 20;

const timedOut = () => new Error('timed out');

/** Whether a connection can be used: it is up, and its servers have been checked. */
function readiness(connection: Connection, options: CallOptions) {
  let checked = false;
  let problem: SpendcapError | undefined;
  const stopListening = connection.onError((error) => {
    problem = connectProblem(error);
  });

  const reach = async (deadline: number): Promise<void> => {
    while (!connection.isReady()) {
      const left = deadline - performance.now();
      if (problem !== undefined) throw problem;
      if (left <= 0) throw unavailable('Redis is not connected.');
      await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, left)));
    }
    problem = undefined;
    if (performance.now() >= deadline) throw unavailable('Redis did not answer in time.');
  };

  const check = async (deadline: number) => {
    await reach(deadline);
    try {
      const facts = await within(deadline, checkServers(connection, options), timedOut);
      checked = true;
      return facts;
    } catch (cause) {
      throw readError(cause);
    }
  };

  return {
    check,
    stopListening,
    reach,
    /** True if there is nothing to wait for: a call is then sent in this turn of the event loop. */
    isReady: (deadline: number): boolean =>
      checked && connection.isReady() && performance.now() < deadline,
    ensureReady: async (deadline: number): Promise<void> => {
      await (checked ? reach(deadline) : check(deadline));
    },
  };
}

/** Script calls that end in time, with errors that say whether the call may have been done. */
export function redisCalls(connection: Connection, options: CallOptions): RedisCalls {
  const { minReplicas } = options;
  const { check, stopListening, reach, isReady, ensureReady } = readiness(connection, options);

  const evaluateOnce = async ({ script, keys, args, deadline }: ScriptCall): Promise<unknown> => {
    const command = ['EVALSHA', script.sha, String(keys.length), ...keys, ...args];
    try {
      return await connection.send(keys[0], command);
    } catch (error) {
      if (!isReply(error) || !error.message.startsWith('NOSCRIPT')) throw error;
      // A server without the script may be another one than was checked. The masters of a cluster
      // are not checked again, because one that is down must not stop the others.
      if (!connection.cluster) await check(deadline);
      return connection.send(keys[0], command.with(0, 'EVAL').with(1, script.text));
    }
  };

  /**
   * Evaluates a script and then waits until enough replicas have all that this connection has
   * written. It writes a key each time, because the script may have written nothing and still have
   * read what another connection has just written. `WAIT` on another connection than that of the
   * script would wait for nothing, hence the two connection ids.
   */
  const evaluateAndWait = async (call: ScriptCall): Promise<unknown> => {
    const [before, reply, , confirmed, after] = await pipelined(call);
    if (reply instanceof Error) throw reply;
    if (Number(confirmed) >= minReplicas && before === after) return reply;
    throw new SpendcapError('outcome_unknown', 'Too few replicas of Redis confirmed. Retry.');
  };

  const pipelined = async ({ script, keys, args, deadline }: ScriptCall) => {
    const ms = Math.max(1, Math.floor(deadline - performance.now()));
    const commands = [
      ['CLIENT', 'ID'],
      ['EVALSHA', script.sha, String(keys.length), ...keys, ...args],
      ['SET', `${keys[0]}:w`, '', 'PX', '1000'],
      ['WAIT', String(minReplicas), String(ms)],
      ['CLIENT', 'ID'],
    ];
    return (await connection.sendTogether?.(commands)) ?? [];
  };

  /** A pipeline is sent to one server as it is: this sends the script where and as it is needed. */
  const evaluateConfirmed = async (call: ScriptCall): Promise<unknown> => {
    try {
      return await evaluateAndWait(call);
    } catch (error) {
      if (!isReply(error) || !/^(NOSCRIPT|MOVED|ASK) /.test(error.message)) throw error;
    }
    const reply = await evaluateOnce(call);
    try {
      await evaluateAndWait(call);
    } catch (cause) {
      // Whatever this says, the script has been done.
      throw new SpendcapError('outcome_unknown', 'Redis did not confirm. Retry.', { cause });
    }
    return reply;
  };

  return {
    async evaluate(call, { confirm } = { confirm: true }) {
      if (!isReady(call.deadline)) await ensureReady(call.deadline);
      const evaluation = confirm && minReplicas > 0 ? evaluateConfirmed : evaluateOnce;
      try {
        return await within(call.deadline, evaluation(call), timedOut);
      } catch (cause) {
        throw sentError(cause);
      }
    },
    async send(key, args, deadline) {
      await reach(deadline);
      try {
        return await within(deadline, connection.send(key, args), timedOut);
      } catch (cause) {
        throw readError(cause);
      }
    },
    ensureReady,
    async checkReady(deadline) {
      const { replicas } = await check(deadline);
      if (replicas < minReplicas) {
        throw unavailable(`Redis has ${replicas} replicas, and minReplicas is ${minReplicas}.`);
      }
      try {
        await within(deadline, checkWritable(connection), timedOut);
      } catch (cause) {
        throw readError(cause);
      }
    },
    close: stopListening,
  };
}
