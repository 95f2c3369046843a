import { parseMoney, type StoredPurchase } from '@spendcap/core';
import type { Policy, SpendcapEvent } from '@spendcap/server';
import type { NaiveLedger } from '../properties/model.ts';
import { limitsOf, priceInCny, versionAt } from './book.ts';
import { diff, differ, keyOf, partsText, selects, spanText, sumOf } from './compare.ts';
import { DISPUTES, RUNNING_TOTAL } from './history.ts';
import type { Look, ShownAllowance } from './look.ts';
import type { Entry } from './rounds.ts';

/** The names under which a failing history is reported. */
export const INVARIANTS = {
  conservation: 'conservation: the entries add up to what the allowance says',
  negative: 'no part is negative',
  model: 'derived totals equal the model',
  caps: 'no cap is passed, but by a recorded late or larger charge',
  once: 'each purchase ends once',
  refusal: 'a refusal changes nothing',
} as const;

export type Invariant = keyof typeof INVARIANTS;

/** A step to judge: the ledger before and after it, and the calls and answers between. */
export interface Judged {
  readonly before: Look;
  readonly after: Look;
  readonly model: NaiveLedger;
  readonly journal: readonly Entry[];
  /** Of the process that did it. */
  readonly policies: readonly Policy[];
  readonly allowances: readonly ShownAllowance[];
  /** Of all steps so far. */
  readonly events: readonly SpendcapEvent[];
}

export interface Breach {
  /** `error`: an error that no caller has to expect. */
  readonly invariant: Invariant | 'error';
  readonly what: string;
}

export function breachesOf(judged: Judged): readonly Breach[] {
  const checks: Readonly<Record<Invariant, (judged: Judged) => readonly string[]>> = {
    conservation,
    negative,
    model: derived,
    caps,
    once,
    refusal,
  };
  return (Object.keys(checks) as Invariant[]).flatMap((invariant) =>
    checks[invariant](judged).map((what) => ({ invariant, what })),
  );
}

function conservation({ after, allowances }: Judged): string[] {
  const entries = [...after.purchases.values()];
  const shown = allowances.flatMap(({ allowance, player, ...asker }) => {
    const limits = limitsOf({ ...asker, player, entries });
    const same = allowance.policy.version === asker.policy.version;
    if (!same || allowance.limits.length !== limits.length) {
      return [`${player.subject}: other limits than the policy's`];
    }
    return limits.flatMap((limit) => {
      const { period, categories, cap, used } = limit;
      const line = allowance.limits.find(
        (one) => one.period === period && `${one.categories}` === `${categories}`,
      );
      const wanted = { cap, used, remaining: Math.max(0, cap - used) };
      const said = line && {
        cap: parseMoney(line.cap, 'CNY'),
        used: parseMoney(line.used, 'CNY'),
        remaining: parseMoney(line.remaining, 'CNY'),
      };
      return differ(said, wanted) ? [`${player.subject} ${period}: ${diff(said, wanted)}`] : [];
    });
  });
  const windows = after.usages.flatMap(({ subject, window, used }) => {
    const sum = sumOf(entries, subject, window);
    return sum === used ? [] : [`${subject} ${spanText(window)}: ${used} for entries of ${sum}`];
  });
  return [...shown, ...windows];
}

function negative({ after, allowances }: Judged): string[] {
  const wrong = [...after.purchases.values()].filter(
    ({ amount, committed, refunded, restored, state }) =>
      !(amount > 0 && committed >= 0 && restored >= 0 && refunded >= restored) ||
      refunded > committed ||
      (state !== 'committed' && committed > 0),
  );
  return [
    ...wrong.map((purchase) => `purchase ${partsText(purchase)}`),
    ...after.usages
      .filter(({ used }) => !(used >= 0))
      .map(({ subject, used }) => `${subject} has used ${used}`),
    ...allowances.flatMap(({ allowance }) =>
      allowance.limits
        .filter(({ used, remaining }) => used.startsWith('-') || remaining.startsWith('-'))
        .map(({ period }) => `an allowance of a ${period}`),
    ),
  ];
}

