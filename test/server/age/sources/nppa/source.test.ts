import { describe, expect, it } from 'vitest';
import { refusal } from '../../token/token-kit.ts';
import { born, nppaWorld } from './nppa-kit.ts';

const HOUR = 3_600_000;
const YI_YI = { name: '某一一', idNumber: '110000190101010001' };
const FOR_EVER = { name: '某二一', idNumber: '110000190201010009' };
const CHILD = born('2014-05-20');

describe('an account', () => {
  it('is registered once, and named alone from then on', async () => {
    const { verify, calls, clock } = nppaWorld({ fake: { people: [CHILD] } });
    const finding = await verify({ account: 'a', ...CHILD });
    expect(finding).toEqual({
      range: { min: 12, maxExclusive: 13 },
      asOf: clock.at,
      assurance: 'verified',
      kind: 'nppa',
      person: expect.stringMatching(/^[\w-]{43}$/),
    });
    clock.at += 400 * 24 * HOUR;
    const later = await verify({ account: 'a' });
    expect(later).toEqual({ ...finding, range: { min: 13, maxExclusive: 14 }, asOf: clock.at });
    expect(calls()).toEqual(['check 0']);
  });

  it('stays with whom it was registered for, until it is forgotten', async () => {
    const { verify, source, calls, clock } = nppaWorld({ fake: { people: [CHILD] } });
    const first = await verify({ account: 'a', ...CHILD });
    expect(await verify({ account: 'a', ...YI_YI })).toEqual(first);
    await source.forget('a');
    expect(await refusal(verify({ account: 'a' }))).toBe('age_evidence_invalid not_registered');
    clock.at += 300_000;
    expect((await verify({ account: 'a', ...YI_YI })).range.min).toBe(18);
    expect(calls()).toEqual(['check 0', 'check 0']);
  });

  it('does not get its last owner if it is registered again before the system deleted them', async () => {
    const { verify, source, clock } = nppaWorld({ fake: { people: [CHILD] } });
    await verify({ account: 'a', ...YI_YI });
    await source.forget('a');
    const again = () => verify({ account: 'a', ...CHILD });
    expect(await refusal(again())).toBe('age_evidence_invalid registered_otherwise');
    clock.at += 300_000;
    expect((await again()).range).toEqual({ min: 12, maxExclusive: 13 });
  });

  it('shares one person with the other accounts of its owner, in every game with the key', async () => {
    const games = [
      { appId: 'studio', bizId: 'game-1', secretKey: '0'.repeat(32) },
      { appId: 'studio', bizId: 'game-2', secretKey: '1'.repeat(32) },
    ] as const;
    const { verify, sourceWith, clock } = nppaWorld({ fake: { games, people: [CHILD] } });
    const { person } = await verify({ account: 'a', ...CHILD });
    expect((await verify({ account: 'b', ...CHILD })).person).toBe(person);
    expect((await verify({ account: 'c', ...YI_YI })).person).not.toBe(person);
    const at = { at: clock.at };
    const other = sourceWith(games[1]);
    expect((await other.verify({ account: 'a', ...CHILD }, at)).person).toBe(person);
    const stranger = sourceWith({ ...games[1], personKey: 'the key of someone else' });
    expect((await stranger.verify({ account: 'x', ...CHILD }, at)).person).not.toBe(person);
  });

  it('is another one in another game', async () => {
    const { verify, sourceWith, clock } = nppaWorld();
    await verify({ account: 'a', ...YI_YI });
    const other = sourceWith({ bizId: 'game-2' });
    expect(await refusal(other.verify({ account: 'a' }, { at: clock.at }))).toBe(
      'age_evidence_invalid not_registered',
    );
  });

  it('is refused when the system does not know the person', async () => {
    const { verify, calls } = nppaWorld();
    const stranger = born('2014-05-20');
    const refused = 'age_evidence_invalid identity_rejected';
    expect(await refusal(verify({ account: 'a', ...stranger }))).toBe(refused);
    // The player corrects the mistake under the same account.
    expect((await verify({ account: 'a', ...YI_YI })).range.min).toBe(18);
    expect(calls()).toEqual(['check 0', 'check 0']);
  });

  it('is registered with an ID number whose check digit is wrong', async () => {
    const sample = { name: '用户姓名', idNumber: '371321199012310912' };
    const { verify } = nppaWorld({ fake: { people: [sample] } });
    expect((await verify({ account: 'a', ...sample })).assurance).toBe('verified');
  });

  it('has an id of 32 characters at the system that says nothing about it', async () => {
    const seen: string[] = [];
    const { fake, sourceWith, clock } = nppaWorld();
    const spying = sourceWith({
      store: { get: async () => null, swap: async () => true },
      fetch: async (url, init) => {
        seen.push(new URL(String(url)).searchParams.get('ai') ?? '');
        return fake.fetch(String(url), init);
      },
    });
    fake.fail({ kind: 'errcode', code: 2004, on: 'check', times: 2 });
    for (const account of ['a', 'a'.repeat(255)]) {
      await refusal(spying.verify({ account, ...YI_YI }, { at: clock.at }));
    }
    const ids = seen.filter((ai) => ai !== '');
    expect(ids).toHaveLength(2);
    for (const ai of ids) expect(ai).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(ids).size).toBe(2);
  });

  it.each([
    ['full-width digits', { idNumber: '１１００００１９０１０１０１０００１' }],
    ['blanks round it', { name: ' 阿依·古丽\u3000', idNumber: ' 110000190101010001\n' }],
    [
      'invisible signs',
      { name: '阿\u200b依·古丽\ufeff', idNumber: '\u202d110000190101010001\u202c' },
    ],
    ['other middle dots', { name: '阿依•古丽' }],
    ['a half-width dot', { name: '阿依･古丽' }],
  ])('is found by an identity typed with %s', async (_, changes) => {
    const person = { ...YI_YI, name: '阿依·古丽' };
    const { verify } = nppaWorld({ fake: { people: [{ ...CHILD, ...person }] } });
    const typed = { account: 'a', ...person, ...changes };
    expect((await verify(typed)).assurance).toBe('verified');
  });

  it.each([
    ...['E12345678', 'EJ1234567', 'USA110080010101', 'H1234567890', 'A123456(7)', '12345678'],
    ...['ｅ１２３４５６７８', ' g12345678 ', 'X12345678'],
  ])('needs an ID card, and not %s', async (idNumber) => {
    const { verify, calls } = nppaWorld();
    const shown = { account: 'a', name: '某一一', idNumber };
    expect(await refusal(verify(shown))).toBe('age_evidence_invalid document_unsupported');
    expect(calls()).toEqual([]);
  });

  it.each([
    '11000019010101000',
    '1100001901010100011',
    '11000019010101OOO1',
    '1100001901010100X',
    'X',
    'passport',
  ])('takes %s for a mistyped number', async (idNumber) => {
    const { verify } = nppaWorld();
    const shown = { account: 'a', name: '某一一', idNumber };
    expect(await refusal(verify(shown))).toBe('age_evidence_invalid malformed');
  });

  it.each([
    ['no account', {}],
    ['an empty account', { account: '' }],
    ['a name alone', { account: 'a', name: '某一一' }],
    ['a number alone', { account: 'a', idNumber: '110000190101010001' }],
    ['a number of 15 digits', { account: 'a', name: '某一一', idNumber: '110000010101000' }],
    ['a long name', { account: 'a', name: '某'.repeat(33), idNumber: '110000190101010001' }],
    ['a number that is no text', { account: 'a', name: '某一一', idNumber: 110000190101010001n }],
    ['null', null],
  ])('needs more than %s', async (_, evidence) => {
    const { verify, calls } = nppaWorld();
    expect(await refusal(verify(evidence as never))).toBe('age_evidence_invalid malformed');
    expect(calls()).toEqual([]);
  });
});

