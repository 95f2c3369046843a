// A purchase from the tap to the charge: the client SDK in the game, the limiter on the game's
// server. The client checks and explains; the server enforces the caps.
import { createClient } from '@spendcap/client';
import { explainRefusal } from '@spendcap/client/explain';
import { messages as chinese } from '@spendcap/client/languages/zh-CN';
import { ageIssuer } from '@spendcap/sandbox';
import { ageTokens, cnGame, createHandler, createLimiter } from '@spendcap/server';
import { toFastify } from '@spendcap/server/adapters/fastify';
import { memoryStore } from '@spendcap/server/stores/memory';
import Fastify from 'fastify';

const age = { issuer: 'https://age.example', audience: 'https://game.example' };
const ageAuthority = await ageIssuer(age);

// The server.
const limiter = createLimiter({
  policy: cnGame({ daily: { age8to15: '90' } }),
  store: memoryStore(),
  ageTokens: ageTokens({ issuers: [{ ...age, jwks: ageAuthority.jwks }] }),
});
const basePath = '/spendcap';
const handler = createHandler(limiter, { apiKeys: ['an-api-key-of-this-example'], basePath });
const app = Fastify();
app.register(toFastify(handler), { prefix: basePath });

interface Order {
  readonly id: string;
  readonly amount: string;
  readonly ageToken: string;
}

app.post<{ Body: Order }>('/buy', async (request, reply) => {
  const { id, amount, ageToken } = request.body;
  const decision = await limiter.reserve({ id, amount, currency: 'CNY', ageToken });
  if (!decision.allowed) return reply.code(403).send(decision);
  if (!(await chargeCard(amount))) {
    await limiter.release(id, { reason: 'card_declined' });
    return reply.code(402).send({ error: 'card_declined' });
  }
  return limiter.commit(id);
});

/** Stands for a payment processor. */
async function chargeCard(amount: string): Promise<boolean> {
  return amount !== '13.00';
}

// The player's device.
const url = await app.listen({ port: 0 });
const ageToken = () => ageAuthority.issue({ subject: 'player-12', age: 12 });
const client = createClient({ url: `${url}${basePath}`, ageToken });

async function tap(amount: string): Promise<void> {
  const outcome = await client.checkout({ amount, currency: 'CNY' }, async (purchase) =>
    fetch(`${url}/buy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...purchase, ageToken: await ageToken() }),
    }),
  );
  if (outcome.status === 'refused') {
    console.log(amount, explainRefusal(outcome, { locale: 'en' }));
    console.log(amount, explainRefusal(outcome, { locale: 'zh-CN', languages: [chinese] }));
    return;
  }
  console.log(amount, outcome.status === 'paid' ? 'paid' : 'card declined');
}

await tap('60.00');
await tap('48.00');
await tap('13.00');
await tap('48.00');
const { limits } = await client.allowance();
for (const { period, used, cap } of limits) console.log(`${period}: ${used} of ${cap} CNY`);
await app.close();
await limiter.close();
