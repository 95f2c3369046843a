import { randomUUID } from 'node:crypto';
import { FOREVER, type ReserveCommand, type Store } from '@spendcap/core';
import {
  createHandler,
  type Exchange,
  generatePermitKey,
  type Limiter,
  type PermitSigner,
  type PurchaseRequest,
  permits,
  permitVerifier,
} from '@spendcap/server';
import { describe, expect, test } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import { CHILD, DAY, DOWN, NOON, order, setUp, TEEN, usedOf } from './limiter-kit.ts';

const PARTIES = { issuer: 'https://limiter.example', audience: 'https://pay.example' };
const signer = permits({ key: await generatePermitKey(), ...PARTIES, now: () => NOON });

/** A limiter whose store can forget everything, as a failover to an empty replica would. */
function world({ exchange }: { readonly exchange?: Exchange } = {}) {
  const state = { store: anyStore() };
  /** The windows of the last hold. */
  const restored: unknown[] = [];
  const store = new Proxy({} as Store, {
    get: (_, name: keyof Store) => (command: never) => {
      if (name === 'reserve') restored.splice(0, Infinity, ...(command as ReserveCommand).windows);
      return state.store[name](command);
    },
  });
  const { limiter, clock, events } = setUp({
    ...{ store, permits: signer },
    ...(exchange === undefined ? {} : { exchange }),
  });
  const permitOf = async (request: PurchaseRequest): Promise<string> => {
    const answer = await limiter.reserve(request);
    if (!answer.allowed || answer.permit === null) throw new Error('no permit');
    return answer.permit;
  };
  const loseAll = () => {
    state.store = anyStore();
  };
  const used = async () => usedOf(await limiter.allowance({ evidence: CHILD }));
  return { limiter, clock, events, permitOf, loseAll, used, restored };
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    ({ code, why }) => (why === undefined ? code : `${code} ${why}`),
  );

describe('a hold that the store has lost', () => {
  test('is recorded from its permit by the commit: late, past the caps, and once', async () => {
    const { limiter, clock, events, permitOf, loseAll, used } = world();
    const permit = await permitOf(order('a'));
    loseAll();
    for (const id of ['b', 'c', 'd']) await limiter.reserve(order(id));
    clock.at += 60_000;
    expect(await codeOf(limiter.commit('a'))).toBe('purchase_not_found');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => limiter.commit('a', { permit })),
    );
    for (const purchase of answers) {
      expect(purchase).toMatchObject({ state: 'committed', committed: '30.00', late: true });
    }
    expect(await limiter.commit('a')).toEqual(answers[0]);
    expect(await used()).toMatchObject({ day: '120.00', month: '120.00' });
    const changes = events
      .filter(({ purchaseId }) => purchaseId === 'a')
      .map(({ type, late }) => [type, late]);
    expect(changes).toEqual([
      ['purchase.reserved', undefined],
      ['purchase.committed', true],
    ]);
  });

  test('counts in the windows of the instant at which it was made', async () => {
    const { limiter, clock, permitOf, loseAll, used } = world();
    const permit = await permitOf(order('a'));
    loseAll();
    clock.at += 2 * DAY;
    await limiter.commit('a', { permit, amount: '20.00' });
    expect(await used()).toMatchObject({ day: '0.00', month: '20.00' });
    expect(await limiter.get('a')).toMatchObject({ reservedAt: '2026-11-23T04:00:00.000Z' });
    await limiter.refund('a', { id: 'r', amount: '5.00' });
    expect(await used()).toMatchObject({ day: '0.00', month: '15.00' });
  });

  test('counts in every window of that instant, and in nothing else', async () => {
    const { limiter, permitOf, loseAll, restored } = world();
    const permit = await permitOf(order('a'));
    loseAll();
    await limiter.commit('a', { permit });
    const all = { currency: 'CNY', app: null, categories: null };
    const [day, cap] = [Date.parse('2026-11-22T16:00:00Z'), FOREVER];
    const month = ['2026-10-31T16:00:00Z', '2026-11-30T16:00:00Z'].map((date) => Date.parse(date));
    expect(restored).toEqual([
      { selector: all, start: day, end: day + DAY, cap },
      { selector: all, start: month[0], end: month[1], cap },
    ]);
  });

  test('keeps its rate, its category, its app and its processor', async () => {
    const { limiter, permitOf, loseAll } = world({ exchange: () => '7' });
    const request = {
      ...{ amount: '2.00', currency: 'USD', category: 'skin', app: 'game-1' },
      ...{ processor: 'acme_pay', processorRef: 'pay_1' },
    };
    const permit = await permitOf(order('a', request));
    const before = await limiter.get('a');
    loseAll();
    const after = await limiter.commit('a', { permit, amount: '1.50' });
    expect(after).toEqual({ ...before, state: 'committed', committed: '10.50', late: true });
  });

  test('is found by a retried reserve afterwards', async () => {
    const { limiter, permitOf, loseAll } = world();
    const permit = await permitOf(order('a', { onExpiry: 'reconcile', expiresInSeconds: 60 }));
    loseAll();
    await limiter.commit('a', { permit });
    const again = await limiter.reserve(
      order('a', { onExpiry: 'reconcile', expiresInSeconds: 60 }),
    );
    expect(again).toMatchObject({ replayed: true, purchase: { state: 'committed' } });
  });

  test.each(['a', `${'x'.repeat(27)}-${randomUUID()}`])('%s may have any id', async (id) => {
    const { limiter, permitOf, loseAll } = world();
    const permit = await permitOf(order(id));
    loseAll();
    expect(await codeOf(limiter.commit(id, { permit }))).toBe('done');
  });
});