describe('a check under way', () => {
  const slow = (pendingMs: number, result: 'success' | 'failure' = 'success') =>
    nppaWorld({ fake: { people: [{ ...CHILD, pendingMs, result }] } });

  it('is pending until the system has found out', async () => {
    const { verify, clock, calls } = slow(10 * HOUR);
    expect(await refusal(verify({ account: 'a', ...CHILD }))).toBe('age_evidence_pending');
    clock.at += 10 * HOUR - 1;
    expect(await refusal(verify({ account: 'a' }))).toBe('age_evidence_pending');
    clock.at += 1;
    expect((await verify({ account: 'a' })).range).toEqual({ min: 12, maxExclusive: 13 });
    // The system has forgotten it long since.
    clock.at += 24 * HOUR;
    expect((await verify({ account: 'a' })).range).toEqual({ min: 12, maxExclusive: 13 });
    expect(calls()).toEqual(['check 0', 'query 0', 'query 0']);
  });

  it('is polled for 48 hours and no longer', async () => {
    const { verify, clock, calls } = nppaWorld();
    await refusal(verify({ account: 'a', ...FOR_EVER }));
    clock.at += 48 * HOUR - 1;
    expect(await refusal(verify({ account: 'a' }))).toBe('age_evidence_pending');
    clock.at += 1;
    const over = 'age_evidence_invalid pending_expired';
    expect(await refusal(verify({ account: 'a' }))).toBe(over);
    expect(await refusal(verify({ account: 'a' }))).toBe(over);
    expect(calls()).toEqual(['check 0', 'query 0']);
    clock.at += 1_000;
    expect((await verify({ account: 'a', ...YI_YI })).range.min).toBe(18);
  });

  it('that fails lets the player try again', async () => {
    const { verify, clock, fake } = slow(HOUR, 'failure');
    await refusal(verify({ account: 'a', ...CHILD }));
    clock.at += HOUR;
    const refused = 'age_evidence_invalid identity_rejected';
    expect(await refusal(verify({ account: 'a' }))).toBe(refused);
    clock.at += 300_000;
    fake.addPerson(YI_YI);
    expect((await verify({ account: 'a', ...YI_YI })).range.min).toBe(18);
  });

  it('is not passed by showing another person meanwhile', async () => {
    const { verify } = slow(HOUR);
    await refusal(verify({ account: 'a', ...CHILD }));
    expect(await refusal(verify({ account: 'a', ...YI_YI }))).toBe('age_evidence_pending');
  });
});

