import { invalid } from './errors.ts';
import type { JsonObject } from './objects.ts';
import { voidedOf } from './resources.ts';
import type { State } from './state.ts';

const DAYS_30 = 30 * 86_400_000;
const MAX_RESULTS = 1_000;

interface Page {
  /** Epoch milliseconds, both inclusive. */
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

/**
 * `purchases.voidedpurchases.list`: records of the last 30 days by the time at which they were
 * made, of one-time purchases only unless `type=1`, of parts of several pieces only on request.
 */
export function listVoided(state: State, { searchParams }: URL): JsonObject {
  const of = (name: string) => searchParams.get(name) ?? undefined;
  const size = Number(of('maxResults') ?? MAX_RESULTS);
  if (!Number.isInteger(size) || size < 1 || size > MAX_RESULTS) throw invalid('maxResults');
  const { start, end, offset } = pageOf(state, searchParams);
  const found = state.voided.filter(
    ({ recordedAt, kind, quantity }) =>
      recordedAt >= start &&
      recordedAt <= end &&
      (kind === 'one_time' || of('type') === '1') &&
      (quantity === null || of('includeQuantityBasedPartialRefund') === 'true'),
  );
  const next = offset + size;
  const voidedPurchases = found.slice(offset, next).map(voidedOf);
  return {
    ...(voidedPurchases.length > 0 && { voidedPurchases }),
    ...(next < found.length && {
      tokenPagination: { nextPageToken: [start, end, next].join('.') },
    }),
  };
}

function pageOf({ now }: State, params: URLSearchParams): Page {
  const token = params.get('token');
  if (token !== null) {
    const [start = 0, end = 0, offset = 0] = token.split('.').map(Number);
    return { start, end, offset };
  }
  const start = Number(params.get('startTime') ?? now() - DAYS_30);
  const end = Number(params.get('endTime') ?? now());
  if (!(start >= now() - DAYS_30)) throw invalid('startTime is older than 30 days.');
  if (!(end <= now())) throw invalid('endTime is in the future.');
  return { start, end, offset: 0 };
}
