// Orders of a mobile game with spending caps: Express and Alipay's SDK, wrapped by the guard.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ageIssuer, fakeAlipay } from '@spendcap/sandbox';
import { ageTokens, cnGame, createLimiter, type Refused } from '@spendcap/server';
import { toExpress } from '@spendcap/server/adapters/express';
import { processorWebhook, reconcile } from '@spendcap/server/payments';
import { alipayProcessor, guardAlipay } from '@spendcap/server/payments/alipay';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { AlipaySdk } from 'alipay-sdk';
import express from 'express';

// With your own keys the next lines are: const alipay = new AlipaySdk({ appId, privateKey, ... });
const clock = { ahead: 0 };
const now = () => Date.now() + clock.ahead;
const fake = fakeAlipay({ now });
const gateway = await fake.listen();
const alipay = new AlipaySdk(gateway.config);

const age = { issuer: 'https://age.example', audience: 'https://game.example' };
const ageAuthority = await ageIssuer(age); // In production: the URL of its key set.
const limiter = createLimiter({
  policy: cnGame(),
  store: sqliteStore({ path: ':memory:' }), // In production: a file.
  ageTokens: ageTokens({ issuers: [{ ...age, jwks: ageAuthority.jwks }] }),
  now,
});
const deps = { alipay, sellerId: fake.sellerId, now };
const payments = guardAlipay({ ...deps, limiter });
const processor = alipayProcessor(deps);
const PRICES: Readonly<Record<string, string>> = { gems: '48.00', chest: '60.00' };

const app = express();
// Alipay's signature covers the raw bytes, so its endpoint is mounted before any body parser.
app.post('/notices/alipay', toExpress(processorWebhook({ processor, limiter, now })));
app.use(express.json());
app.post('/orders', async (req, res) => {
  const { orderId, product, ageToken } = req.body; // A real game has the token in its session.
  const ordered = await payments.sdkExec(
    'alipay.trade.app.pay',
    {
      bizContent: { total_amount: PRICES[product], subject: product, goods_type: '0' },
      notifyUrl: `${url}/notices/alipay`,
    },
    { spendcap: { id: orderId, ageToken, product } },
  );
  if (ordered.allowed) res.status(201).json({ orderString: ordered.orderString });
  else res.status(403).json(ordered);
});

// The rest simulates the player's phone and Alipay's notifications.
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const ageToken = await ageAuthority.issue({ subject: 'player-12', age: 12 });

async function order(orderId: string, product: string, act: 'pays' | 'leaves'): Promise<void> {
  const response = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ orderId, product, ageToken }),
  });
  const answer = (await response.json()) as { orderString?: string } & Partial<Refused>;
  if (answer.orderString !== undefined && act === 'pays') {
    fake.cashier(answer.orderString).pay();
    await fake.deliver(fake.notices.slice(-1), (request) => fetch(request));
  }
  const reasons = answer.reasons?.map(({ code }) => code) ?? [];
  const state = (await limiter.get(orderId))?.state ?? 'not in the ledger';
  console.log(orderId, response.status, ...reasons, state);
}

await order('order-1', 'chest', 'pays');
await order('order-2', 'gems', 'pays');
await order('order-3', 'gems', 'leaves');
await order('order-4', 'gems', 'pays');
// The unpaid order can be paid for 15 minutes. Then the reconciler, every few minutes, releases it.
clock.ahead += 25 * 60_000;
const { released } = await reconcile({ processor, limiter, now });
console.log(`released: ${released}, charged: ${fake.netPaid() / 100} CNY`);
server.close();
await gateway.close();
await limiter.close();
