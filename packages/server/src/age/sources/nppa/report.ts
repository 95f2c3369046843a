import type { NppaClient } from './client.ts';
import { unavailable } from './faults.ts';

/** The begin or end of a session, which the law requires games to report. */
export interface NppaSession {
  /** Up to 32 characters, the same for the begin and the end of one session. */
  readonly session: string;
  readonly event: 'begin' | 'end';
  /** Epoch milliseconds. The system accepts what is less than 180 seconds old. */
  readonly at: number;
  /**
   * The player's 38-character `pi`, which spendcap does not store, or a guest's device, up to 32.
   */
  readonly player: { readonly pi: string } | { readonly device: string };
}

/** A session that was not accepted: its index in the list, and the system's code. */
export interface NppaReportFault {
  readonly index: number;
  readonly errcode: number;
}

const MAX_BATCH = 128;
const MAX_AGE_SECONDS = 180;
/** For the way to the system. */
const MARGIN_SECONDS = 10;
const PARTIAL = 3001;
const TIME = 3005;

/**
 * Reports sessions in batches of 128. Those too old for the system are not sent, and returned with
 * the system's own code, so that one old record does not fail its batch.
 */
export async function reportSessions(
  client: NppaClient,
  sessions: readonly NppaSession[],
  now: () => number,
): Promise<readonly NppaReportFault[]> {
  const faults: NppaReportFault[] = [];
  const all = sessions.map((session, index) => ({ session, index }));
  for (let begin = 0; begin < all.length; begin += MAX_BATCH) {
    const second = Math.floor(now() / 1000);
    const batch = all.slice(begin, begin + MAX_BATCH);
    const timely = batch.filter(({ session: { at } }) => isTimely(at, second));
    const late = batch.filter((each) => !timely.includes(each));
    faults.push(...late.map(({ index }) => ({ index, errcode: TIME })));
    if (timely.length === 0) continue;
    const collections = timely.map(({ session }, place) => recordOf(session, place + 1));
    const answer = await client.call('loginout', { plain: { collections } }, [PARTIAL]);
    for (const { no, errcode } of resultsOf(answer.data)) {
      const index = timely[no - 1]?.index;
      if (index === undefined) throw unavailable('answer_invalid');
      if (errcode !== 0) faults.push({ index, errcode });
    }
  }
  return faults.toSorted((a, b) => a.index - b.index);
}

function isTimely(at: number, second: number): boolean {
  const age = second - Math.floor(at / 1000);
  return age >= 0 && age <= MAX_AGE_SECONDS - MARGIN_SECONDS;
}

function recordOf({ session, event, at, player }: NppaSession, no: number) {
  const whom = 'pi' in player ? { ct: 0, pi: player.pi } : { ct: 2, di: player.device };
  const ot = Math.floor(at / 1000);
  return { no, si: session, bt: event === 'begin' ? 1 : 0, ot, ...whom };
}

interface Result {
  readonly no: number;
  readonly errcode: number;
}

function resultsOf(data: unknown): readonly Result[] {
  const results = (data as { results?: unknown } | null | undefined)?.results ?? [];
  if (!Array.isArray(results) || !results.every(isResult)) throw unavailable('answer_invalid');
  return results;
}

function isResult(value: unknown): value is Result {
  const { no, errcode } = (value ?? {}) as Partial<Result>;
  return Number.isInteger(no) && Number.isInteger(errcode);
}
