import { parseMoney } from '@spendcap/core';
import { codesAgainst, priceInCny, versionAt } from './book.ts';
import type { Step } from './history.ts';
import type { Look } from './look.ts';
import type { Answers } from './play.ts';
import type { Server, World } from './world.ts';

/** Compares the answer to a single purchase with the answer that the policy gives on paper. */
export function wrongDecision(
  { players, events }: World,
  { server, step, answers, before }: { server: Server; step: Step; answers: Answers; before: Look },
): string | null {
  if (step.do !== 'calls' || step.calls.length !== 1 || step.fault !== undefined) return null;
  const [call] = step.calls;
  const [text = ''] = answers;
  if (call?.verb !== 'reserve' && call?.verb !== 'check') return null;
  // For an id that exists already, the ledger's model has the answer.
  if (call.verb === 'reserve' && before.purchases.has(call.id)) return null;
  // A purchase admitted during an outage is recorded first, and may have expired by now.
  const { id } = call;
  const passed = events.some((e) => e.type === 'purchase.unrecorded' && e.purchaseId === id);
  if (passed) return null;
  const at = step.at + step.skew;
  const policy = versionAt(server.policies, at);
  const player = players[call.player];
  if (player === undefined) return null;
  if (policy === undefined) return text === 'policy_not_in_effect' ? null : `${call.id}: ${text}`;
  const entries = [...before.purchases.values()].filter(
    ({ state, onExpiry, expiresAt }) =>
      !(state === 'reserved' && onExpiry === 'release' && expiresAt <= at),
  );
  const amount = priceInCny(parseMoney(call.amount, call.currency), call.currency, at);
  const asker = { policy, player, at, app: call.app, entries };
  const expected = codesAgainst(asker, { ...call, amount }).join();
  const codes = text.startsWith('refused ') ? text.slice('refused '.length).split(',') : [];
  // The hint that a more precise age would help is no reason by the policy.
  const said = codes
    .filter((code) => code !== 'age_not_precise')
    .toSorted()
    .join();
  const decided = /^(?:held|allowed|refused)/.test(text);
  return decided && said === expected ? null : `${call.id}: ${text}, expected ${expected || 'yes'}`;
}