/** Every answer, every purchase and every sum is what the naive ledger says. */
function derived({ after, model, journal, policies }: Judged): string[] {
  const answers = journal.flatMap(({ verb, command, result }) => {
    const expected = answerOf(model, { verb, command } as Entry);
    // Holds of the same instant come in any order.
    if (verb === 'overdue') return sameIds(result, expected) ? [] : ['overdue lists others'];
    return differ(result, expected) ? [`${verb}: ${diff(result, expected)}`] : [];
  });
  const rules = journal.flatMap(({ verb, command }) => {
    if (verb !== 'refund') return [];
    const version = versionAt(policies, command.at) ?? policies.at(-1);
    const restores = version?.refunds === 'original_window' && !DISPUTES.has(command.refundId);
    return restores === command.restores ? [] : [`${command.id}: refund by another rule`];
  });
  const entries = model.entries();
  const purchases = entries.flatMap((expected) => {
    const found = after.purchases.get(expected.id);
    return differ(found, expected) ? [`${expected.id}: ${diff(found, expected)}`] : [];
  });
  const surplus = [...after.purchases.keys()].filter((id) => !entries.some((e) => e.id === id));
  const prices = [...after.purchases.values()].flatMap(({ id, request, amount, reservedAt }) => {
    const wanted = JSON.parse(request) as { readonly amount: number; readonly currency: string };
    const price = priceInCny(wanted.amount, wanted.currency, reservedAt);
    return price === amount ? [] : [`${id}: holds ${amount} for a price of ${price}`];
  });
  const sums = after.usages.flatMap(({ subject, window, used }) => {
    const expected = model.usage({ subject, windows: [window], at: 0 }).used[0];
    return expected === used ? [] : [`${subject} ${spanText(window)}: ${used}, not ${expected}`];
  });
  return [
    ...answers,
    ...rules,
    ...purchases,
    ...surplus.map((id) => `${id}: of nobody`),
    ...prices,
    ...sums,
  ];
}

function sameIds(found: readonly StoredPurchase[], expected: unknown): boolean {
  return `${found.map(({ id }) => id).toSorted()}` === `${expected}`;
}

/** Makes the store's call on the model, and returns the model's answer. */
function answerOf(model: NaiveLedger, { verb, command }: Entry): unknown {
  switch (verb) {
    case 'reserve':
      return model.reserve(command);
    case 'commit':
      return model.commit(command);
    case 'release':
      return model.release(command);
    case 'record':
      return model.record(command);
    case 'attach':
      return model.attach(command);
    case 'refund':
      return model.refund(command);
    case 'reverseRefund':
      return model.reverseRefund(command);
    case 'get':
      return { purchase: model.get(command.id, command.at) };
    case 'usage':
      return model.usage(command);
    case 'overdue':
      return model.overdue(command).toSorted();
  }
}

/** What a reserve held was within every cap then, and is at the end of the step. */
function caps({ before, after, journal }: Judged): string[] {
  const past = new Map(before.usages.map((usage) => [keyOf(usage), usage.used]));
  const capOf = new Map<string, number>();
  const passed: string[] = [];
  const excused = new Set<string>();
  for (const { verb, command, result } of journal) {
    if ((verb === 'commit' || verb === 'record') && result.outcome === 'done') {
      const { subject, late, committed, amount } = result.purchase;
      if (late || committed > amount) excused.add(subject);
    }
    if (verb === 'reverseRefund' && result.outcome === 'done') excused.add(result.purchase.subject);
    if (verb !== 'reserve') continue;
    const { subject, windows } = command;
    for (const [index, { cap, ...window }] of windows.entries()) {
      capOf.set(keyOf({ subject, window }), cap);
      const used = result.outcome === 'held' && !result.replayed ? (result.used[index] ?? 0) : 0;
      if (used > cap) passed.push(`${command.id} ${spanText(window)}: ${used} of ${cap}`);
    }
  }
  const fresh = [...after.purchases.values()].filter(({ id }) => !before.purchases.has(id));
  const over = after.usages.filter((usage) => {
    const { subject, window, used } = usage;
    const grown = used > (past.get(keyOf(usage)) ?? 0);
    const held = fresh.some((purchase) => selects(window, subject, purchase));
    return used > (capOf.get(keyOf(usage)) ?? Infinity) && grown && held && !excused.has(subject);
  });
  const passedNow = over.map(
    ({ subject, window, used }) => `${subject} ${spanText(window)}: ${used}`,
  );
  return [...passed, ...passedNow];
}

