// The process that charges: it has the keys of the payment processor, but no ages, caps or ledger.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { SpendcapError } from '@spendcap/server';
import { type PermittedPurchase, permitVerifier } from '@spendcap/server/permits';

const verify = permitVerifier({
  jwks: new URL(process.argv[2] ?? ''),
  issuer: 'https://limiter.example',
  audience: 'https://payments.example',
});
const server = createServer(async (request, response) => {
  const body = (await json(request)) as { permit: string; purchase: PermittedPurchase };
  try {
    const { purchaseId, amount, currency } = await verify(body.permit, body.purchase);
    // Here the card is charged, with the purchase id as the processor's idempotency key.
    response.end(`charged ${amount} ${currency} for ${purchaseId}`);
  } catch (error) {
    if (!SpendcapError.isInstance(error)) throw error;
    response.writeHead(error.status).end(`${error.code} ${error.why}`);
  }
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
