import { fakeNppa } from '@spendcap/sandbox';
import { memoryNppaStore, type NppaOptions, nppaSource } from '@spendcap/server/age/sources/nppa';
import { piOf } from '../../../packages/sandbox/src/fake-nppa/people.ts';
import {
  type AgeSourceEntry,
  type Refusal,
  revealing,
  secretsOf,
  type WorldOptions,
} from './entry.ts';
import { marksOf, type Person } from './people.ts';

const INVALID = 'age_evidence_invalid';
const DOWN = 'age_source_unavailable';
const PERSON_KEY = 'the-person-key-of-the-privacy-test';

/** A person whose check does not complete, and one whom the system does not know. */
const PENDING = { name: '欧阳等待乙', idNumber: '110000201205290048', pendingMs: 3_600_000 };
const NOBODY = { name: '欧阳无名丙', idNumber: '110000199909190059' };

type World = ReturnType<typeof worldOf>;

function worldOf({ clock, people, records = memoryNppaStore() }: WorldOptions) {
  const now = () => clock.at;
  const fake = fakeNppa({ now, people: [...people, PENDING] });
  const options: NppaOptions = {
    ...fake.credentials,
    personKey: PERSON_KEY,
    store: records,
    fetch: fake.fetch,
    now,
  };
  /** A source that remembers nothing yet. */
  const fresh = (changes: Partial<NppaOptions> = {}) =>
    nppaSource({ ...options, store: memoryNppaStore(), ...changes });
  return { clock, fake, source: nppaSource(options), fresh };
}

const evidenceOf = ({ account, name, idNumber }: Person) => ({ account, name, idNumber });

/** What the system answers, or fails to. */
function answersOf({ clock, fake, fresh }: World, person: Person): readonly Refusal[] {
  const evidence = evidenceOf(person);
  const failing = (what: string, code: Refusal['code'], fail: () => void): Refusal => ({
    what,
    code,
    attempt() {
      fail();
      return fresh().verify(evidence, { at: clock.at });
    },
  });
  const errcode = (code: number, times = 1, refused: Refusal['code'] = DOWN) =>
    failing(`errcode ${code}`, refused, () => fake.fail({ kind: 'errcode', code, times }));
  return [
    ...[1005, 1006, 1008, 1011, 1012, 2002].map((code) => errcode(code)),
    ...[1001, 1007].map((code) => errcode(code, 3)),
    errcode(2001, 1, INVALID),
    failing('garbage', DOWN, () => fake.fail({ kind: 'garbage' })),
    failing('dropped', DOWN, () => {
      // After the minutes in which it makes no call.
      clock.at += 300_000;
      fake.fail({ kind: 'drop_before', times: 3 });
    }),
  ];
}

/** Faults of the functions that a caller passes in. */
function dependenciesOf({ clock, fresh }: World, person: Person): readonly Refusal[] {
  const evidence = evidenceOf(person);
  const wrong = (what: string, options: Partial<NppaOptions>): Refusal => ({
    what,
    code: DOWN,
    attempt: () => fresh(options).verify(evidence, { at: clock.at }),
  });
  const result = { status: 0, pi: `${person.idNumber}${person.name}` };
  const answers = [
    { errcode: 9, errmsg: evidence },
    { errcode: 0, data: { result } },
  ];
  const store = memoryNppaStore();
  return [
    wrong('fetch', { fetch: (url, init) => Promise.reject(revealing(url, init)) }),
    ...answers.map((answer) => wrong('answer', { fetch: async () => Response.json(answer) })),
    wrong('store get', {
      store: { ...store, get: (key) => Promise.reject(revealing(key, evidence)) },
    }),
    wrong('store swap', {
      store: { ...store, swap: (...given) => Promise.reject(revealing(given)) },
    }),
    wrong('keepPi', { keepPi: (registered) => Promise.reject(revealing(registered)) }),
  ];
}

function reportsOf({ clock, fake, fresh }: World, person: Person): readonly Refusal[] {
  const attempt = (fail: () => void) => () => {
    fail();
    const player = { pi: piOf(person) };
    return fresh().loginout([{ session: 's', event: 'begin', at: clock.at, player }]);
  };
  const fail = { code: 1011, kind: 'errcode' } as const;
  return [
    { what: 'loginout errcode', code: DOWN, attempt: attempt(() => fake.fail(fail)) },
    {
      what: 'loginout garbage',
      code: DOWN,
      attempt: attempt(() => fake.fail({ kind: 'garbage' })),
    },
  ];
}

/** Evidence of another account: the system knows the person from the first one. */
function peopleOf({ clock, fresh }: World, person: Person): readonly Refusal[] {
  const account = `${person.account}-again`;
  const shown = (what: string, code: Refusal['code'], change: object): Refusal => ({
    what,
    code,
    attempt: () => fresh().verify({ ...evidenceOf(person), account, ...change }, { at: clock.at }),
  });
  return [
    shown('nobody', INVALID, NOBODY),
    shown('pending', 'age_evidence_pending', PENDING),
    shown('malformed number', INVALID, { idNumber: `${person.idNumber}0` }),
    shown('malformed name', INVALID, { name: person.name.repeat(20) }),
    shown('malformed account', INVALID, { account: `${person.account}\n` }),
  ];
}

/** The real-name system of China's NPPA. */
export const nppa: AgeSourceEntry = {
  kind: 'nppa',
  async open(options) {
    const world = worldOf(options);
    const secrets = secretsOf();
    secrets.add('person key', PERSON_KEY);
    secrets.add('secret key of the game', world.fake.credentials.secretKey);
    const others = [PENDING, NOBODY].map((other) => {
      const digits = other.idNumber.slice(6, 14);
      const birthdate = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
      return { ...other, birthdate, account: `${other.name}-7353`, email: `${other.name}@x` };
    });
    for (const [index, person] of [...options.people, ...others].entries()) {
      for (const [name, value] of marksOf(`person ${index}`, person)) secrets.add(name, value);
      const pi = piOf(person);
      secrets.add(`pi of person ${index}`, pi);
      secrets.add(`birth date in the pi of person ${index}`, pi.slice(0, 6));
      secrets.add(`code in the pi of person ${index}`, pi.slice(6));
    }
    return {
      source: world.source,
      // The second finds the record that the first has made.
      evidence: async (person) => [evidenceOf(person), { account: person.account }],
      refusals: async (person) => [
        ...answersOf(world, person),
        ...dependenciesOf(world, person),
        ...reportsOf(world, person),
        ...peopleOf(world, person),
      ],
      secrets: secrets.all,
    };
  },
  mutated: {
    not: 'its evidence is not signed; nppa-mutation.test.ts mutates its answers and its records',
  },
};