const NEXT: Readonly<Record<string, readonly string[]>> = {
  reserved: ['reserved', 'committed', 'released', 'expired'],
  committed: ['committed'],
  released: ['released', 'committed'],
  expired: ['expired', 'committed'],
};

function once({ before, after, events }: Judged): string[] {
  const steps = [...before.purchases.values()].flatMap((old) => {
    const next = after.purchases.get(old.id);
    if (next === undefined) return [`${old.id} is gone`];
    const late =
      (old.state === 'released' || old.state === 'expired') && next.state === 'committed';
    const fine =
      NEXT[old.state]?.includes(next.state) &&
      (old.state !== 'committed' || (next.committed === old.committed && next.late === old.late)) &&
      (!late || next.late) &&
      next.amount === old.amount &&
      next.reservedAt === old.reservedAt;
    return fine ? [] : [`${old.id}: from ${partsText(old)} to ${partsText(next)}`];
  });
  const ends = new Map<string, number>();
  for (const { type, purchaseId, refundId = '' } of events) {
    if (type === 'purchase.refused' || type === 'purchase.unrecorded') continue;
    // Each part of a running total is a refund of its own.
    if (refundId.startsWith(RUNNING_TOTAL) && type === 'purchase.refunded') continue;
    const kind = type === 'purchase.expired' ? 'purchase.released' : type;
    const name = `${purchaseId} ${kind} ${refundId}`;
    ends.set(name, (ends.get(name) ?? 0) + 1);
  }
  const twice = [...ends].filter(([, count]) => count > 1).map(([name]) => `${name}, twice`);
  return [...steps, ...twice];
}

/** Only what a call reported as changed has changed, and the holds that have expired. */
function refusal({ before, after, journal }: Judged): string[] {
  const done = new Set(journal.flatMap((entry) => (isRefused(entry) ? [] : idsOf(entry))));
  const added = [...after.purchases.keys()].filter(
    (id) => !before.purchases.has(id) && !done.has(id),
  );
  const ended = [...before.purchases.values()].filter(
    ({ id, state }) => state === 'reserved' && after.purchases.get(id)?.state === 'expired',
  );
  const changed = [...before.purchases.values()].filter(
    (old) => !done.has(old.id) && !ended.includes(old) && differ(after.purchases.get(old.id), old),
  );
  const active = new Set([...done].map((id) => after.purchases.get(id)?.subject));
  const past = new Map(before.usages.map((usage) => [keyOf(usage), usage.used]));
  const moved = after.usages.filter((usage) => {
    const { subject, window, used } = usage;
    const was = past.get(keyOf(usage));
    return (
      was !== undefined && !active.has(subject) && used !== was - sumOf(ended, subject, window)
    );
  });
  return [
    ...added.map((id) => `${id} is in the ledger`),
    ...changed.map(({ id }) => `${id} has changed`),
    ...moved.map(({ subject, window }) => `${subject} ${spanText(window)} has changed`),
  ];
}

function isRefused({ result }: Entry): boolean {
  return 'outcome' in result && result.outcome !== 'held' && result.outcome !== 'done';
}

function idsOf({ verb, command }: Entry): string[] {
  return verb === 'usage' || verb === 'overdue' || verb === 'get' ? [] : [command.id];
}
