import { memoryNppaStore, nppaSource } from '@spendcap/server/age/sources/nppa';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { NOW, refusal } from '../../token/token-kit.ts';
import { nppaWorld, PERSON_KEY } from './nppa-kit.ts';

const YI_YI = { name: '某一一', idNumber: '110000190101010001' };
const EVIDENCE = { account: 'a', ...YI_YI };
const ADULT = { min: 18, maxExclusive: null };

afterEach(() => vi.useRealTimers());

describe('a call that fails', () => {
  it.each([
    ['a fault of the system’s', { kind: 'errcode', code: 1001 }],
    ['an expired time stamp', { kind: 'errcode', code: 1007 }],
    ['a bad gateway', { kind: 'status', code: 502 }],
    ['a connection that closes before', { kind: 'drop_before' }],
  ] as const)('with %s is tried again, with a fresh time stamp', async (_, trouble) => {
    let time = NOW;
    const { verify, fake } = nppaWorld({ now: () => (time += 1) });
    fake.fail(trouble);
    expect((await verify(EVIDENCE)).range).toEqual(ADULT);
    const [first, second, ...more] = fake.calls.map(({ timestamps }) => Number(timestamps));
    expect(second).toBeGreaterThan(first ?? Infinity);
    expect(more).toEqual([]);
  });

  it.each([
    ['1001', { kind: 'errcode', code: 1001 }, 'system_error'],
    ['1007', { kind: 'errcode', code: 1007 }, 'clock_skewed'],
    ['no answer', { kind: 'drop_before' }, 'unreachable'],
    ['503', { kind: 'status', code: 503 }, 'unreachable'],
  ] as const)('three times with %s is an error', async (_, trouble, why) => {
    const { verify, fake } = nppaWorld();
    fake.fail({ ...trouble, times: 9 });
    expect(await refusal(verify(EVIDENCE))).toBe(`age_source_unavailable ${why}`);
    expect(fake.calls).toHaveLength(3);
  });

  it.each([
    [1002, 'refused'],
    [1003, 'refused'],
    [1004, 'refused'],
    [1005, 'refused'],
    [1006, 'rate_limited'],
    [1008, 'refused'],
    [1009, 'refused'],
    [1010, 'refused'],
    [1011, 'refused'],
    [1012, 'refused'],
    [2002, 'rate_limited'],
    [4001, 'refused'],
  ])('with %i is never tried again', async (code, why) => {
    const { verify, fake } = nppaWorld();
    fake.fail({ kind: 'errcode', code });
    expect(await refusal(verify(EVIDENCE))).toBe(`age_source_unavailable ${why}`);
    expect(fake.calls).toHaveLength(1);
  });

  it('with 2001 is the evidence’s fault', async () => {
    const { verify, fake } = nppaWorld();
    fake.fail({ kind: 'errcode', code: 2001 });
    expect(await refusal(verify(EVIDENCE))).toBe('age_evidence_invalid id_number_illegal');
  });

  it('with a lost answer finds what the system did', async () => {
    const { verify, fake, calls } = nppaWorld();
    fake.fail({ kind: 'drop' });
    expect((await verify(EVIDENCE)).range).toEqual(ADULT);
    expect(calls()).toEqual(['check 0', 'check 2004', 'query 0']);
  });

  it('in time is given up', async () => {
    const { verify, fake } = nppaWorld({ timeoutMs: 20 });
    fake.fail({ kind: 'delay', milliseconds: 200, times: 3 });
    expect(await refusal(verify(EVIDENCE))).toBe('age_source_unavailable timeout');
  });

  it('times out after five seconds by default, even if the fetch never settles', async () => {
    vi.useFakeTimers();
    const { verify } = nppaWorld({ fetch: () => new Promise(() => {}) });
    const began = Date.now();
    const refused = refusal(verify(EVIDENCE));
    await vi.advanceTimersByTimeAsync(15_599);
    const ended = vi.fn();
    refused.then(ended);
    await vi.advanceTimersByTimeAsync(0);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await refused).toBe('age_source_unavailable timeout');
    expect(Date.now() - began).toBe(15_600);
  });
});

