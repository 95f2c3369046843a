import {
  type AgeEvidence,
  assertOptions,
  type OptionNames,
  type Policy,
  parsePolicy,
  policyInForce,
  SpendcapError,
  type Store,
} from '@spendcap/core';
import { emitter } from './events.ts';
import { outageQueue } from './outage-queue.ts';
import type { Tracer } from './tracing.ts';
import type { AgeVerifier, Exchange, PermitSigner, Player, SpendcapEvent } from './types.ts';

/** Options of `createLimiter`. */
export interface LimiterOptions {
  /** The policy, or all its versions, whose dates do not overlap. */
  readonly policy: Policy | readonly Policy[];
  readonly store: Store;
  /** Required to accept age tokens; without it callers pass `evidence`. */
  readonly ageTokens?: AgeVerifier;
  /** Signs a permit for every reservation. */
  readonly permits?: PermitSigner;
  /** Required for purchases in another currency than the policy's; without it they are refused. */
  readonly exchange?: Exchange;
  /** Called after each state change. Errors it throws are ignored. */
  readonly onEvent?: (event: SpendcapEvent) => void;
  /** The clock, epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** An OpenTelemetry tracer, such as `trace.getTracer('spendcap')`: one span for each call. */
  readonly tracer?: Tracer;
}

const OPTIONS: OptionNames<LimiterOptions> = {
  policy: true,
  store: true,
  ageTokens: true,
  permits: true,
  exchange: true,
  onEvent: true,
  now: true,
  tracer: true,
};

/** What the verbs of one limiter share. */
export interface Context {
  readonly store: Store;
  readonly ageTokens: AgeVerifier | undefined;
  readonly permits: PermitSigner | undefined;
  readonly exchange: Exchange | undefined;
  readonly events: ReturnType<typeof emitter>;
  readonly outageQueue: ReturnType<typeof outageQueue>;
  /** Throws `clock_invalid` for an unusable clock rather than count in the wrong window. */
  clock(): number;
  /** The version in force. */
  policyAt(at: number): Policy;
  /** The version in force, else the last one: settling must work when none is in force. */
  settlingPolicyAt(at: number): Policy;
}

/** The end of the year 9999. A clock that returns microseconds is beyond it. */
const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** @throws TypeError for invalid options, SpendcapError `policy_invalid` for an invalid policy */
export function contextOf(options: LimiterOptions): Context {
  assertOptions('createLimiter', options, OPTIONS);
  const versions = versionsOf(options.policy);
  const last = versions.at(-1) as Policy;
  const now = options.now ?? Date.now;
  assertParts(options);
  return {
    store: options.store,
    ageTokens: options.ageTokens,
    permits: options.permits,
    exchange: options.exchange,
    events: emitter(options.onEvent),
    outageQueue: outageQueue(options.store),
    clock() {
      const at = timeOf(now);
      if (Number.isSafeInteger(at) && at >= 0 && at <= LAST_INSTANT) return at;
      throw new SpendcapError('clock_invalid', 'The clock returned no valid time.');
    },
    policyAt(at) {
      const policy = policyInForce(versions, at);
      if (policy !== undefined) return policy;
      throw new SpendcapError('policy_not_in_effect', 'No version of the policy is in force.');
    },
    settlingPolicyAt: (at) => policyInForce(versions, at) ?? last,
  };
}

/** Here, as the first purchase would otherwise fail, once it is held, or as if by an outage. */
function assertParts(options: LimiterOptions): void {
  const { store, ageTokens, permits, tracer } = options;
  if (typeof store?.reserve !== 'function')
    throw new TypeError('store must be a Store, such as memoryStore()');
  if (ageTokens !== undefined && typeof ageTokens?.verify !== 'function')
    throw new TypeError('ageTokens must be an AgeVerifier, such as ageTokens(...)');
  if (permits !== undefined && typeof permits?.sign !== 'function')
    throw new TypeError('permits must be a PermitSigner, such as permits(...)');
  if (tracer !== undefined && typeof tracer?.startActiveSpan !== 'function')
    throw new TypeError('tracer must be an OpenTelemetry Tracer');
  for (const name of ['exchange', 'onEvent', 'now'] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== 'function')
      throw new TypeError(`${name} must be a function`);
  }
}

/** `NaN` from a clock that throws. */
function timeOf(now: () => number): number {
  try {
    return now();
  } catch {
    return Number.NaN;
  }
}

/** The versions, sorted by date. */
function versionsOf(policy: Policy | readonly Policy[]): readonly Policy[] {
  const given = [policy].flat() as readonly Policy[];
  if (given[0]?.bands === undefined)
    throw new TypeError('policy must be a Policy, such as cnGame(), or an array of its versions');
  // A policy that was cast from JSON may leave ages without a band, and so without limits.
  const versions = given
    .map((each) => parsePolicy(each))
    .toSorted((a, b) => (a.effectiveFrom < b.effectiveFrom ? -1 : 1));
  for (const [index, version] of versions.entries()) {
    const next = versions[index + 1];
    if (next === undefined) break;
    if (next.id !== version.id || next.currency !== version.currency) {
      throw new TypeError('versions of a policy must have the same id and currency');
    }
    if (versions.some((other) => other !== version && other.version === version.version)) {
      throw new TypeError('versions of a policy must have different `version` names');
    }
    if (version.effectiveTo === undefined || next.effectiveFrom < version.effectiveTo) {
      throw new TypeError('versions of a policy must not overlap: set effectiveTo');
    }
  }
  return versions;
}

/** Verified evidence about the buyer, or `null` if there is none. */
export async function evidenceOf(
  context: Context,
  player: Player,
  purchaseId?: string,
): Promise<AgeEvidence | null> {
  if (player.evidence !== undefined) return player.evidence;
  if (player.ageToken === undefined) return null;
  if (context.ageTokens === undefined) {
    throw new TypeError('createLimiter requires the ageTokens option to accept an ageToken');
  }
  return context.ageTokens.verify(player.ageToken, {
    ...(player.proof === undefined ? {} : { proof: player.proof }),
    ...(purchaseId === undefined ? {} : { purchaseId }),
  });
}
