import { FOREVER, type StoredPurchase, type Window } from '@spendcap/core';
import type { Allowance, Policy } from '@spendcap/server';
import { versionAt } from './book.ts';
import { DAY, evidenceOf, type Player } from './policies.ts';
import type { Entry } from './rounds.ts';
import type { Server, World } from './world.ts';

/** The whole ledger at one moment, as its own answers show it. */
export interface Look {
  readonly purchases: ReadonlyMap<string, StoredPurchase>;
  readonly usages: readonly Usage[];
}

export interface Usage {
  readonly subject: string;
  readonly window: Window;
  readonly used: number;
}

/** What the limiter says of a player whom a step has touched. */
export interface ShownAllowance {
  readonly player: Player;
  /** The version that is in force by the calendar. */
  readonly policy: Policy;
  readonly at: number;
  readonly app: string;
  readonly allowance: Allowance;
}

const LIFETIME: Window = {
  selector: { currency: 'CNY', app: null, categories: null },
  start: 0,
  end: FOREVER,
};

/** Remembers which purchases there may be, and which windows calls have named. */
export function watcher() {
  const ids = new Set<string>();
  const windows = new Map<string, Map<string, Window>>();
  return {
    learn({ verb, command }: Entry): void {
      if (verb === 'reserve' || verb === 'record') ids.add(command.id);
      if (verb !== 'reserve' && verb !== 'record' && verb !== 'usage') return;
      const known = windows.get(command.subject) ?? new Map<string, Window>();
      windows.set(command.subject, known);
      for (const { selector, start, end } of command.windows) {
        const window = { selector, start, end };
        known.set(JSON.stringify(window), window);
      }
    },
    /**
     * Reads every purchase, and for every subject the lifetime sum and the windows that have not
     * ended; with `wide` also those that have, and more windows than a store remembers. Reading at
     * instant 0 expires no hold.
     */
    async look(
      { observer, clock, players, history }: World,
      { wide }: { readonly wide: boolean },
    ): Promise<Look> {
      const found = await Promise.all([...ids].map((id) => observer.get({ id, at: 0 })));
      const purchases = new Map(
        found.flatMap(({ purchase }) => (purchase === null ? [] : [[purchase.id, purchase]])),
      );
      const queries = players.map(({ subject }) => {
        const all = [...(windows.get(subject)?.values() ?? [])];
        const odd = wide ? oddWindows(history.start, clock.now) : [];
        const known = all.filter(({ end }) => wide || end > clock.now);
        return { subject, windows: [LIFETIME, ...known, ...odd] };
      });
      const usages = await Promise.all(
        queries.map(async ({ subject, windows }) => {
          const { used } = await observer.usage({ subject, windows, at: 0 });
          return windows.map((window, i) => ({ subject, window, used: used[i] ?? Number.NaN }));
        }),
      );
      return { purchases, usages: usages.flat() };
    },
  };
}

/** Windows of no policy, with scattered starts and distant ends. */
function oddWindows(start: number, now: number): readonly Window[] {
  const { selector } = LIFETIME;
  const selectors = [
    selector,
    { ...selector, app: 'game-1' },
    { ...selector, categories: ['loot'] },
  ];
  return Array.from({ length: 30 }, (_, index) => ({
    selector: selectors[index % 3] ?? selector,
    start: start + (index * (now - start)) / 30,
    end: now + 40 * DAY,
  })).map((window) => ({ ...window, start: Math.floor(window.start) }));
}

/** Queries the allowance of each of the players, as they would. */
export async function allowancesOf(
  { players }: World,
  server: Server,
  touched: ReadonlySet<string>,
): Promise<readonly ShownAllowance[]> {
  const at = server.now();
  const policy = versionAt(server.policies, at);
  if (policy === undefined) return [];
  const app = 'game-1';
  const shown = players
    .filter(({ subject }) => touched.has(subject))
    .map(async (player) => {
      const allowance = await server.limiter.allowance({ evidence: evidenceOf(player), app });
      return { player, policy, at, app, allowance };
    });
  return Promise.all(shown);
}
