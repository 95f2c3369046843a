import type { AgeSource } from '@spendcap/server/age/sources';
import type { NppaStore } from '@spendcap/server/age/sources/nppa';
import { describe, expect, it } from 'vitest';
import { CHILD } from '../support/age-sources/people.ts';
import { recordsInFile } from '../support/age-sources/records.ts';
import type { StoreEntry } from '../support/stores/entry.ts';
import { runnable, storesOf } from '../support/stores.ts';
import { type FlowOptions, runFlow } from './privacy/flow.ts';
import { type Leak, leaksIn } from './privacy/leaks.ts';
import { capturePrinted } from './privacy/printed.ts';

const MIN_OUTPUTS = 100;
const STORES = await runnable(storesOf('privacy'));
const [FIRST = expect.fail('there is no store')] = STORES;

const printed = capturePrinted();

/** Runs the flow, and returns every leak in what came out, was printed or is kept. */
async function leaksOf(
  { openLedger }: StoreEntry,
  options: { readonly replace?: (store: NppaStore) => NonNullable<FlowOptions['replace']> } = {},
): Promise<readonly Leak[]> {
  const ledger = await openLedger();
  const store = await ledger.connect();
  const records = recordsInFile();
  const replace = options.replace === undefined ? {} : { replace: options.replace(records.store) };
  const { outputs, marks } = await runFlow({ ledger: store, records: records.store, ...replace });
  await store.close();
  await records.close();
  const kept = await ledger.dump();
  await ledger.remove();
  const remembered = records.dump();
  const tables = [...kept, ...remembered];
  expect(outputs.length).toBeGreaterThan(MIN_OUTPUTS);
  expect(kept.length).toBeGreaterThan(0);
  expect(remembered.length).toBeGreaterThan(0);
  for (const { bytes } of tables) expect(bytes.length).toBeGreaterThan(0);
  return leaksIn([...outputs, ...tables, ...printed()], marks);
}

describe('nothing personal comes out, whatever happens', () => {
  it.each(STORES)(
    'with $name',
    async (entry) => {
      expect(await leaksOf(entry)).toEqual([]);
    },
    60_000,
  );
});

describe('a source that leaks is found out', () => {
  type Leaky = (source: AgeSource<never>, records: NppaStore) => AgeSource<never>;

  const cases: Readonly<Record<string, readonly [Leaky, RegExp]>> = {
    'by the token': [
      (source) => ({
        ...source,
        verify: async (...args) => ({ ...(await source.verify(...args)), kind: CHILD.name }),
      }),
      /^claims of nppa: name of CHILD$/,
    ],
    'by what it prints': [
      (source) => ({
        ...source,
        verify: (evidence, at) => {
          console.warn('verified', evidence);
          return source.verify(evidence, at);
        },
      }),
      /^console\.warn: ID number of CHILD$/,
    ],
    'by what it keeps': [
      (source, records) => ({
        ...source,
        verify: async (...args) => {
          await records.swap(`born ${crypto.randomUUID()}`, null, '20140317');
          return source.verify(...args);
        },
      }),
      /^nppa\.db.*: birth date of CHILD \(1\)$/,
    ],
  };

  it.each(Object.entries(cases))(
    '%s',
    async (_, [leaky, expected]) => {
      const replace = (records: NppaStore) => (source: AgeSource<never>, kind: string) =>
        kind === 'nppa' ? leaky(source, records) : source;
      const leaks = (await leaksOf(FIRST, { replace })).map(
        ({ where, mark }) => `${where}: ${mark}`,
      );
      expect(leaks).toContainEqual(expect.stringMatching(expected));
    },
    60_000,
  );

  const marks = new Map([['mark', '欧阳隐私甲-2014']]);
  const [value = ''] = marks.values();
  const outputs: Readonly<Record<string, string | Uint8Array>> = {
    plain: `before ${value} after`,
    'JSON escapes': '"\\u6b27\\u9633\\u9690\\u79c1\\u7532-2014"',
    'an address': `https://x.example/?q=${encodeURIComponent(value)}`,
    hex: Buffer.from(`x${value}`).toString('hex'),
    base64: Buffer.from(`"name":"${value}"`).toString('base64'),
    'base64 one byte on': Buffer.from(`'"name":"${value}"`).toString('base64'),
    'base64url two bytes on': Buffer.from(`??"name":"${value}"`).toString('base64url'),
    bytes: Buffer.from(`\0\xff${value}\0`),
  };

  it.each(Object.entries(outputs))('in %s', (where, output) => {
    expect(leaksIn([{ where, bytes: Buffer.from(output) }], marks)).toEqual([
      { where, mark: 'mark' },
    ]);
    const other = new Map([['mark', '欧阳隐私乙-2014']]);
    expect(leaksIn([{ where, bytes: Buffer.from(output) }], other)).toEqual([]);
  });

  it('in an error, wherever it hangs on it', async () => {
    const { collector } = await import('./privacy/leaks.ts');
    const errors = [
      new Error(value),
      new Error('x', { cause: new Error('y', { cause: value }) }),
      Object.assign(new Error('x'), { response: { body: [value] } }),
      Object.assign(new Error('x'), { toJSON: () => value }),
      Object.defineProperty(new Error('x'), 'hidden', { value, enumerable: false }),
    ];
    for (const error of errors) {
      const seen = collector();
      seen.add('error', error);
      expect(leaksIn(seen.outputs, marks)).toHaveLength(1);
    }
  });
});
