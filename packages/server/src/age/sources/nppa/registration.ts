import { ageRangeAt } from '@spendcap/core';
import type { SourceFinding } from '../source.ts';
import type { NppaClient } from './client.ts';
import { evidenceInvalid, pending, unavailable } from './faults.ts';
import type { NppaRecord, NppaRecords, StoredRecord } from './records.ts';
import { birthDateOf, CHINA } from './wire.ts';

/** An account, with the identity only to register it. */
export interface Registration {
  readonly account: string;
  readonly ai: string;
  readonly key: string;
  readonly identity: { readonly name: string; readonly idNumber: string } | null;
}

export interface RegistrarOptions {
  readonly client: NppaClient;
  readonly records: NppaRecords;
  readonly keepPi: (registered: { account: string; pi: string }) => Promise<void>;
  readonly now: () => number;
}

type Verified = NppaRecord & { readonly state: 'verified' };

/** The state of an account at the system. `unknown`: never registered there, or deleted. */
type Outcome =
  | { readonly is: 'verified'; readonly pi: string; readonly born: string }
  | { readonly is: 'pending' | 'rejected' | 'unknown' };

const POLLED_MS = 48 * 3_600_000;
const ADULT = 18;
const UNKNOWN = 2003;
const TAKEN = 2004;
const ROUNDS = 3;

/** Finds the person of an account: in the store, or else at the real-name system. */
export function registrar({ client, records, keepPi, now }: RegistrarOptions) {
  /** Stores the outcome; `null` if a concurrent call was faster, whose record then counts. */
  async function keep(
    registration: Registration,
    was: StoredRecord,
    outcome: Outcome,
  ): Promise<Verified | null> {
    const { account, key } = registration;
    if (outcome.is === 'verified') {
      const { pi, born } = outcome;
      await handOver({ account, pi });
      const person = records.person(pi);
      const record = { state: 'verified', person, bornIn: keptOf(born, now()) } as const;
      return (await records.write(key, was, record)) ? record : null;
    }
    if (outcome.is === 'pending') {
      const known = was.record !== null;
      if (known || (await records.write(key, was, { state: 'pending', since: now() }))) {
        throw pending();
      }
      return null;
    }
    throw outcome.is === 'rejected' ? evidenceInvalid('identity_rejected') : busy();
  }

  async function handOver(registered: { account: string; pi: string }): Promise<void> {
    try {
      await keepPi(registered);
    } catch {
      throw unavailable('store_failed');
    }
  }

  async function query(ai: string): Promise<Outcome> {
    const answer = await client.call('query', { query: { ai } }, [UNKNOWN]);
    return answer.errcode === UNKNOWN ? { is: 'unknown' } : outcomeOf(answer.data, now());
  }

  async function check({ ai, identity }: Registration): Promise<Outcome> {
    const plain = { ai, name: identity?.name, idNum: identity?.idNumber };
    const answer = await client.call('check', { plain }, [TAKEN]);
    if (answer.errcode !== TAKEN) return outcomeOf(answer.data, now());
    // The answer was lost, or the process ended before it was stored. But an account that was
    // deleted a moment ago is still registered for the person it belonged to.
    const outcome = await query(ai);
    const isOther = outcome.is === 'verified' && outcome.born !== birthDateIn(identity?.idNumber);
    if (isOther) throw evidenceInvalid('registered_otherwise');
    return outcome;
  }

  /** Polls a pending registration. Returns `null` once it has failed. */
  async function resume(
    registration: Registration,
    was: StoredRecord,
    since: number,
  ): Promise<Outcome | null> {
    const hasExpired = now() - since >= POLLED_MS;
    const outcome: Outcome = hasExpired ? { is: 'unknown' } : await query(registration.ai);
    if (outcome.is === 'verified' || outcome.is === 'pending') return outcome;
    if (registration.identity === null && outcome.is === 'unknown')
      throw evidenceInvalid('pending_expired');
    if (!(await records.write(registration.key, was, null))) return null;
    if (registration.identity === null) throw evidenceInvalid('identity_rejected');
    return null;
  }

  return async (registration: Registration): Promise<Verified> => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const was = await records.read(registration.key);
      const { record } = was;
      if (record?.state === 'verified') return record;
      if (record === null && registration.identity === null)
        throw evidenceInvalid('not_registered');
      const outcome = record
        ? await resume(registration, was, record.since)
        : await check(registration);
      const verified = outcome && (await keep(registration, was, outcome));
      if (verified !== null) return verified;
    }
    throw busy();
  };
}

/** Concurrent calls for one account conflicted: the next one will find their result. */
function busy() {
  return unavailable('system_error');
}

function outcomeOf(data: unknown, at: number): Outcome {
  const { result } = (data ?? {}) as { result?: { status?: unknown; pi?: unknown } | null };
  if (result?.status === 1) return { is: 'pending' };
  if (result?.status === 2) return { is: 'rejected' };
  const born = result?.status === 0 ? birthDateOf(result.pi, at) : null;
  if (born === null) throw unavailable('answer_invalid');
  return { is: 'verified', pi: result?.pi as string, born };
}

/** GB 11643: the digits 7 to 14 of an ID number. */
function birthDateIn(idNumber = ''): string {
  return idNumber.replace(/^\d{6}(\d{4})(\d\d)(\d\d).*$/, '$1-$2-$3');
}

/** A minor's month of birth; `null` for an adult. */
function keptOf(born: string, at: number): string | null {
  const bornIn = born.slice(0, 7);
  return rangeOf(bornIn, at).min >= ADULT ? null : bornIn;
}

function rangeOf(bornIn: string | null, at: number): SourceFinding['range'] {
  if (bornIn === null) return { min: ADULT, maxExclusive: null };
  // Day 31 even in a shorter month: later than any real one, so that nobody is older too early.
  const born = { kind: 'born', from: `${bornIn}-01`, to: `${bornIn}-31` } as const;
  const range = ageRangeAt([born], at, CHINA);
  return range.min >= ADULT ? { min: ADULT, maxExclusive: null } : range;
}

export function findingOf({ person, bornIn }: Verified, at: number): SourceFinding {
  const range = rangeOf(bornIn, at);
  return { range, asOf: at, assurance: 'verified', kind: 'nppa', person };
}
