import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ageIssuer } from '@spendcap/sandbox';
import {
  ageTokens,
  cnGame,
  createHandler,
  createLimiter,
  generatePermitKey,
  permits,
  type Store,
} from '@spendcap/server';
import { toNode } from '@spendcap/server/adapters/node';
import { anyStore } from '../support/any-store.ts';

/** Noon in Shanghai, when docs/http-api.md was written and stays. */
const now = () => Date.UTC(2026, 10, 23, 4);

/** Holds an hour before for another player; the hold has expired since. */
async function holdOverdue(store: Store): Promise<void> {
  const earlier = () => now() - 3_600_000;
  const evidence = {
    subject: 'player-17',
    statements: [{ kind: 'range', min: 17, maxExclusive: 18, asOf: earlier() }],
    kind: 'test',
    assurance: 'verified',
    expiresAt: now(),
  } as const;
  const price = { amount: '30.00', currency: 'CNY', processor: 'acme_pay' };
  const limiter = createLimiter({ policy: cnGame(), store, now: earlier });
  await limiter.reserve({ id: 'order-0', ...price, onExpiry: 'reconcile', evidence });
}

/** The server that the page's commands talk to, and their variables. */
export async function startApi() {
  const age = { issuer: 'https://age.example', audience: 'https://limiter.example' };
  const authority = await ageIssuer({ ...age, now });
  const store = anyStore();
  await holdOverdue(store);
  const limiter = createLimiter({
    policy: cnGame(),
    store,
    ageTokens: ageTokens({ issuers: [{ ...age, jwks: authority.jwks }], now }),
    permits: permits({
      key: await generatePermitKey(),
      issuer: 'spendcap',
      audience: 'payments',
      now,
    }),
    now,
  });
  const API_KEY = 'a-key-of-16-or-more-characters';
  const server = createServer(toNode(createHandler(limiter, { apiKeys: [API_KEY] })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const AGE_TOKEN = await authority.issue({ subject: 'player-12', age: 12 });
  return { variables: { URL, API_KEY, AGE_TOKEN }, close: () => server.close() };
}
