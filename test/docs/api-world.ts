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
} from '@spendcap/server';
import { toNode } from '@spendcap/server/adapters/node';
import { anyStore } from '../support/any-store.ts';

/** Noon in Shanghai, when docs/http-api.md was written and stays. */
const now = () => Date.UTC(2026, 10, 23, 4);

/** The server that the page's commands talk to, and their variables. */
export async function startApi() {
  const age = { issuer: 'https://age.example', audience: 'https://limiter.example' };
  const authority = await ageIssuer({ ...age, now });
  const limiter = createLimiter({
    policy: cnGame(),
    store: anyStore(),
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