describe('a permit that comes with a commit', () => {
  test('is not called where the purchase is known', async () => {
    const { limiter, permitOf } = world();
    const permit = await permitOf(order('a'));
    await permitOf(order('b'));
    expect(await limiter.commit('a', { permit })).toMatchObject({ late: false });
    expect(await limiter.commit('b', { permit: 'rubbish' })).toMatchObject({ late: false });
    // Another amount is the purchase's own error, and no fault of the permit.
    const other = limiter.commit('b', { permit: 'rubbish', amount: '1.00' });
    expect(await codeOf(other)).toBe('purchase_ended');
    await limiter.reserve(order('c'));
    await limiter.release('c');
    expect(await limiter.commit('c', { permit })).toMatchObject({ late: true });
  });

  test('may be null, as a retried reserve returns it after the commit', async () => {
    const { limiter, permitOf, loseAll } = world();
    await permitOf(order('a'));
    await limiter.commit('a');
    const again = await limiter.reserve(order('a'));
    if (!again.allowed) throw new Error('refused');
    expect(again.permit).toBeNull();
    const { permit } = again;
    expect(await limiter.commit('a', { permit })).toMatchObject({ state: 'committed' });
    loseAll();
    expect(await codeOf(limiter.commit('a', { permit }))).toBe('purchase_not_found');
  });

  test('is for its own purchase only, and only if this limiter made it', async () => {
    const { limiter, permitOf, loseAll, used } = world();
    const permit = await permitOf(order('a'));
    loseAll();
    const [header, payload = '', signature] = permit.split('.');
    const forge = (change: object) => {
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      const text = JSON.stringify({ ...claims, ...change });
      return `${header}.${Buffer.from(text).toString('base64url')}.${signature}`;
    };
    const { hold } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { hold: string };
    const flipped = `${hold.slice(0, 60)}${hold[60] === 'A' ? 'B' : 'A'}${hold.slice(61)}`;
    const other = permits({ key: await generatePermitKey(), ...PARTIES });
    const claims = { purchaseId: 'a', amount: '30.00', currency: 'CNY', app: null, policy: 'p' };
    const sign = (by: PermitSigner, ...rest: [] | [ReturnType<PermitSigner['holdOf']>]) =>
      by.sign({ ...claims, expiresAt: NOON }, ...rest);
    const cases = [
      ['b', permit, 'purchase_mismatch'],
      ['b', forge({ purchase_id: 'b' }), 'signature_invalid'],
      ['a', forge({ hold: flipped }), 'signature_invalid'],
      ['a', forge({ hold: '' }), 'signature_invalid'],
      ['a', forge({ hold: undefined }), 'claim_missing'],
      ['a', await sign(signer), 'claim_missing'],
      ['a', await sign(other, signer.holdOf(permit, 'a')), 'signature_invalid'],
      ['a', 'rubbish', 'malformed'],
    ] as const;
    for (const [id, shown, why] of cases) {
      expect(await codeOf(limiter.commit(id, { permit: shown }))).toBe(`permit_invalid ${why}`);
    }
    expect(await used()).toMatchObject({ month: '0.00' });
  });

  test('shows the payment service nothing of the player', async () => {
    const { permitOf } = world();
    const permit = await permitOf(order('a', { metadata: { note: 'for-nobody' } }));
    const purchase = { id: 'a', amount: '30.00', currency: 'CNY' };
    await permitVerifier({ jwks: signer.jwks, ...PARTIES, now: () => NOON })(permit, purchase);
    const shown = Buffer.from(permit.split('.')[1] ?? '', 'base64url').toString();
    for (const secret of [CHILD.subject, 'ageRange', 'age_token', 'for-nobody']) {
      expect(shown).not.toContain(secret);
    }
    expect(signer.holdOf(permit, 'a').subject).toBe(CHILD.subject);
  });

  test('needs a limiter with a signer', async () => {
    const { limiter } = setUp();
    const committed = limiter.commit('a', { permit: 'x' });
    await expect(committed).rejects.toMatchObject({
      ...{ code: 'invalid_request', errors: [{ path: 'permit' }] },
    });
  });
});