describe('the range', () => {
  const ageOn = async (birth: string, day: string) => {
    const person = born(birth);
    const { verify, clock } = nppaWorld({ fake: { people: [person] } });
    clock.at = Date.parse(`${day}T00:00:00+08:00`);
    const { range } = await verify({ account: 'a', ...person });
    return `${range.min}-${range.maxExclusive ?? ''}`;
  };

  it.each([
    // Eight on 20 May 2022: from June on for sure, never before May.
    ['2014-05-20', '2022-04-30', '7-8'],
    ['2014-05-20', '2022-05-19', '7-9'],
    ['2014-05-20', '2022-05-20', '7-9'],
    ['2014-05-20', '2022-06-01', '8-9'],
    ['2008-02-29', '2024-02-29', '15-17'],
    ['2008-02-29', '2024-03-01', '16-17'],
    ['2008-04-30', '2026-04-30', '17-19'],
    ['2008-04-30', '2026-05-01', '18-'],
    ['2008-12-31', '2026-12-30', '17-19'],
    ['2008-12-31', '2026-12-31', '18-'],
    ['1990-01-01', '2026-11-23', '18-'],
    ['2026-11-23', '2026-11-23', '0-1'],
  ])('of someone born on %s is on %s in Shanghai %s', async (birth, day, range) => {
    expect(await ageOn(birth, day)).toBe(range);
  });

  it('never makes anyone older than they are, on any day from birth to majority', async () => {
    for (const birth of ['2008-02-29', '2008-05-31']) {
      const person = born(birth);
      const { verify, clock } = nppaWorld({ fake: { people: [person] } });
      clock.at = Date.parse(`${birth}T12:00:00+08:00`);
      await verify({ account: 'a', ...person });
      for (let day = 0; day < 19 * 366; day += 1) {
        const today = new Date(clock.at).toISOString().slice(0, 10);
        const years = Number(today.slice(0, 4)) - Number(birth.slice(0, 4));
        const age = years - (today.slice(5) < birth.slice(5) ? 1 : 0);
        const { range } = await verify({ account: 'a' });
        expect(range.min).toBeLessThanOrEqual(age);
        expect(range.maxExclusive ?? Infinity).toBeGreaterThan(age);
        // Nor younger for longer than the month of the birthday.
        if (today.slice(5, 7) !== birth.slice(5, 7)) expect(range.min).toBe(Math.min(age, 18));
        clock.at += 24 * HOUR;
      }
    }
  });
});
