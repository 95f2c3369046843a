import { DatabaseSync } from 'node:sqlite';
import { memoryNppaStore, type NppaStore } from '@spendcap/server/age/sources/nppa';
import { sqliteNppaStore } from '@spendcap/server/age/sources/nppa/sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { removeTemporaryFiles, temporaryFile } from '../../../../support/temporary.ts';
import { refusal } from '../../token/token-kit.ts';
import { born, nppaWorld } from './nppa-kit.ts';

const HOUR = 3_600_000;
const CHILD = born('2014-05-20');
const EVIDENCE = { account: 'a', ...CHILD };
const PEOPLE = { fake: { people: [CHILD] } };

afterAll(removeTemporaryFiles);

describe.each([
  ['memory', () => memoryNppaStore()],
  ['sqlite', () => sqliteNppaStore({ path: temporaryFile('nppa.db') })],
] as const)('the %s store', (_, open) => {
  it('puts one record in the place of exactly the one that was read', async () => {
    const store: NppaStore = open();
    expect(await store.get('k')).toBeNull();
    expect(await store.swap('k', 'other', 'a')).toBe(false);
    expect(await store.swap('k', 'other', null)).toBe(false);
    expect(await store.swap('k', null, null)).toBe(true);
    expect(await store.swap('k', null, 'a')).toBe(true);
    expect(await store.swap('k', null, 'b')).toBe(false);
    expect(await store.swap('k', null, null)).toBe(false);
    expect(await store.swap('k', 'a', 'b')).toBe(true);
    expect(await store.swap('k', 'a', null)).toBe(false);
    expect(await store.get('k')).toBe('b');
    expect(await store.swap('k', 'b', null)).toBe(true);
    expect(await store.get('k')).toBeNull();
  });

  it('lets one of many concurrent swaps through', async () => {
    const store: NppaStore = open();
    const swaps = Array.from({ length: 50 }, (_, index) => store.swap('k', null, `v${index}`));
    const done = (await Promise.all(swaps)).filter((swapped) => swapped);
    expect(done).toHaveLength(1);
  });
});

describe('what is kept', () => {
  it('survives the process, and the system’s own forgetting', async () => {
    const path = temporaryFile('nppa.db');
    const first = sqliteNppaStore({ path });
    const { verify, sourceWith, clock } = nppaWorld({ ...PEOPLE, store: first });
    const { person } = await verify(EVIDENCE);
    await first.close();
    clock.at += 24 * HOUR;
    const again = sqliteNppaStore({ path });
    const finding = await sourceWith({ store: again }).verify({ account: 'a' }, { at: clock.at });
    expect(finding).toMatchObject({ person, range: { min: 12, maxExclusive: 13 } });
    await again.close();
    const rows = new DatabaseSync(path).prepare('SELECT * FROM nppa_records').all();
    expect(rows).toHaveLength(1);
  });

  it('opens for its own account only, and not with another key', async () => {
    const store = memoryNppaStore();
    const { verify, source, sourceWith, clock } = nppaWorld({ ...PEOPLE, store });
    const keys: string[] = [];
    const spying = sourceWith({
      store: {
        ...store,
        get: (key) => {
          keys.push(key);
          return store.get(key);
        },
      },
    });
    await spying.verify(EVIDENCE, { at: clock.at });
    await refusal(spying.verify({ account: 'b' }, { at: clock.at }));
    const [a = '', b = ''] = [...new Set(keys)];
    await store.swap(b, null, await store.get(a));
    const failed = 'age_source_unavailable store_failed';
    expect(await refusal(verify({ account: 'b' }))).toBe(failed);
    const record = Buffer.from((await store.get(a)) ?? '', 'base64');
    record[20] = (record[20] ?? 0) ^ 1;
    await store.swap(a, await store.get(a), record.toString('base64'));
    expect(await refusal(verify({ account: 'a' }))).toBe(failed);
    await source.forget('never seen');
  });

  it('is written before the answer, or nothing is answered, and the next try finds it', async () => {
    const store = memoryNppaStore();
    let isDown = true;
    const failing: NppaStore = {
      get: store.get,
      swap: async (...args) => {
        if (isDown) throw new Error('disk full');
        return store.swap(...args);
      },
    };
    const { verify, calls, clock } = nppaWorld({ ...PEOPLE, store: failing });
    expect(await refusal(verify(EVIDENCE))).toBe('age_source_unavailable store_failed');
    clock.at += 299_000;
    isDown = false;
    expect((await verify(EVIDENCE)).range).toEqual({ min: 12, maxExclusive: 13 });
    expect(calls()).toEqual(['check 0', 'check 2004', 'query 0']);
  });

  it('is registered afresh when it was lost and the system has forgotten it too', async () => {
    const { verify, sourceWith, calls, clock } = nppaWorld(PEOPLE);
    await verify(EVIDENCE);
    const empty = sourceWith({ store: memoryNppaStore() });
    clock.at += 300_000;
    expect((await empty.verify(EVIDENCE, { at: clock.at })).assurance).toBe('verified');
    expect(calls()).toEqual(['check 0', 'check 0']);
  });

  it('is one record for any number of concurrent calls, and never falls back to pending', async () => {
    const people = [{ ...CHILD, pendingMs: 50 }];
    const store = memoryNppaStore();
    const { source, sourceWith, clock, fake } = nppaWorld({ fake: { people }, store });
    const at = { at: clock.at };
    const first = await Promise.all(
      Array.from({ length: 10 }, () => refusal(source.verify(EVIDENCE, at))),
    );
    expect(new Set(first)).toEqual(new Set(['age_evidence_pending']));
    expect(fake.calls.filter(({ api, errcode }) => api === 'check' && errcode === 0)).toHaveLength(
      1,
    );
    clock.at += 50;
    // Another process reads first, and writes when the result has long been kept.
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = sourceWith({
      store: { get: store.get, swap: async (...args) => held.then(() => store.swap(...args)) },
    });
    const late = slow.verify({ account: 'a' }, { at: clock.at });
    const { person } = await source.verify({ account: 'a' }, { at: clock.at });
    release();
    expect((await late).person).toBe(person);
  });

  it('passes the pi to keepPi only', async () => {
    const handed: unknown[] = [];
    const { verify, fake } = nppaWorld({
      ...PEOPLE,
      keepPi: async (registered) => void handed.push(registered),
    });
    await verify(EVIDENCE);
    await verify({ account: 'a' });
    expect(handed).toEqual([
      { account: 'a', pi: expect.stringMatching(/^[0-9a-p]{6}[0-9a-z]{32}$/) },
    ]);
    const failing = nppaWorld({
      fetch: fake.fetch,
      keepPi: () => {
        throw new Error('no disk');
      },
    });
    expect(await refusal(failing.verify({ ...EVIDENCE, account: 'b' }))).toBe(
      'age_source_unavailable store_failed',
    );
  });

  it('cannot be opened where there is no database', () => {
    expect(() => sqliteNppaStore({ path: '/nowhere/at/all.db' })).toThrow(
      expect.objectContaining({ code: 'store_unavailable' }),
    );
    expect(() => sqliteNppaStore({ path: '' })).toThrow(TypeError);
  });
});
