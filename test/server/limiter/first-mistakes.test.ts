import {
  ageTokens,
  cnGame,
  cnLive,
  createHandler,
  createLimiter,
  permitVerifier,
  verifyPermit,
} from '@spendcap/server';
import { expect, test } from 'vitest';
import { anyStore } from '../../support/any-store.ts';

const age = { issuer: 'https://age.example', audience: 'https://shop.example' };
const store = anyStore();
const buy = (request: object) =>
  createLimiter({ policy: cnGame(), store }).reserve({
    id: 'order-1',
    amount: '48.00',
    currency: 'CNY',
    ...request,
  });

const jwks = new URL('https://age.example/jwks');
const token = { id: 'order-1', amount: '48.00', currency: 'CNY', ageToken: 'x.y.z' };
const limiterWith = (options: object) => createLimiter({ policy: cnGame(), store, ...options });
const handlerOf = (limiter: unknown, options: object = {}) =>
  createHandler(limiter as never, { apiKeys: ['an-example-key-of-a-test'], ...options });

// What one gets wrong on the first day; the message has to say what to pass instead.
test.each<[mistake: string, make: () => unknown, words: string]>([
  [
    'the address of a key set as text',
    () => ageTokens({ issuers: [{ ...age, jwks: 'https://age.example/jwks' as never }] }),
    "a URL object, such as new URL('https://age.example/jwks.json')",
  ],
  [
    'no key set',
    () => ageTokens({ issuers: [age as never] }),
    "a URL object, such as new URL('https://age.example/jwks.json')",
  ],
  ['a policy by name', () => createLimiter({ policy: 'cn-game' as never, store }), 'as cnGame()'],
  [
    'a policy that is not called',
    () => createLimiter({ policy: cnGame as never, store }),
    'such as cnGame()',
  ],
  [
    'a store that is not called',
    () => createLimiter({ policy: cnGame(), store: anyStore as never }),
    'such as memoryStore()',
  ],
  [
    'an age verifier that is its issuers',
    () => limiterWith({ ageTokens: { issuers: [] } }),
    'ageTokens must be an AgeVerifier, such as ageTokens(...)',
  ],
  [
    'a permit key in place of a signer',
    () => limiterWith({ permits: { kty: 'EC' } }),
    'permits must be a PermitSigner, such as permits(...)',
  ],
  [
    'a rate in place of an exchange',
    () => limiterWith({ exchange: '7.1' }),
    'exchange must be a fu',
  ],
  ['a time in place of a clock', () => limiterWith({ now: 5 }), 'now must be a function'],
  ['a listener by name', () => limiterWith({ onEvent: 'log' }), 'onEvent must be a function'],
  [
    'a time as the clock of age tokens',
    () => ageTokens({ issuers: [], now: 5 as never }),
    'now must be a function that returns epoch milliseconds',
  ],
  ['a handler without a limiter', () => handlerOf(undefined), 'limiter must be a Limiter, such as'],
  [
    'a handler of options',
    () => handlerOf({ policy: cnGame(), store }),
    'limiter must be a Limiter',
  ],
  [
    'a handler whose listener is a name',
    () => handlerOf(createLimiter({ policy: cnGame(), store }), { onError: 'log' }),
    'onError must be a function',
  ],
  ['no options for a permit', () => verifyPermit('x', undefined as never), 'an object of options'],
  [
    'a permit for no purchase',
    () => verifyPermit('x', { jwks, issuer: 'a', audience: 'b' } as never),
    'purchase must be { id, amount, currency }',
  ],
  [
    'a verifier of permits that is given no purchase',
    () => permitVerifier({ jwks, issuer: 'a', audience: 'b' })('x', undefined as never),
    'purchase must be { id, amount, currency }',
  ],
  [
    'an age verifier that returns nothing',
    () => limiterWith({ ageTokens: { verify: () => undefined } }).reserve(token),
    'evidence must be an object',
  ],
  [
    'one category as text',
    () => cnLive({ categories: 'gift' as never }),
    'categories must be an array',
  ],
  ['a currency in lower case', () => buy({ currency: 'cny' }), 'in upper case, such as "CNY"'],
  ['a currency by its nickname', () => buy({ currency: 'RMB' }), 'ISO 4217'],
  ['an amount as number', () => buy({ amount: 48 }), 'a decimal string such as "48.00"'],
  ['a misspelt field', () => buy({ agetoken: 'x' }), 'agetoken is not a known field'],
])('%s', async (_, make, words) => {
  await expect((async () => make())()).rejects.toThrow(words);
});