describe('an answer', () => {
  const answering = (text: string) => nppaWorld({ fetch: async () => new Response(text) });
  const result = (value: unknown) => JSON.stringify({ errcode: 0, errmsg: 'OK', data: value });

  it.each([
    ['no JSON', '<html>'],
    ['null', 'null'],
    ['no errcode', '{}'],
    ['an errcode that is a text', '{"errcode":"0"}'],
    ['an errcode of five digits', '{"errcode":10000}'],
    ['no data', '{"errcode":0}'],
    ['no result', result({})],
    ['a null result', result({ result: null })],
    ['another status', result({ result: { status: 3 } })],
    ['a status that is a text', result({ result: { status: '0' } })],
    ['success without a pi', result({ result: { status: 0 } })],
    ['success with an empty pi', result({ result: { status: 0, pi: '' } })],
    ['success with a wrong pi', result({ result: { status: 0, pi: '0'.repeat(38) } })],
    ['more than 64 KiB', `${' '.repeat(65_537)}${result({ result: { status: 1 } })}`],
  ])('with %s counts for nothing', async (_, text) => {
    const { verify } = answering(text);
    expect(await refusal(verify(EVIDENCE))).toBe('age_source_unavailable answer_invalid');
  });

  it('is never looked for elsewhere', async () => {
    const inits: (RequestInit | undefined)[] = [];
    const { fake, sourceWith, clock } = nppaWorld();
    const source = sourceWith({
      fetch: (url, init) => {
        inits.push(init);
        return fake.fetch(String(url), init);
      },
    });
    await source.verify(EVIDENCE, { at: clock.at });
    expect(inits.map((init) => init?.redirect)).toEqual(['error']);
  });
});

describe('the rate limits', () => {
  it('are kept by this side, so that the system never blocks it', async () => {
    vi.useFakeTimers();
    const store = { get: async () => null, swap: async () => true };
    const { source, fake } = nppaWorld({ now: Date.now, fake: { now: Date.now }, store });
    let done = 0;
    const wave = (from: number) =>
      Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const account = `player-${from + index}`;
          await source.verify({ account, ...YI_YI }, { at: Date.now() });
          done += 1;
        }),
      );
    const waves = Promise.all([wave(0), wave(100)]).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(2_500);
    await waves;
    const codes = fake.calls.map(({ errcode }) => errcode);
    expect(codes.filter((code) => code === 1006)).toEqual([]);
    // Two seconds of waiting at most: 20 immediately and 80 a second after that.
    expect(done).toBe(180);
  });

  it('once passed, close this side for the same minute', async () => {
    const { verify, fake, clock } = nppaWorld();
    fake.fail({ kind: 'errcode', code: 1006 });
    const limited = 'age_source_unavailable rate_limited';
    expect(await refusal(verify(EVIDENCE))).toBe(limited);
    clock.at += 59_999;
    expect(await refusal(verify(EVIDENCE))).toBe(limited);
    expect(fake.calls).toHaveLength(1);
    clock.at += 1;
    expect((await verify(EVIDENCE)).range).toEqual(ADULT);
  });

  it('are separate for each API', async () => {
    const { verify, fake } = nppaWorld();
    fake.fail({ kind: 'errcode', code: 1006, on: 'query' });
    fake.fail({ kind: 'errcode', code: 2004, on: 'check' });
    expect(await refusal(verify(EVIDENCE))).toBe('age_source_unavailable rate_limited');
    expect((await verify({ ...EVIDENCE, account: 'b' })).range).toEqual(ADULT);
  });
});

describe('options', () => {
  const wrong = (options: object) => () =>
    nppaSource({
      appId: 'a',
      bizId: 'b',
      secretKey: '0'.repeat(32),
      personKey: PERSON_KEY,
      store: memoryNppaStore(),
      ...options,
    });

  it.each([
    ['secretKey', { secretKey: 'x'.repeat(32) }],
    ['appId', { appId: 'a\nb' }],
    ['personKey', { personKey: 'short' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['callsPerSecond.check', { callsPerSecond: { check: 101 } }],
    ['endpoints.check', { endpoints: { check: new URL('http://api.wlc.nppa.gov.cn/') } }],
    [
      'endpoints.query',
      { endpoints: { query: new URL('http://api2.wlc.nppa.gov.cn.evil.example/') } },
    ],
    ['endpoints.query', { endpoints: { query: new URL('https://user:word@x.example/') } }],
    ['endpoints.query', { endpoints: { query: new URL('file:///etc/passwd') } }],
  ])('refuse a wrong %s', (name, options) => {
    expect(wrong(options)).toThrow(new RegExp(`^${name}`));
    expect(wrong(options)).toThrow(TypeError);
  });

  it('take the system over a server on this machine', async () => {
    const { fake, sourceWith, clock } = nppaWorld();
    const server = await fake.listen();
    const source = sourceWith({ endpoints: server.endpoints, fetch: globalThis.fetch });
    try {
      expect((await source.verify(EVIDENCE, { at: clock.at })).range).toEqual(ADULT);
    } finally {
      await server.close();
    }
    fake.heal();
    const other = { ...EVIDENCE, account: 'b' };
    expect(await refusal(source.verify(other, { at: clock.at }))).toBe(
      'age_source_unavailable unreachable',
    );
  });
});
