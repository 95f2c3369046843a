import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ageTokens, cnGame, createLimiter } from '@spendcap/server';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AUDIENCE, type Authority, authority, ISSUER } from '../server/age/token/token-kit.ts';
import { anyStore } from '../support/any-store.ts';

const MINUTE = 60_000;
const BEGIN = Date.UTC(2026, 10, 24);

let age: Authority;
let next: Authority;
beforeAll(async () => {
  [age, next] = await Promise.all([authority('key-1'), authority('key-2')]);
});

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

type Answer = (response: ServerResponse) => void;

/**
 * A server of keys, whose answer a test changes as it goes, and a verifier with a clock of its own.
 */
async function world(staleSeconds?: number) {
  const state = { at: BEGIN, requests: 0, answer: setOf(age) };
  const server = createServer((_, response) => {
    state.requests += 1;
    state.answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const verifier = ageTokens({
    issuers: [
      { issuer: ISSUER, audience: AUDIENCE, jwks: new URL(`http://127.0.0.1:${port}/jwks`) },
    ],
    now: () => state.at,
    ...(staleSeconds === undefined ? {} : { keysStaleSeconds: staleSeconds }),
  });
  let players = 0;
  /** How a token that was not seen before comes out: `ok`, or code and why. */
  const outcome = async (signer: Authority, header: object = {}) => {
    players += 1;
    const iat = Math.floor(state.at / 1000);
    const token = await signer.sign({ sub: `player-${players}`, iat, exp: iat + 3_600 }, header);
    return outcomeOf(token);
  };
  const outcomeOf = (token: string) =>
    verifier.verify(token).then(
      () => 'ok',
      ({ code, why = '' }) => `${code} ${why}`.trim(),
    );
  return { state, outcome, verifier };
}

function setOf(...signers: readonly Authority[]): Answer {
  return json({ keys: signers.map(({ publicJwk }) => publicJwk) });
}

function json(body: unknown): Answer {
  return (response) => response.end(JSON.stringify(body));
}

const DOWN: Answer = (response) => response.destroy();

/**
 * A good key among 10,000 that are as small as a key can be, so that the bytes are not too many
 * first.
 */
const MANY: Answer = (response) => {
  const small = Array.from({ length: 9_999 }, () => ({ kty: 'EC' }));
  json({ keys: [age.publicJwk, ...small] })(response);
};

describe('the keys of an issuer at an address', () => {
  it('are read once for all who wait', async () => {
    const { state, outcome } = await world();
    const all = await Promise.all(Array.from({ length: 50 }, () => outcome(age)));
    expect(new Set(all)).toEqual(new Set(['ok']));
    expect(state.requests).toBe(1);
  });

  it('are reloaded in the background after five minutes', async () => {
    const { state, outcome } = await world();
    await outcome(age);
    state.at += 6 * MINUTE;
    const held: ServerResponse[] = [];
    state.answer = (response) => held.push(response);
    expect(await outcome(age)).toBe('ok');
    expect(await outcome(age)).toBe('ok');
    await expect.poll(() => state.requests).toBe(2);
    // Now the next set is there, and the old key is gone.
    for (const response of held) setOf(next)(response);
    await expect.poll(() => outcome(next)).toBe('ok');
    expect(await outcome(age)).toBe('age_token_invalid key_unknown');
    expect(state.requests).toBe(2);
  });

  it('are reloaded before a token is verified after ten minutes', async () => {
    const { state, outcome } = await world();
    await outcome(age);
    state.at += 11 * MINUTE;
    state.answer = setOf(next);
    expect(await outcome(age)).toBe('age_token_invalid key_unknown');
    expect(state.requests).toBe(2);
  });

  it('no longer count for new tokens once they are gone; one seen before is good until its end', async () => {
    const { state, outcome, verifier } = await world();
    const seconds = BEGIN / 1000;
    const seen = await age.sign({ iat: seconds, exp: seconds + 3_600 });
    const evidence = await verifier.verify(seen);
    state.at += 11 * MINUTE;
    state.answer = setOf(next);
    expect(await outcome(age)).toBe('age_token_invalid key_unknown');
    expect(await verifier.verify(seen)).toBe(evidence);
  });

  it('count for an hour more while they cannot be read, then no longer, then again', async () => {
    const { state, outcome } = await world();
    await outcome(age);
    state.answer = DOWN;
    state.at += 69 * MINUTE;
    expect(await outcome(age)).toBe('ok');
    state.at += 2 * MINUTE;
    expect(await outcome(age)).toBe('age_keys_unavailable');
    state.answer = setOf(age);
    state.at += MINUTE;
    expect(await outcome(age)).toBe('ok');
  });

  it('count no longer than they are fresh where none may be stale', async () => {
    const { state, outcome } = await world(0);
    await outcome(age);
    state.answer = DOWN;
    state.at += 9 * MINUTE;
    expect(await outcome(age)).toBe('ok');
    state.at += MINUTE;
    expect(await outcome(age)).toBe('age_keys_unavailable');
  });

  it('make the verifier ready while they can be read, or are not yet stale', async () => {
    const { state, verifier } = await world();
    const unavailable = { code: 'age_keys_unavailable', retryable: true };
    state.answer = DOWN;
    await expect(verifier.ready?.()).rejects.toMatchObject(unavailable);
    // Within the backoff, nothing is requested for it.
    const { requests } = state;
    await expect(verifier.ready?.()).rejects.toMatchObject(unavailable);
    expect(state.requests).toBe(requests);
    state.answer = setOf(age);
    state.at += 1_000;
    await verifier.ready?.();
    state.answer = DOWN;
    state.at += 69 * MINUTE;
    await verifier.ready?.();
    state.at += 2 * MINUTE;
    await expect(verifier.ready?.()).rejects.toMatchObject(unavailable);
    const limiter = createLimiter({
      policy: cnGame(),
      store: anyStore(),
      ageTokens: verifier,
    });
    await expect(limiter.ready()).rejects.toMatchObject(unavailable);
    state.answer = setOf(age);
    state.at += MINUTE;
    await limiter.ready();
  });

  it('of one issuer are enough to be ready', async () => {
    const jwks = { keys: [age.publicJwk] };
    const away = new URL('http://127.0.0.1:1/jwks');
    const issuers = [
      { issuer: 'https://away.example', audience: AUDIENCE, jwks: away },
      { issuer: ISSUER, audience: AUDIENCE, jwks },
    ];
    await ageTokens({ issuers }).ready?.();
    await expect(ageTokens({ issuers: issuers.slice(0, 1) }).ready?.()).rejects.toMatchObject({
      code: 'age_keys_unavailable',
    });
  });

  it('are requested less and less often while the server fails', async () => {
    const { state, outcome } = await world();
    state.answer = (response) => response.writeHead(500).end();
    for (let second = 0; second < 300; second += 1) {
      expect(await outcome(age)).toBe('age_keys_unavailable');
      state.at += 1_000;
    }
    // After 1, 2, 4, 8, 16 seconds, then each 30: not 300 times.
    expect(state.requests).toBeGreaterThan(10);
    expect(state.requests).toBeLessThan(18);
  });

  it('are not reported as unknown while they cannot be read: a new key may be among them', async () => {
    const { state, outcome } = await world();
    await outcome(age);
    state.answer = DOWN;
    state.at += MINUTE;
    expect(await outcome(next)).toBe('age_keys_unavailable');
    expect(await outcome(next)).toBe('age_keys_unavailable');
    expect(await outcome(age)).toBe('ok');
    expect(state.requests).toBe(2);
    state.answer = setOf(age, next);
    state.at += MINUTE;
    expect(await outcome(next)).toBe('ok');
  });

  it('are waited for while they are slow, and for five seconds at most', async () => {
    const { state, outcome } = await world();
    state.answer = (response) => setTimeout(setOf(age), 300, response);
    expect(await outcome(age)).toBe('ok');
    state.answer = () => undefined;
    state.at += 11 * MINUTE;
    const begin = performance.now();
    // Who comes first after ten minutes waits for the server, and is then served with what there
    // is.
    const all = await Promise.all([outcome(age), outcome(age)]);
    expect(all).toEqual(['ok', 'ok']);
    expect(performance.now() - begin).toBeGreaterThan(4_900);
    expect(performance.now() - begin).toBeLessThan(9_000);
    // From then on nobody waits for a server that is known to hang.
    state.at += MINUTE;
    const next = performance.now();
    expect(await outcome(age)).toBe('ok');
    expect(performance.now() - next).toBeLessThan(2_000);
    await expect.poll(() => state.requests).toBe(3);
  }, 30_000);

  it('are requested once in 30 seconds for unknown keys', async () => {
    const { state, outcome } = await world();
    await outcome(age);
    for (let second = 0; second < 120; second += 1) {
      state.at += 1_000;
      expect(await outcome(next, { kid: `random-${second}` })).toBe(
        'age_token_invalid key_unknown',
      );
    }
    expect(state.requests).toBe(1 + 4);
    expect(await outcome(age)).toBe('ok');
  });

  it('are not lost to a clock that is set back', async () => {
    const { state, outcome } = await world();
    await outcome(age);
    state.at -= 365 * 24 * 60 * MINUTE;
    state.answer = setOf(next);
    expect(await outcome(next)).toBe('ok');
    expect(await outcome(age)).toBe('age_token_invalid key_unknown');
  });

  it('are those that can be used: another beside them does no harm', async () => {
    const { state, outcome } = await world();
    const odd = [
      null,
      1,
      { kty: 'oct', k: 'c2VjcmV0' },
      { kty: 'NEW' },
      { ...next.publicJwk, d: 'AA' },
    ];
    state.answer = json({ keys: [...odd, age.publicJwk] });
    expect(await outcome(age)).toBe('ok');
    expect(await outcome(next)).toBe('age_token_invalid key_unknown');
  });

  it('may change under load: every answer is typed, and nothing is left unhandled', async () => {
    const { state, outcome } = await world();
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const slow = (answer: Answer): Answer => {
      return (response) => setTimeout(answer, 20, response);
    };
    const answers = [setOf(age), setOf(next), setOf(age, next), DOWN, MANY, json(null)];
    const seen = new Set<string>();
    for (let round = 0; round < 60; round += 1) {
      const answer = answers[round % answers.length] as Answer;
      state.answer = round % 2 === 0 ? answer : slow(answer);
      // Each length of time that the set distinguishes: fresh, cooled down, stale, too old.
      state.at += [1_000, 31_000, 6 * MINUTE, 11 * MINUTE, 90 * MINUTE][round % 5] as number;
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, index) => outcome(index % 2 === 0 ? age : next)),
      );
      for (const each of all) seen.add(each);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    const typed = ['age_keys_unavailable', 'age_token_invalid key_unknown', 'ok'];
    expect([...seen].sort()).toEqual(typed);
    state.answer = setOf(age, next);
    state.at += MINUTE;
    expect([await outcome(age), await outcome(next)]).toEqual(['ok', 'ok']);
  }, 30_000);

  it.each<[string, Answer]>([
    ['no JSON', (response) => response.end('<html>')],
    ['no set', json({ keys: 'none' })],
    ['nothing', json(null)],
    ['a name twice', (response) => response.end('{"keys":[],"keys":[]}')],
    ['10,000 keys', MANY],
    ['a flood', (response) => response.end(' '.repeat(300_000))],
    ['a redirect', (response) => response.writeHead(302, { location: '/other' }).end()],
    ['half an answer', (response) => response.writeHead(200, { 'content-length': '99' }).end('{')],
  ])('cannot be read from %s', async (_, answer) => {
    const { state, outcome } = await world();
    state.answer = answer;
    expect(await outcome(age)).toBe('age_keys_unavailable');
    state.answer = setOf(age);
    state.at += 1_000;
    expect(await outcome(age)).toBe('ok');
  });
});
