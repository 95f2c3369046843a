import { type FakeCitizen, piOf, presetOf } from './people.ts';
import { NppaError } from './wire.ts';

/** A session reported by a game. */
export interface FakeReport {
  readonly bizId: string;
  readonly si: string;
  readonly bt: number;
  readonly ot: number;
  readonly ct: number;
  readonly pi?: string;
  readonly di?: string;
}

/** A pending authentication, or its result until it is deleted. */
interface Authentication {
  readonly citizen: FakeCitizen;
  readonly knownAt: number;
  readonly startedAt: number;
  /** `Infinity` until the result has been read. */
  deletedAt: number;
}

const KEPT_MS = 300_000;
const PENDING_MS = 48 * 3_600_000;
const MAX_REPORTS = 128;
const REPORT_SECONDS = 180;

/** The system's state and its three calls. Members of a call may have any type. */
export function nppaSystem(people: readonly FakeCitizen[], now: () => number) {
  const citizens = [...people];
  const authentications = new Map<string, Authentication>();
  const reports: FakeReport[] = [];

  function find(bizId: string, ai: string): Authentication | undefined {
    const key = `${bizId}\n${ai}`;
    const found = authentications.get(key);
    if (found === undefined) return undefined;
    const isStale = now() - found.startedAt > PENDING_MS && now() < found.knownAt;
    if (now() < found.deletedAt && !isStale) return found;
    authentications.delete(key);
    return undefined;
  }

  function read(found: Authentication): object {
    if (now() < found.knownAt) return result(1);
    found.deletedAt = Math.min(found.deletedAt, now() + KEPT_MS);
    return found.citizen.result === 'failure' ? result(2) : result(0, piOf(found.citizen));
  }

  return {
    citizens,
    reports,

    check(bizId: string, { ai, name, idNum }: Readonly<Record<string, unknown>>): object {
      if (!isText(ai, 32) || !isText(name, 32) || !isText(idNum, 18)) throw new NppaError(1012);
      if (!/^\d{17}[\dX]$/.test(idNum)) throw new NppaError(2001);
      if (find(bizId, ai) !== undefined) throw new NppaError(2004);
      const citizen = citizens.find((each) => each.name === name && each.idNumber === idNum);
      // No person was found, so nothing is stored under this id.
      if (citizen === undefined) return result(2);
      const startedAt = now();
      const knownAt = startedAt + (citizen.pendingMs ?? 0);
      const begun = { citizen, knownAt, startedAt, deletedAt: Infinity };
      authentications.set(`${bizId}\n${ai}`, begun);
      return read(begun);
    },

    query(bizId: string, ai: string): object {
      const preset = presetOf(ai);
      const found = find(bizId, ai);
      if (found !== undefined) return read(found);
      if (preset === null) throw new NppaError(2003);
      if (preset === 'failure') return result(2);
      return preset.pendingMs === undefined ? result(0, piOf(preset)) : result(1);
    },

    loginout(bizId: string, { collections }: Readonly<Record<string, unknown>>): object | null {
      if (!Array.isArray(collections) || collections.length === 0) throw new NppaError(3002);
      if (collections.length > MAX_REPORTS) throw new NppaError(3003);
      const results = collections.flatMap((each: Readonly<Record<string, unknown>>) => {
        const errcode = reportFault(each, now());
        if (errcode === 0) reports.push({ ...(each as unknown as FakeReport), bizId });
        return errcode === 0
          ? []
          : [{ no: each.no, errcode, errmsg: new NppaError(errcode).message }];
      });
      return results.length === 0 ? null : { results };
    },
  };
}

export type NppaSystem = ReturnType<typeof nppaSystem>;

function result(status: 0 | 1 | 2, pi?: string): object {
  return { result: { status, ...(pi === undefined ? {} : { pi }) } };
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= max;
}

function reportFault(each: Readonly<Record<string, unknown>>, at: number): number {
  const { no, si, bt, ot, ct, di, pi } = each;
  if (!Number.isInteger(no) || Number(no) < 1 || Number(no) > MAX_REPORTS) return 3004;
  if (!isText(si, 32)) return 1012;
  const age = at / 1000 - Number(ot);
  if (!Number.isInteger(ot) || age < 0 || age > REPORT_SECONDS) return 3005;
  if (ct !== 0 && ct !== 2) return 3006;
  if (bt !== 0 && bt !== 1) return 3007;
  if (ct === 2) return isText(di, 32) ? 0 : 3009;
  if (!isText(pi, 64)) return 3008;
  return /^[0-9a-p]{6}[0-9a-z]{32}$/.test(pi) ? 0 : 3010;
}
