import { serve } from '@hono/node-server';
import type { Policy } from '@spendcap/core';
import { ageTokens, createLimiter, type Limiter } from '@spendcap/server';
import { createHandler } from '@spendcap/server/http';
import { prometheusMetrics } from '@spendcap/server/http/metrics';
import { permits } from '@spendcap/server/permits';
import { memoryStore } from '@spendcap/server/stores/memory';
import { HOUSE_RULE, operatorPolicy } from '../operator-policy.ts';
import type { Sandbox } from '../sandbox.ts';

/** The page lists every purchase, however far the sandbox's clock is set forward. */
const KEPT_MS = 366 * 86_400_000;

const APPROVAL_UNDER_AGE = 10;

/** Under ten years the operator wants a parent's approval of each purchase. */
function shopPolicy(): Policy {
  const policy = operatorPolicy({ version: '2024-01-01.shop' });
  const guardianApproval = {
    id: 'operator.guardian-approval',
    ...HOUSE_RULE,
    status: 'operator',
    effectiveFrom: '2024-01-01',
  } as const;
  const bands = policy.bands.flatMap((band) => {
    if (band.minAge !== 8) return [band];
    // Of rows in two bands each needs its own id.
    const { limits, forbiddenCategories = [] } = band;
    const younger = {
      ...{ ...band, maxAgeExclusive: APPROVAL_UNDER_AGE, guardianApproval },
      limits: limits.map((row) => ({ ...row, id: `${row.id}.younger` })),
      forbiddenCategories: forbiddenCategories.map((row) => ({ ...row, id: `${row.id}.younger` })),
    };
    return [younger, { ...band, minAge: APPROVAL_UNDER_AGE }];
  });
  return { ...policy, bands };
}

/** The shop's own limiter, in its process, and the HTTP API to it at the sandbox's URL. */
export async function openLimiter(sandbox: Sandbox): Promise<Limiter> {
  const { now } = sandbox.clock;
  const { apiKey, permitKey, port } = sandbox;
  const limiter = createLimiter({
    policy: shopPolicy(),
    store: memoryStore({ keepEndedMs: KEPT_MS }),
    ageTokens: ageTokens({ issuers: [sandbox.age], now }),
    permits: permits({ key: permitKey, issuer: sandbox.url, audience: sandbox.url, now }),
    now,
  });
  const fetch = createHandler(limiter, { apiKeys: [apiKey], metrics: prometheusMetrics() });
  await new Promise<void>((resolve) => {
    serve({ fetch, port, hostname: '127.0.0.1' }, () => resolve());
  });
  return limiter;
}
