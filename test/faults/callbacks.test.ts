import { runInNewContext } from 'node:vm';
import { createClient } from '@spendcap/client';
import {
  ageTokens,
  createHandler,
  generatePermitKey,
  type LimiterOptions,
  permits,
  permitVerifier,
  SpendcapError,
} from '@spendcap/server';
import { generateAuthorityKey } from '@spendcap/server/age/authority';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { authorityWith, NAMED, type SOURCES } from '../server/age/authority/authority-kit.ts';
import { AUDIENCE, authority, ISSUER, NOW, verifierOf } from '../server/age/token/token-kit.ts';
import { API_KEY, stubLimiter } from '../server/http/stub-limiter.ts';
import { bought, CHILD, order, setUp } from '../server/limiter/limiter-kit.ts';
import { anyStore } from '../support/any-store.ts';

const SECRET = 'what a careless callback says';
const throws = (): never => {
  throw new Error(SECRET);
};
const rejects = (): Promise<never> => Promise.reject(new Error(SECRET));
/** As the promise of another realm or library, which is no instance of `Promise`. */
const thenable = () => ({
  // biome-ignore lint/suspicious/noThenProperty: that is what is tested
  then: (_: unknown, reject: (error: Error) => void) => reject(new Error(SECRET)),
});
/** No instance of this `Promise` either, and reported if nobody handles it. */
const foreign = () => runInNewContext('Promise.reject(new Error(text))', { text: SECRET });
const LISTENERS = [
  ['throws', throws],
  ['rejects', rejects],
  ['returns a thenable that rejects', thenable],
  ['rejects with a promise of another realm', foreign],
] as const;
/** For functions whose result is needed. */
const FAILING = LISTENERS.slice(0, 2);

const uncaught: unknown[] = [];
const note = (error: unknown) => void uncaught.push(error);
let warn: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  uncaught.length = 0;
  process.on('unhandledRejection', note).on('uncaughtException', note);
  warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});
afterEach(async () => {
  // An unhandled rejection is reported after the microtasks of a turn.
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off('unhandledRejection', note).off('uncaughtException', note);
  expect(uncaught).toEqual([]);
  expect(JSON.stringify(warn.mock.calls)).not.toContain(SECRET);
  warn.mockRestore();
});

/** The code that a call rejects with. */
const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'nothing',
    (error: unknown) => (SpendcapError.isInstance(error) ? error.code : error),
  );

/** A purchase from beginning to end, and one that is refused. */
async function life(options: Partial<LimiterOptions>) {
  const { limiter } = setUp(options);
  bought(await limiter.reserve(order('a')));
  await limiter.commit('a');
  await limiter.refund('a', { id: 'r' });
  bought(await limiter.reserve(order('b')));
  await limiter.release('b');
  expect((await limiter.check(order('c', { amount: '60.00' }))).allowed).toBe(false);
  expect((await limiter.reserve(order('c', { amount: '60.00' }))).allowed).toBe(false);
  expect(await limiter.get('a')).toMatchObject({ state: 'committed', refunded: '30.00' });
  expect(await limiter.get('b')).toMatchObject({ state: 'released' });
}

describe.each(LISTENERS)('a listener that %s', (_, listener) => {
  test('changes nothing: onEvent', () => life({ onEvent: listener }));

  test('changes nothing: tracer', async () => {
    await life({ tracer: { startActiveSpan: listener as never } });
    const span = { setAttribute: () => undefined, setStatus: () => undefined, end: listener };
    await life({ tracer: { startActiveSpan: (_name, run) => run(span) as never } });
  });

  test('changes nothing: onError, onResponse, metrics', async () => {
    const { limiter } = stubLimiter({ ready: new Error('broken') });
    const metrics = {
      decided: listener,
      route: () => listener,
      exposition: async () => ({ contentType: 'text/plain', text: '' }),
    };
    const listening = { onError: listener, onResponse: listener, metrics };
    const handler = createHandler(limiter, { apiKeys: [API_KEY], ...listening });
    const call = async (path: string, init: RequestInit = {}) => {
      const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
      return (await handler(new Request(`http://x${path}`, { headers, ...init }))).status;
    };
    expect(await call('/health/ready')).toBe(500);
    expect(await call('/health/live')).toBe(200);
    const body = JSON.stringify({ id: 'a', amount: '1.00', currency: 'CNY' });
    expect(await call('/v1/purchases', { method: 'POST', body })).toBe(201);
  });
});

