import type { Fetch, FetchInit } from '@spendcap/client';
import type { Allowance, Allowed, Refused } from '@spendcap/core/wire';

export const allowance: Allowance = {
  at: '2026-11-23T04:00:00.000Z',
  currency: 'CNY',
  policy: { id: 'cn-game', version: '1', timeZone: 'Asia/Shanghai' },
  ageRange: { min: 12, maxExclusive: 13 },
  limits: [],
  blocked: [],
  blockedCategories: [],
};

export const allowed: Allowed = { allowed: true, allowance };

export const refused: Refused = {
  allowed: false,
  reasons: [{ code: 'forbidden_for_age' }],
  allowance,
};

/** The report of a back end that has charged. */
export const receipt = { payment: 'paid', number: 7 } as const;

export const paid = (): typeof receipt => receipt;

export interface Call extends FetchInit {
  readonly url: string;
}

/** A fetch that gives the prepared answers in turn, the last one forever, and notes each call. */
export function fakeFetch(...answers: (() => Response)[]): { fetch: Fetch; calls: Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    fetch: async (url, init) => {
      calls.push({ url, ...init });
      const answer = answers[Math.min(calls.length, answers.length) - 1];
      if (answer === undefined) throw new Error('no answer prepared');
      return answer();
    },
  };
}

export const answer =
  (body: unknown, status = 200) =>
  () =>
    Response.json(body, { status });