test('a break between the steps of the record leaves a hold, which a retry commits', async () => {
  const inner = anyStore();
  const before = setUp({ permits: signer });
  const answer = await before.limiter.reserve(order('a'));
  const permit = (answer.allowed && answer.permit) || '';
  const state = { breaks: true };
  const store: Store = {
    ...inner,
    release: (command) => (state.breaks ? Promise.reject(DOWN) : inner.release(command)),
  };
  const { limiter, clock } = setUp({ store, permits: signer });
  expect(await codeOf(limiter.commit('a', { permit }))).toBe('store_unavailable');
  state.breaks = false;
  clock.at += 3 * DAY;
  expect((await limiter.overdue()).map(({ id }) => id)).toEqual(['a']);
  expect(await limiter.commit('a', { permit })).toMatchObject({ state: 'committed' });
});

test('over HTTP a commit takes the permit, and a wrong one is 422', async () => {
  const { limiter, permitOf, loseAll } = world();
  const permit = await permitOf(order('a'));
  loseAll();
  const apiKey = 'a-key-of-16-or-more-characters';
  const handler = createHandler(limiter, { apiKeys: [apiKey] });
  const commit = async (body: object, authorization = `Bearer ${apiKey}`) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await handler(new Request('http://spendcap/v1/purchases/a/commit', init));
    return { status: response.status, body: await response.json() };
  };
  expect(await commit({ permit }, 'Bearer someone-else-entirely')).toMatchObject({ status: 401 });
  expect(await commit({})).toMatchObject({ status: 404 });
  expect(await commit({ permit: '' })).toMatchObject({ status: 400 });
  expect(await commit({ permit })).toMatchObject({ status: 200 });
  expect(await commit({ permit: 'rubbish' })).toMatchObject({ body: { late: true } });
  loseAll();
  expect(await commit({ permit: 'rubbish' })).toMatchObject({
    ...{ status: 422, body: { code: 'permit_invalid', why: 'malformed' } },
  });
});

describe('while a lost hold is restored', () => {
  /** Runs `meanwhile` once, right after the store has said that it does not know the purchase. */
  function raced(meanwhile: (limiter: Limiter) => Promise<unknown>) {
    const inner = anyStore();
    let isFirst = true;
    const store: Store = {
      ...inner,
      async commit(command) {
        const result = await inner.commit(command);
        if (result.outcome === 'not_found' && isFirst) {
          isFirst = false;
          await meanwhile(made.limiter);
        }
        return result;
      },
    };
    const made = setUp({ store, permits: signer });
    return made;
  }

  const permitOfA = async () => {
    const answer = await setUp({ permits: signer }).limiter.reserve(order('a'));
    return (answer.allowed && answer.permit) || '';
  };

  test('a retried reserve may hold it again: the commit is then in time', async () => {
    const permit = await permitOfA();
    const { limiter, events } = raced((own) => own.reserve(order('a')));
    expect(await limiter.commit('a', { permit })).toMatchObject({
      ...{ state: 'committed', committed: '30.00', late: false },
    });
    expect(events.map(({ type, late }) => [type, late])).toEqual([
      ['purchase.reserved', undefined],
      ['purchase.committed', false],
    ]);
  });

  test('another player may take its id: neither is charged for the other', async () => {
    const permit = await permitOfA();
    const { limiter } = raced((own) => own.reserve(order('a', { evidence: TEEN })));
    expect(await codeOf(limiter.commit('a', { permit }))).toBe('purchase_conflict');
    expect(await limiter.get('a')).toMatchObject({ state: 'reserved', committed: '0.00' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD }))).toMatchObject({ month: '0.00' });
    expect(usedOf(await limiter.allowance({ evidence: TEEN }))).toMatchObject({ month: '30.00' });
  });

  test('holds of the player that have expired are reported, each once', async () => {
    const { limiter, clock, events } = setUp({ permits: signer });
    const hold = (id: string, seconds: number) =>
      limiter.reserve(order(id, { amount: '5.00', expiresInSeconds: seconds }));
    await hold('before', 60);
    await hold('after', 1_200);
    // The store that held `a` is gone, and this one had not heard of it.
    const lost = setUp({ permits: signer, at: NOON + 600_000 });
    const answer = await lost.limiter.reserve(order('a'));
    const permit = (answer.allowed && answer.permit) || '';
    clock.at += 1_800_000;
    await limiter.commit('a', { permit });
    const ended = events.filter(({ type }) => type === 'purchase.expired');
    expect(ended.map(({ purchaseId, at }) => [purchaseId, at - NOON])).toEqual([
      ['before', 60_000],
      ['after', 1_200_000],
    ]);
  });
});