describe.each(FAILING)('a function that %s', (how, failing) => {
  const given = failing as never;

  test('exchange: nothing is held', async () => {
    const { limiter } = setUp({ exchange: given });
    const bill = order('a', { currency: 'USD' });
    expect(await codeOf(limiter.reserve(bill))).toBe('exchange_unavailable');
    expect(await limiter.get('a')).toBeNull();
  });

  test('ageTokens and permits of your own: the call rejects, a retry finds the hold', async () => {
    const ageTokens = { verify: given };
    const unverified = setUp({ ageTokens }).limiter;
    const { evidence: _none, ...player } = order('a', { ageToken: 'x' });
    expect(await codeOf(unverified.reserve(player))).toMatchObject({ message: SECRET });
    expect(await unverified.get('a')).toBeNull();
    expect(
      await codeOf(setUp({ ageTokens: { verify: given, ready: given } }).limiter.ready()),
    ).toMatchObject({ message: SECRET });

    const store = anyStore();
    const signer = { sign: given, holdOf: given, jwks: { keys: [] } };
    const { limiter } = setUp({ store, permits: signer });
    expect(await codeOf(limiter.reserve(order('a')))).toMatchObject({ message: SECRET });
    expect(await setUp({ store }).limiter.reserve(order('a'))).toMatchObject({ replayed: true });
  });

  test('a store: every verb rejects with its error', async () => {
    const verbs = ['reserve', 'commit', 'release', 'refund', 'reverseRefund', 'get'];
    const all = [...verbs, 'usage', 'overdue', 'ready', 'close'];
    const store = Object.fromEntries(all.map((verb) => [verb, given])) as never;
    const { limiter } = setUp({ store });
    const calls = [
      () => limiter.reserve(order('a')),
      () => limiter.reserve(order('a', { amount: '60.00' })),
      () => limiter.check(order('a')),
      () => limiter.allowance({ evidence: CHILD }),
      () => limiter.commit('a'),
      () => limiter.release('a'),
      () => limiter.refund('a', { id: 'r' }),
      () => limiter.reverseRefund('a', { id: 'r' }),
      () => limiter.get('a'),
      () => limiter.overdue(),
      () => limiter.ready(),
      () => limiter.close(),
    ];
    for (const call of calls) expect(await codeOf(call())).toMatchObject({ message: SECRET });
  });

  test('fetch: keys and status lists are unavailable', async () => {
    const age = await authority();
    const jwks = new URL('https://age.example/jwks');
    const remote = verifierOf({ jwks: jwks as never }, { fetch: given });
    expect(await codeOf(remote.verify(await age.sign()))).toBe('age_keys_unavailable');
    expect(await codeOf(remote.ready?.() ?? Promise.resolve())).toBe('age_keys_unavailable');
    const lists = new URL('https://age.example/status');
    const listed = verifierOf(age, { fetch: given, issuer: { statusLists: lists } });
    const status = { status_list: { uri: `${lists.href}/1`, idx: 0 } };
    expect(await codeOf(listed.verify(await age.sign({ status })))).toBe('age_status_unavailable');

    const parties = { issuer: 'https://limiter.example', audience: 'https://pay.example' };
    const signer = permits({ key: await generatePermitKey(), ...parties, now: () => NOW });
    const claims = { purchaseId: 'a', amount: '1.00', currency: 'CNY', app: null, policy: 'p' };
    const permit = await signer.sign({ ...claims, expiresAt: NOW + 60_000 });
    const verify = permitVerifier({ jwks, ...parties, fetch: given, now: () => NOW });
    const paid = { id: 'a', amount: '1.00', currency: 'CNY' };
    expect(await codeOf(verify(permit, paid))).toBe('permit_keys_unavailable');
  });

  test('sources of an age authority: the first error counts, no other is unhandled', async () => {
    const desk = { kind: 'desk', verify: rejects as never };
    const phone = { kind: 'phone', verify: given };
    const sources = { desk, phone } as never as typeof SOURCES;
    const made = await authorityWith({ sources });
    expect(await codeOf(made.issue({ desk: {}, phone: {} }, NAMED))).toMatchObject({
      message: SECRET,
    });
  });

  test('of a client: reading rejects, a payment is left unknown', async () => {
    const url = 'https://pay.example';
    const fetch = async () => Response.json({ currency: 'CNY', limits: [], blocked: [] });
    const options = { url, ageToken: 'x', fetch };
    const purchase = { amount: '1.00', currency: 'CNY' };
    const code = (call: Promise<unknown>) => call.catch((error: { code?: unknown }) => error.code);
    expect(await code(createClient({ ...options, ageToken: given }).allowance())).toBe(
      'age_token_unavailable',
    );
    expect(await code(createClient({ ...options, fetch: given }).allowance())).toBe(
      'network_error',
    );
    const signing = createClient({ ...options, signer: given });
    await expect(signing.allowance()).rejects.toThrow(SECRET);
    const allowing = async () => Response.json({ allowed: true });
    const client = createClient({ ...options, fetch: allowing, newId: () => 'a' });
    const unknown = await client.checkout(purchase, given);
    expect(unknown).toMatchObject({ status: 'unknown', error: { message: SECRET } });
    if (how !== 'throws') return;
    const named = createClient({ ...options, newId: given });
    await expect(named.checkout(purchase, async () => ({ payment: 'paid' }))).rejects.toThrow(
      SECRET,
    );
  });
});

