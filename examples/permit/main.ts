// The process that decides: it verifies ages, enforces caps and signs a permit for each allowed
// purchase. charge.ts is the process that charges; it relies on that signature only.
import { fork } from 'node:child_process';
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
import { memoryStore } from '@spendcap/server/stores/memory';

const age = { issuer: 'https://age.example', audience: 'https://limiter.example' };
const ageAuthority = await ageIssuer(age);
const limiter = createLimiter({
  policy: cnGame(),
  store: memoryStore(),
  ageTokens: ageTokens({ issuers: [{ ...age, jwks: ageAuthority.jwks }] }),
  permits: permits({
    key: await generatePermitKey(), // In production: a stored key from a secret manager.
    issuer: 'https://limiter.example',
    audience: 'https://payments.example',
  }),
});
// The handler publishes the permits' public keys at /.well-known/jwks.json.
const handler = createHandler(limiter, { apiKeys: ['an-api-key-of-this-example'] });
const server = createServer(toNode(handler)).listen(0, '127.0.0.1');
await once(server, 'listening');
const keys = `http://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/jwks.json`;

const charging = fork(new URL('charge.ts', import.meta.url), [keys]);
const [chargeUrl] = await once(charging, 'message');

const ageToken = await ageAuthority.issue({ subject: 'player-17', age: 17 });
const purchase = { id: 'order-1', amount: '68.00', currency: 'CNY' };
const decision = await limiter.reserve({ ...purchase, ageToken });
if (!decision.allowed) throw new Error('This purchase is within every cap.');

async function charge(what: string, requested: typeof purchase): Promise<void> {
  const permit = (decision.allowed && decision.permit) || '';
  const body = JSON.stringify({ permit, purchase: requested });
  const response = await fetch(chargeUrl, { method: 'POST', body });
  console.log(`${what}: ${response.status} ${await response.text()}`);
  if (response.ok) console.log(`ledger: ${(await limiter.commit(requested.id, { permit })).state}`);
}

await charge('ten times the amount', { ...purchase, amount: '680.00' });
await charge('another order', { ...purchase, id: 'order-2' });
await charge('as permitted', purchase);
charging.kill();
server.close();
await limiter.close();
