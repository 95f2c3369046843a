import { decodeReplies, type RedisReply, toPurchase } from './decode.ts';
import { type NewNumbers, nameOf, peekCommand, type RedisCommand } from './encode.ts';
import { readError, sentError } from './errors.ts';
import { CLAIM_SCRIPT, UNCLAIM_SCRIPT } from './lua/claim.ts';
import { LEDGER_SCRIPT } from './lua/main.ts';
import { overdueLists } from './overdue-lists.ts';
import {
  type LedgerOptions,
  type QueuedCommand,
  type RedisLedger,
  replyOf,
  scriptArgs,
} from './single.ts';

/** How much longer the claim of a reconcile hold lasts, which may be settled late. */
const SETTLED_WITHIN_MS = 10 * 366 * 86_400_000;

/**
 * The ledger on a cluster, where a purchase id and its subject are in different slots, so that no
 * script reaches both. An id is claimed for its subject before the atomic hold, and released after
 * a refusal. A failure between the two leaves the id with that subject, and nothing else. A
 * reconcile hold is listed before it is made, and leaves its lists when one is next read.
 */
export function redisClusterLedger(options: LedgerOptions): RedisLedger {
  const { calls, prefix } = options;
  const { ownerOf, claim, unclaim } = idClaims(options);

  const evaluateInSlot = async (command: RedisCommand, deadline: number) => {
    const args = scriptArgs(options, false, [command]);
    const keys = [`${prefix}${command.subject}`] as const;
    const replies = await calls.evaluate({ script: LEDGER_SCRIPT, keys, args, deadline });
    return replyOf(decodeReplies([command], replies as unknown[])[0]);
  };

  const lists = overdueLists({
    calls,
    prefix,
    async peek(id, deadline) {
      const owner = await ownerOf(id, deadline);
      if (owner === null) return null;
      return (await evaluateInSlot(peekCommand(nameOf(id), owner), deadline)).purchase;
    },
  });

  const claimNew = async (command: RedisCommand, deadline: number): Promise<boolean> => {
    const { id, subject, numbers, record } = command;
    const [verb, , , , lifetimeMs] = JSON.parse(`[${numbers}]`) as NewNumbers;
    const listed = verb.startsWith('reconcile');
    const ms = lifetimeMs + (listed ? SETTLED_WITHIN_MS : 0);
    const [isOurs] = await Promise.all([
      claim({ id, subject, ms }, deadline),
      listed && lists.add(toPurchase(subject, id, record), deadline),
    ]).catch((cause: unknown) => {
      // Whether it was claimed need not be known: certainly nothing is held.
      throw readError(cause);
    });
    return isOurs;
  };

  /** A reserve or a record. */
  const enter = async (command: RedisCommand, deadline: number): Promise<RedisReply> => {
    if (!(await claimNew(command, deadline))) return CONFLICT;
    let mayBeThere = true;
    try {
      const reply = await evaluateInSlot(command, deadline);
      mayBeThere = reply.outcome !== 'refused';
      return reply;
    } catch (error) {
      mayBeThere = sentError(error).code === 'outcome_unknown';
      throw error;
    } finally {
      if (!mayBeThere) await unclaim(command.id, deadline).catch(() => undefined);
    }
  };

  const executeOne = async ({ command, deadline }: QueuedCommand): Promise<RedisReply> => {
    if (command.record !== '') return enter(command, deadline);
    if (command.subject !== '') return evaluateInSlot(command, deadline);
    await calls.ensureReady(deadline);
    const owner = await ownerOf(command.id, deadline);
    return owner === null ? NOT_FOUND : evaluateInSlot({ ...command, subject: owner }, deadline);
  };

  return {
    executeBatch: (batch) =>
      Promise.all(
        batch.map((queued) =>
          executeOne(queued).then(
            (value) => ({ value }),
            (error: unknown) => ({ error: sentError(error) }),
          ),
        ),
      ),
    overdue: lists.read,
  };
}

/** Which subject has a purchase id. */
function idClaims({ calls, prefix }: LedgerOptions) {
  const ownerKey = (id: string) => `${prefix}${id}:s`;
  const keysOf = (id: string) => [ownerKey(id), `${prefix}${id}:n`] as const;
  return {
    async ownerOf(id: string, deadline: number): Promise<string | null> {
      const owner = await calls.send(ownerKey(id), ['GET', ownerKey(id)], deadline);
      return owner === null ? null : String(owner);
    },
    /** False if another subject has it. */
    async claim({ id, subject, ms }: Claim, deadline: number): Promise<boolean> {
      const args = [subject, String(ms)];
      const call = { script: CLAIM_SCRIPT, keys: keysOf(id), args, deadline };
      return (await calls.evaluate(call)) === subject;
    },
    async unclaim(id: string, deadline: number): Promise<void> {
      const call = { script: UNCLAIM_SCRIPT, keys: keysOf(id), args: [], deadline };
      await calls.evaluate(call, { confirm: false });
    },
  };
}

interface Claim {
  readonly id: string;
  readonly subject: string;
  /** How long it lasts, in milliseconds. */
  readonly ms: number;
}

const NOTHING = { purchase: null, used: [], expired: [] };
const CONFLICT: RedisReply = { outcome: 'conflict', ...NOTHING };
const NOT_FOUND: RedisReply = { outcome: 'not_found', ...NOTHING };
