import {
  type AgeEvidence,
  type AgeStatement,
  cnGame,
  createLimiter,
  type Decision,
  type LimiterOptions,
  type Policy,
  type Purchase,
  type PurchaseRequest,
  parsePolicy,
  type Refused,
  type Reservation,
  SpendcapError,
  type SpendcapEvent,
  type Store,
} from '@spendcap/server';
import { anyStore } from '../../support/any-store.ts';

export const DAY = 86_400_000;
/** Noon of Monday 2026-11-23 in Shanghai. */
export const NOON = Date.parse('2026-11-23T04:00:00Z');
const YEAR = 366 * DAY;

/** A limiter over memory, with a clock to turn and all its events. */
export function setUp({ at = NOON, ...options }: Partial<LimiterOptions> & { at?: number } = {}) {
  const clock = { at };
  const events: SpendcapEvent[] = [];
  const store = options.store ?? anyStore();
  const limiter = createLimiter({
    policy: cnGame(),
    now: () => clock.at,
    onEvent: (event) => void events.push(event),
    ...options,
    store,
  });
  return { limiter, clock, events, store };
}

/** Verified evidence that is good for ten years. */
export function player(subject: string, ...statements: AgeStatement[]): AgeEvidence {
  const expiresAt = NOON + 10 * YEAR;
  return { subject, statements, kind: 'age_token', assurance: 'verified', expiresAt };
}

export function aged(min: number, maxExclusive: number | null): AgeStatement {
  return { kind: 'range', min, maxExclusive, asOf: NOON };
}

export const CHILD = player('child', aged(12, 13));
export const TEEN = player('teen', aged(17, 18));
export const ADULT = player('adult', aged(30, 31));

/** A purchase of the child over CNY 30, unless `rest` says otherwise. */
export function order(id: string, rest: Partial<PurchaseRequest> = {}): PurchaseRequest {
  return { id, amount: '30.00', currency: 'CNY', evidence: CHILD, ...rest };
}

export function bought(decision: Reservation | Refused): Purchase {
  if (decision.allowed) return decision.purchase;
  throw new Error(`refused: ${codesOf(decision).join()}`);
}

export function codesOf(decision: Decision): string[] {
  return decision.allowed ? [] : decision.reasons.map(({ code }) => code);
}

export function usedOf(allowance: Decision['allowance']): Record<string, string> {
  const pairs = allowance.limits.map(({ period, categories, used }) => [
    categories === null ? period : `${period} ${categories.join(' ')}`,
    used,
  ]);
  return Object.fromEntries(pairs);
}

/** A policy of one band for all ages. */
export function onePolicy(
  limits: readonly { period: string; max: string; categories?: readonly string[] }[],
  rest: Readonly<Record<string, unknown>> = {},
): Policy {
  const row = { citation: 'rule 1', status: 'operator', effectiveFrom: '2024-01-01' };
  return parsePolicy({
    id: 'shop',
    version: '1',
    effectiveFrom: '2024-01-01',
    jurisdiction: 'CN',
    currency: 'CNY',
    timeZone: 'Asia/Shanghai',
    scope: 'enterprise',
    unverified: 'refuse',
    refunds: 'original_window',
    bands: [
      {
        minAge: 0,
        maxAgeExclusive: null,
        limits: limits.map((limit, index) => ({ id: `row-${index}`, ...row, ...limit })),
      },
    ],
    ...rest,
  });
}

/** A store that can be taken down, with the calls that reached it. */
export function flaky(inner: Store = anyStore()) {
  const state: { error: unknown; calls: string[] } = { error: undefined, calls: [] };
  const store = new Proxy(inner, {
    get(target, name: keyof Store) {
      const verb = target[name] as (command?: unknown) => Promise<unknown>;
      return async (command?: unknown) => {
        state.calls.push(name);
        if (state.error !== undefined) throw state.error;
        return verb(command);
      };
    },
  });
  return { store, state };
}

export const DOWN = new SpendcapError('store_unavailable', 'The store did not answer.');
