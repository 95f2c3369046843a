import {
  type AgeEvidence,
  type Purchase,
  type Refused,
  type Reservation,
  SpendcapError,
} from '@spendcap/core';
import type { Limiter } from '../../../packages/server/src/limiter/types.ts';

export const API_KEY = 'an-example-key-of-a-test';
export const OTHER_KEY = 'another-key-for-rotation';
/** Only its shape counts here: the stub verifies nothing. */
export const AGE_TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';

export const EVIDENCE: AgeEvidence = {
  subject: 'a',
  statements: [],
  kind: 'test',
  assurance: 'verified',
  expiresAt: Number.MAX_SAFE_INTEGER,
};

const row = {
  id: 'test.day',
  citation: 'Article 1',
  status: 'law',
  effectiveFrom: '2024-01-01',
} as const;
const limit = {
  period: 'day',
  categories: null,
  cap: '100.00',
  used: '10.00',
  remaining: '90.00',
  resetsAt: '2026-11-23T16:00:00.000Z',
} as const;

export const ALLOWANCE = {
  currency: 'CNY',
  policy: { id: 'test', version: '1', timeZone: 'Asia/Shanghai' },
  ageRange: { min: 12, maxExclusive: 13 },
  limits: [{ id: row.id, ...limit }],
  blocked: [],
};

export const REFUSED: Refused = {
  allowed: false,
  reasons: [{ code: 'day_cap_exceeded', row, limit }, { code: 'transaction_cap_exceeded' }],
  allowance: ALLOWANCE,
};

function purchase(id: string): Purchase {
  return {
    id,
    state: 'reserved',
    amount: '48.00',
    currency: 'CNY',
    capCurrency: 'CNY',
    held: '48.00',
    committed: '0.00',
    refunded: '0.00',
    late: false,
    category: null,
    app: null,
    product: null,
    metadata: {},
    reservedAt: '2026-11-23T04:00:00.000Z',
    expiresAt: '2026-11-23T04:30:00.000Z',
  };
}

export function reservation(id: string): Reservation {
  return {
    allowed: true,
    purchase: purchase(id),
    permit: null,
    replayed: false,
    allowance: ALLOWANCE,
  };
}

/** A limiter that records its calls and answers with `answers`, or throws those that are errors. */
export function stubLimiter(answers: Partial<Record<keyof Limiter, unknown>> = {}): {
  readonly limiter: Limiter;
  readonly calls: (readonly [string, ...unknown[]])[];
} {
  const calls: (readonly [string, ...unknown[]])[] = [];
  const answer = (verb: keyof Limiter, usual: unknown, ...given: unknown[]): never => {
    calls.push([verb, ...given]);
    const chosen = verb in answers ? answers[verb] : usual;
    if (chosen instanceof Error) throw chosen;
    return chosen as never;
  };
  const limiter: Limiter = {
    reserve: async (request) => answer('reserve', reservation(request.id), request),
    commit: async (id, options) => answer('commit', purchase(id), id, options),
    release: async (id, options) => answer('release', purchase(id), id, options),
    refund: async (id, refund) => answer('refund', purchase(id), id, refund),
    reverseRefund: async (id, refund) => answer('reverseRefund', purchase(id), id, refund),
    get: async (id) => answer('get', purchase(id), id),
    verifyAge: async (player) => answer('verifyAge', EVIDENCE, player),
    check: async (request) => answer('check', { allowed: true, allowance: ALLOWANCE }, request),
    allowance: async (request) => answer('allowance', ALLOWANCE, request),
    overdue: async () => [],
    policy: () => {
      throw new SpendcapError('policy_not_in_effect', 'The stub has no policy.');
    },
    jwks: { keys: [{ kty: 'EC', kid: 'k1' }] },
    ready: async () => answer('ready', undefined),
    close: async () => {},
  };
  return { limiter, calls };
}
