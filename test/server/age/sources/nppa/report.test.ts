import type { NppaSession } from '@spendcap/server/age/sources/nppa';
import { expect, it } from 'vitest';
import { refusal } from '../../token/token-kit.ts';
import { nppaWorld } from './nppa-kit.ts';

const PI = '1fffbjzos82bs9cnyj1dna7d6d29zg4esnh99u';

const world = () => {
  const { source, fake, clock } = nppaWorld();
  const session = (index: number, other: Partial<NppaSession> = {}): NppaSession => ({
    session: `session-${index}`,
    event: 'begin',
    at: clock.at - 1_000,
    player: { pi: PI },
    ...other,
  });
  return { source, fake, clock, session };
};

it('reports sessions of players and guests as the specification has them', async () => {
  const { source, fake, session, clock } = world();
  const guest = session(2, { event: 'end', player: { device: 'device-1' } });
  expect(await source.loginout([session(1), guest])).toEqual([]);
  const ot = clock.at / 1000 - 1;
  expect(fake.reports).toEqual([
    { bizId: 'test-bizId', no: 1, si: 'session-1', bt: 1, ot, ct: 0, pi: PI },
    { bizId: 'test-bizId', no: 2, si: 'session-2', bt: 0, ot, ct: 2, di: 'device-1' },
  ]);
});

it('sends 128 at a time, and returns those not accepted by their index', async () => {
  const { source, fake, session } = world();
  const sessions = Array.from({ length: 300 }, (_, index) => session(index));
  const wrong = session(200, { player: { pi: 'no pi' } });
  const faults = await source.loginout(sessions.with(200, wrong));
  expect(faults).toEqual([{ index: 200, errcode: 3010 }]);
  expect(fake.calls.map(({ api, errcode }) => `${api} ${errcode}`)).toEqual([
    'loginout 0',
    'loginout 3001',
    'loginout 0',
  ]);
  expect(fake.reports).toHaveLength(299);
});

it('sends nothing that the system would refuse for its time', async () => {
  const { source, fake, session, clock } = world();
  const faults = await source.loginout([
    session(0),
    session(1, { at: clock.at - 181_000 }),
    session(2, { at: clock.at + 2_000 }),
    session(3, { at: clock.at - 165_000 }),
  ]);
  expect(faults).toEqual([
    { index: 1, errcode: 3005 },
    { index: 2, errcode: 3005 },
  ]);
  expect(fake.reports.map(({ si }) => si)).toEqual(['session-0', 'session-3']);
  expect(await source.loginout([])).toEqual([]);
  expect(fake.calls).toHaveLength(1);
});

it.each([
  ['an answer about a session that was not sent', { results: [{ no: 9, errcode: 3010 }] }],
  ['results that are none', { results: [null] }],
])('takes %s for no answer', async (_, data) => {
  const { sourceWith } = nppaWorld();
  const answer = JSON.stringify({ errcode: 3001, data });
  const source = sourceWith({ fetch: async () => new Response(answer) });
  const { session } = world();
  expect(await refusal(source.loginout([session(1)]))).toBe(
    'age_source_unavailable answer_invalid',
  );
});
