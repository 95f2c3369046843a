import { createHash } from 'node:crypto';
import { NaiveLedger } from '../properties/model.ts';
import { wrongDecision } from './decisions.ts';
import type { History, Step } from './history.ts';
import { type Breach, breachesOf } from './invariants.ts';
import { allowancesOf, type Look, watcher } from './look.ts';
import { moneyBreaches, settleAll } from './money.ts';
import { play } from './play.ts';
import type { Entry } from './rounds.ts';
import type { Ledger, OpenLedger } from './stores.ts';
import { openWorld, type Server, type World } from './world.ts';

export interface Failure {
  /** Index of the step after which it was found; the number of steps if at the end. */
  readonly step: number;
  readonly breaches: readonly Breach[];
}

export interface Outcome {
  /** SHA-256 of all answers to callers and of the ledger at the end: the same on every store. */
  readonly digest: string;
  readonly failure: Failure | null;
}

/** Plays a history on an empty ledger, and judges the whole after every step, up to a breach. */
export async function simulate(history: History, open: OpenLedger): Promise<Outcome> {
  const ledger = await open();
  try {
    return await simulateOn(history, ledger);
  } finally {
    await ledger.remove();
  }
}

async function simulateOn(history: History, ledger: Ledger): Promise<Outcome> {
  const unhandled: unknown[] = [];
  // A rejection that nobody waits for would end a server process.
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  const world = await openWorld(history, ledger);
  const judge = judgeOf(world);
  const hash = createHash('sha256');
  let failure: Failure | null = null;
  try {
    for (const [index, step] of history.steps.entries()) {
      const judged = await playAndJudge({ world, judge, step, hash });
      const breaches = [...unhandled.map(thrown), ...judged];
      if (breaches.length === 0) continue;
      failure = { step: index, breaches };
      break;
    }
    if (failure === null) {
      const breaches = await endAndJudge(world, judge);
      if (breaches.length > 0) failure = { step: history.steps.length, breaches };
    }
    hash.update(JSON.stringify([...judge.seen().purchases.values()]));
    return { digest: hash.digest('hex'), failure };
  } finally {
    process.off('unhandledRejection', onUnhandled);
    await world.close();
  }
}

interface Playing {
  readonly world: World;
  readonly judge: Judge;
  readonly step: Step;
  readonly hash: ReturnType<typeof createHash>;
}

async function playAndJudge({ world, judge, step, hash }: Playing): Promise<readonly Breach[]> {
  try {
    const answers = await play(world, step);
    hash.update(`${JSON.stringify(answers)}\n`);
    const server = await world.server(step.server);
    server.begin(step.skew, undefined);
    const wrong = wrongDecision(world, { server, step, answers, before: judge.seen() });
    const breaches = await judge.judge(server, { wide: step.do === 'audit' });
    return wrong === null ? breaches : [{ invariant: 'model', what: wrong }, ...breaches];
  } catch (error) {
    return [thrown(error)];
  }
}

async function endAndJudge(world: World, { judge, seen }: Judge): Promise<readonly Breach[]> {
  try {
    const server = await world.restartAll();
    await settleAll(world, server);
    const breaches = await judge(server, { wide: true });
    const money = moneyBreaches(world, seen());
    return [...breaches, ...money.map((what) => ({ invariant: 'conservation' as const, what }))];
  } catch (error) {
    return [thrown(error)];
  }
}

function thrown(error: unknown): Breach {
  return { invariant: 'error', what: error instanceof Error ? `${error.stack}` : String(error) };
}

type Judge = ReturnType<typeof judgeOf>;

function judgeOf(world: World) {
  const { journal, events } = world;
  const model = new NaiveLedger();
  const watch = watcher();
  let before: Look = { purchases: new Map(), usages: [] };

  const touchedBy = (entries: readonly Entry[]): ReadonlySet<string> =>
    new Set(
      entries.flatMap(({ command }) => {
        if ('subject' in command) return [command.subject];
        return 'id' in command ? (before.purchases.get(command.id)?.subject ?? []) : [];
      }),
    );

  return {
    /** The ledger as of the last look. */
    seen: (): Look => before,
    async judge(server: Server, options: { readonly wide: boolean }): Promise<readonly Breach[]> {
      const errors: unknown[] = [];
      const allowances = await allowancesOf(world, server, touchedBy(journal)).catch((error) => {
        errors.push(error);
        return [];
      });
      const done = journal.splice(0);
      for (const entry of done) watch.learn(entry);
      const after = await watch.look(world, options);
      const breaches = breachesOf({
        before,
        after,
        model,
        allowances,
        journal: done,
        policies: server.policies,
        events,
      });
      before = after;
      return [...errors.map(thrown), ...breaches];
    },
  };
}
