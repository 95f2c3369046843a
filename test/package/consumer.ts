// A user's program. packed.test.ts compiles and runs it against the installed tarballs.
import { createClient } from '@spendcap/client';
import { cnGame } from '@spendcap/core';
import type { RefusalCode } from '@spendcap/core/wire';
import { createLimiter } from '@spendcap/server';
import { createHandler } from '@spendcap/server/http';
import { memoryStore } from '@spendcap/server/stores/memory';

const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
const request = { id: 'order-1', amount: '1.00', currency: 'CNY' };
const answer = await limiter.reserve(request);
const codes: readonly RefusalCode[] = answer.allowed ? [] : answer.reasons.map(({ code }) => code);

const handler = createHandler(limiter, { apiKeys: ['an-example-key-of-a-test'] });
const client = createClient({
  url: 'http://limiter.example',
  ageToken: 'no-token-at-all',
  fetch: (url, init) => handler(new Request(url, init)),
});
const { code } = await client.allowance().catch((error) => error);

export function wrongCalls(): void {
  // @ts-expect-error: a number is not an amount
  limiter.reserve({ ...request, amount: 1 });
  // @ts-expect-error: undefined is not an absent category
  limiter.reserve({ ...request, category: undefined });
  // @ts-expect-error: a refusal has no purchase
  console.log(answer.purchase);
}

await limiter.close();
console.log(JSON.stringify({ codes, code }));
