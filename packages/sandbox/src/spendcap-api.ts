import type { Problem, Purchase, Refused, Reservation } from '@spendcap/core';

/** The body of a reservation. */
export interface ReserveBody {
  readonly id: string;
  readonly ageToken: string;
  readonly amount: string;
  readonly currency: string;
  readonly category?: string;
  readonly product?: string;
}

/** The part of spendcap's HTTP API that a back end with an API key uses. */
export interface SpendcapApi {
  reserve(body: ReserveBody): Promise<Reservation | Refused>;
  commit(id: string): Promise<Purchase>;
  release(id: string, reason: string): Promise<Purchase>;
  refund(id: string, refundId: string): Promise<Purchase>;
}

/** The response was a problem: no decision was made. */
export class ApiProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`spendcap: ${problem.code}`);
    this.name = 'ApiProblem';
    this.problem = problem;
  }
}

/** Calls spendcap over HTTP with `fetch`, as any language can. */
export function spendcapApi(url: string, apiKey: string): SpendcapApi {
  async function post<Answer>(path: string, body: object): Promise<Answer> {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Answer | Problem;
    // A refusal is a 403 with `reasons`; every other failure is a problem with a `code`.
    if ('code' in (answer as object)) throw new ApiProblem(answer as Problem);
    return answer as Answer;
  }

  return {
    reserve: (body) => post('/v1/purchases', body),
    commit: (id) => post(`/v1/purchases/${id}/commit`, {}),
    release: (id, reason) => post(`/v1/purchases/${id}/release`, { reason }),
    refund: (id, refundId) => post(`/v1/purchases/${id}/refund`, { id: refundId }),
  };
}
