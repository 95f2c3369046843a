import { SpendcapError } from '@spendcap/core';
import { memoryNppaStore } from '@spendcap/server/age/sources/nppa';
import { expect, it } from 'vitest';
import { nppaWorld } from '../server/age/sources/nppa/nppa-kit.ts';
import { NOW } from '../server/age/token/token-kit.ts';
import { mutantBytes, refusalsOf } from './mutate.ts';

const YI_YI = { name: '某一一', idNumber: '110000190101010001' };
const PI = '1fffbjzos82bs9cnyj1dna7d6d29zg4esnh99u';

it('opens none of 30,000 mutants of a kept record of the real-name system', async () => {
  const store = memoryNppaStore();
  let [key, text] = ['', ''];
  const { verify, sourceWith } = nppaWorld({
    store: {
      get: store.get,
      swap: (name, from, to) => {
        [key, text] = [name, to ?? ''];
        return store.swap(name, from, to);
      },
    },
  });
  await verify({ account: 'a', ...YI_YI });
  const record = Buffer.from(text, 'base64');
  let changed = text;
  const get = async (name: string) => (name === key ? changed : null);
  const source = sourceWith({ store: { get, swap: async () => false } });
  const show = (mutant: Uint8Array) => {
    changed = Buffer.from(mutant).toString('base64');
    // Read immediately, so that each mutant is seen although many are shown together.
    return source.verify({ account: 'a' }, { at: NOW });
  };
  expect((await show(record)).range.min).toBe(18);
  const mutants = mutantBytes(record, { seed: 5, count: 30_000 });
  const refusals = await refusalsOf(mutants, show, 'age_source_unavailable');
  expect([...refusals]).toEqual([['store_failed', 30_000]]);
}, 120_000);

it('takes none of 20,000 mutants of the real-name system’s answer for more than it says', async () => {
  const data = { result: { status: 0, pi: PI } };
  const answer = JSON.stringify({ errcode: 0, errmsg: 'OK', data });
  let time = NOW;
  let text = answer;
  const { source } = nppaWorld({
    store: { get: async () => null, swap: async () => true },
    fetch: async () => new Response(text),
    // Past the minute's block that some mutants ask for.
    now: () => (time += 20_000),
  });
  let accepted = 0;
  for (const mutant of mutantBytes(Buffer.from(answer), { seed: 6, count: 20_000 })) {
    text = Buffer.from(mutant).toString();
    const outcome = await source.verify({ account: 'a', ...YI_YI }, { at: NOW }).catch((e) => e);
    if (SpendcapError.isInstance(outcome)) continue;
    // No answer is signed, so another pi may pass; but only where it is one, of a success.
    const { errcode, data } = JSON.parse(text);
    expect(errcode === 0 && data.result.status === 0).toBe(true);
    expect(data.result.pi).toMatch(/^[0-9a-p]{6}[0-9a-z]{32}$/);
    expect(outcome).toMatchObject({ kind: 'nppa', assurance: 'verified' });
    accepted += 1;
  }
  expect(accepted).toBeGreaterThan(100);
  expect(accepted).toBeLessThan(10_000);
}, 120_000);
