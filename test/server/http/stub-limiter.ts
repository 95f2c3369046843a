import {
  type AgeEvidence,
  type DecisionBatch,
  type Purchase,
  type Reservation,
  SpendcapError,
} from '@spendcap/core';
import { ALLOWANCE, PURCHASE, RESERVATION } from '../../../packages/server/src/http/examples.ts';
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

const SHELF: DecisionBatch = {
  decisions: [{ allowed: true, reasons: [] }],
  reasons: [],
  allowance: ALLOWANCE,
};

const purchase = (id: string): Purchase => ({ ...PURCHASE, id });

export const reservation = (id: string): Reservation => ({
  ...RESERVATION,
  purchase: purchase(id),
});

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
    record: async (request) => answer('record', purchase(request.id), request),
    attach: async (id, named) => answer('attach', purchase(id), id, named),
    refund: async (id, refund) => answer('refund', purchase(id), id, refund),
    reverseRefund: async (id, refund) => answer('reverseRefund', purchase(id), id, refund),
    get: async (id) => answer('get', purchase(id), id),
    verifyAge: async (player) => answer('verifyAge', EVIDENCE, player),
    check: async (request) => answer('check', { allowed: true, allowance: ALLOWANCE }, request),
    checkMany: async (request) => answer('checkMany', SHELF, request),
    allowance: async (request) => answer('allowance', ALLOWANCE, request),
    overdue: async (options) => answer('overdue', [], options),
    policy: () => {
      throw new SpendcapError('policy_not_in_effect', 'The stub has no policy.');
    },
    jwks: { keys: [{ kty: 'EC', kid: 'k1' }] },
    ready: async () => answer('ready', undefined),
    close: async () => {},
  };
  return { limiter, calls };
}
