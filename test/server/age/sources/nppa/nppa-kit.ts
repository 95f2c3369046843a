import { type FakeNppaOptions, fakeNppa } from '@spendcap/sandbox';
import { memoryNppaStore, type NppaOptions, nppaSource } from '@spendcap/server/age/sources/nppa';
import { NOW } from '../../token/token-kit.ts';

export const PERSON_KEY = 'the person key of a test';

/** Someone born on a day, as the fake system and as evidence. */
export function born(date: string, name = '测试') {
  return { name, idNumber: `110000${date.replaceAll('-', '')}001X` };
}

/** A source in front of the fake system, both on a clock of the test's own. */
export function nppaWorld({
  fake: fakeOptions = {},
  ...options
}: Partial<NppaOptions> & { readonly fake?: FakeNppaOptions } = {}) {
  const clock = { at: NOW };
  const now = () => clock.at;
  const fake = fakeNppa({ now, ...fakeOptions });
  const store = options.store ?? memoryNppaStore();
  const settings = {
    ...fake.credentials,
    personKey: PERSON_KEY,
    store,
    fetch: fake.fetch,
    now,
    ...options,
  };
  const source = nppaSource(settings);
  return {
    clock,
    fake,
    store,
    source,
    /** Another source with the same settings but these. */
    sourceWith: (other: Partial<NppaOptions>) => nppaSource({ ...settings, ...other }),
    verify: (evidence: Parameters<typeof source.verify>[0]) =>
      source.verify(evidence, { at: clock.at }),
    /** The calls so far, for example `check 0`. */
    calls: () => fake.calls.map(({ api, errcode }) => `${api} ${errcode}`),
  };
}