describe('a clock', () => {
  const CLOCKS = [
    ['throws', throws],
    ['returns NaN', () => Number.NaN],
    ['returns nothing', (() => undefined) as never],
    ['returns text', (() => '5') as never],
    ['returns the past before 1970', () => -1],
    ['returns Infinity', () => Number.POSITIVE_INFINITY],
  ] as const;

  test.each(CLOCKS)('that %s is clock_invalid', async (_, now: () => number) => {
    const { limiter } = setUp({ now });
    expect(await codeOf(limiter.reserve(order('a')))).toBe('clock_invalid');
    expect(await codeOf(limiter.ready())).toBe('clock_invalid');
    const age = await authority();
    expect(await codeOf(verifierOf(age, { now }).verify(await age.sign()))).toBe('clock_invalid');
    const parties = { issuer: 'https://limiter.example', audience: 'https://pay.example' };
    const signer = permits({ key: await generatePermitKey(), ...parties, now });
    const claims = { purchaseId: 'a', amount: '1.00', currency: 'CNY', app: null, policy: 'p' };
    const permit = signer.sign({ ...claims, expiresAt: NOW });
    expect(await codeOf(permit)).toBe('clock_invalid');
    const made = await authorityWith({ now });
    expect(await codeOf(made.issue({ desk: {} }, NAMED))).toBe('clock_invalid');
    const answer = await made.handler(new Request('https://x/.well-known/jwks.json'));
    expect(answer.status).toBe(503);
  });

  test('that fails now and then leaves no reload of keys in the air', async () => {
    const age = await authority();
    let calls = 0;
    const now = () => {
      calls += 1;
      return calls % 2 === 0 ? throws() : NOW + calls * 400_000;
    };
    const verifier = ageTokens({
      issuers: [{ issuer: ISSUER, audience: AUDIENCE, jwks: new URL('https://age.example/') }],
      fetch: async () => Response.json(age.jwks),
      now,
    });
    for (let n = 0; n < 60; n += 1) {
      await codeOf(verifier.ready?.() ?? Promise.resolve());
      calls += n % 3;
    }
  });
});

test('keys of an age authority that cannot be read', async () => {
  let broken = false;
  const keys = [await generateAuthorityKey()];
  const made = await authorityWith({ keys: () => (broken ? throws() : keys) });
  broken = true;
  expect(await codeOf(made.issue({ desk: {} }, NAMED))).toBe('age_keys_unavailable');
  const answer = await made.handler(new Request('https://x/.well-known/jwks.json'));
  expect(answer.status).toBe(503);
});
