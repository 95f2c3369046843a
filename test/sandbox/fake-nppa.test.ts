import { createCipheriv, createHash } from 'node:crypto';
import { type FakeNppaOptions, fakeNppa } from '@spendcap/sandbox';
import { describe, expect, it } from 'vitest';

const NOW = Date.UTC(2026, 10, 23, 12);
const OFFICIAL_SECRET = '2836e95fcd10e04b0069bb1ee659955b';

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly plain?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly sign?: string;
  readonly body?: string;
  readonly ip?: string;
}

/** The system, and calls made by hand as the specification describes them. */
function world(options: FakeNppaOptions = {}) {
  const clock = { at: NOW };
  const fake = fakeNppa({ now: () => clock.at, ...options });
  const { appId, bizId, secretKey } = fake.credentials;

  async function send({ method = 'POST', path = CHECK, plain, ...sent }: Sent) {
    const body = sent.body ?? (plain === undefined ? '' : encrypted(secretKey, plain));
    const url = new URL(path, 'https://api.wlc.nppa.gov.cn');
    const headers = { appId, bizId, timestamps: String(clock.at), ...sent.headers };
    const parameters = Object.entries({ ...headers, ...Object.fromEntries(url.searchParams) });
    const text = parameters
      .map(([name, value]) => name + value)
      .sort()
      .join('');
    const sign = createHash('sha256')
      .update(secretKey + text + body)
      .digest('hex');
    const init = { method, headers: { ...headers, sign: sent.sign ?? sign } };
    const request = new Request(url, body === '' ? init : { ...init, body });
    const response = await fake.handle(request, sent.ip === undefined ? {} : { ip: sent.ip });
    return (await response.json()) as { errcode: number };
  }

  const query = (ai: string) => send({ method: 'GET', path: `${QUERY}?ai=${ai}` });
  const check = (ai: string, name: string, idNum: string) => send({ plain: { ai, name, idNum } });
  return { fake, clock, send, query, check };
}

const CHECK = '/idcard/authentication/check';
const QUERY = '/idcard/authentication/query';
const LOGINOUT = '/behavior/collection/loginout';

function encrypted(secretKey: string, plain: unknown): string {
  const iv = Buffer.alloc(12, 1);
  const cipher = createCipheriv('aes-128-gcm', Buffer.from(secretKey, 'hex'), iv);
  const text = Buffer.concat([cipher.update(JSON.stringify(plain)), cipher.final()]);
  const data = Buffer.concat([iv, text, cipher.getAuthTag()]).toString('base64');
  return JSON.stringify({ data });
}

const success = (pi: unknown) => ({
  errcode: 0,
  errmsg: 'OK',
  data: { result: { status: 0, pi } },
});
const status = (code: number) => ({ data: { result: { status: code } } });

describe('its people', () => {
  it.each([
    ['某一一', '110000190101010001', '1fffbjzos82bs9cnyj1dna7d6d29zg4esnh99u'],
    ['某一四', '110000190101040008', '1fffbmr55j92gttv5wxspm0mgvw8x3p0n7cy0j'],
    ['某一五', '11000019010101001X', expect.stringMatching(/^1fffbj[0-9a-z]{32}$/)],
    ['某一八', '110000190101040016', expect.stringMatching(/^1fffbm[0-9a-z]{32}$/)],
  ])('%s is found', async (name, idNum, pi) => {
    const { check } = world();
    expect(await check('100000000000000001', name, idNum)).toEqual(success(pi));
  });

  it('are pending, or nobody', async () => {
    const { check } = world();
    expect(await check('a', '某二一', '110000190201010009')).toMatchObject(status(1));
    expect(await check('b', '某一一', '110000190101020007')).toMatchObject(status(2));
    expect(await check('c', '某某', '110000190101020007')).toMatchObject(status(2));
  });

  it('are found under the preset ids without a check', async () => {
    const { query } = world();
    expect(await query('100000000000000001')).toEqual(success(expect.stringMatching(/^1fffbj/)));
    expect(await query('200000000000000008')).toMatchObject(status(1));
    expect(await query('300000000000000003')).toMatchObject(status(2));
    expect(await query('400000000000000003')).toMatchObject({ errcode: 2003 });
  });

  it('may be added, with a pi of their own birth date for every game', async () => {
    const person = { name: '小明', idNumber: '11000020100101001X' };
    const games = ['0', '1'].map((digit) => ({
      appId: 'studio',
      bizId: digit,
      secretKey: OFFICIAL_SECRET,
    }));
    const { fake, check, send } = world({ games: games as never });
    fake.addPerson(person);
    const first = await check('a', person.name, person.idNumber);
    const plain = { ai: 'a', name: person.name, idNum: person.idNumber };
    const second = await send({ plain, headers: { bizId: '1' } });
    expect(first).toEqual(success(expect.stringMatching(/^1hpfml[0-9a-z]{32}$/)));
    expect(second).toEqual(first);
  });
});

describe('its memory', () => {
  it('keeps a result for 300 seconds after it was read, and the id in use so long', async () => {
    const { check, query, clock } = world();
    await check('a', '某一一', '110000190101010001');
    clock.at += 299_999;
    expect(await query('a')).toMatchObject(status(0));
    expect(await check('a', '某一二', '110000190101020007')).toMatchObject({ errcode: 2004 });
    clock.at += 1;
    expect(await query('a')).toMatchObject({ errcode: 2003 });
    expect(await check('a', '某一二', '110000190101020007')).toMatchObject(status(0));
  });

  it('completes a pending check when it is due', async () => {
    const slow = { name: '小明', idNumber: '11000020100101001X', pendingMs: 60_000 };
    const { check, query, clock } = world({
      people: [slow, { ...slow, name: '小红', result: 'failure' }],
    });
    await check('a', '小明', slow.idNumber);
    await check('b', '小红', slow.idNumber);
    clock.at += 59_999;
    expect(await query('a')).toMatchObject(status(1));
    clock.at += 1;
    expect(await query('a')).toMatchObject(status(0));
    expect(await query('b')).toMatchObject(status(2));
  });

  it('forgets what is pending after 48 hours', async () => {
    const { check, query, clock } = world();
    await check('a', '某二一', '110000190201010009');
    clock.at += 48 * 3_600_000;
    expect(await query('a')).toMatchObject(status(1));
    clock.at += 1;
    expect(await query('a')).toMatchObject({ errcode: 2003 });
  });
});

describe('its encryption', () => {
  const plain = { ai: 'a', name: '某一一', idNum: '110000190101010001' };

  it('opens the specification’s own body', async () => {
    const body =
      '{"data":"CqT/33f3jyoiYqT8MtxEFk3x2rlfhmgzhxpHqWosSj4d3hq2EbrtVyx2aLj565ZQNTcPrcDipnvpq/D/vQDaLKW70O83Q42zvR0//OfnYLcIjTPMnqa+SOhsjQrSdu66ySSORCAo"}';
    const sample = { name: '用户姓名', idNumber: '371321199012310912' };
    const { send } = world({ people: [sample] });
    expect(await send({ body })).toMatchObject(status(0));
  });

  it('checks the tag: no change of one bit is let in', async () => {
    const { send } = world({ limits: { check: 10_000 } });
    const bytes = Buffer.from(JSON.parse(encrypted(OFFICIAL_SECRET, plain)).data, 'base64');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const body = JSON.stringify({ data: changed.toString('base64') });
      expect((await send({ body })).errcode).toBe(1012);
    }
    expect((await send({ plain })).errcode).toBe(0);
  });
});

describe('its gate', () => {
  const plain = { ai: 'a', name: '某一一', idNum: '110000190101010001' };

  it.each([
    ['1002', { path: '/nothing' }],
    ['1003', { method: 'GET' }],
    ['1003', { method: 'POST', path: `${QUERY}?ai=a`, plain }],
    ['1004', { headers: { appId: '' }, plain }],
    ['1005', { ip: '192.0.2.2', plain }],
    ['1007', { headers: { timestamps: String(NOW - 5_001) }, plain }],
    ['1007', { headers: { timestamps: 'yesterday' }, plain }],
    ['1008', { headers: { bizId: 'unknown' }, plain }],
    ['1011', { sign: '0'.repeat(64), plain }],
    ['1012', { body: encrypted('f'.repeat(32), plain) }],
    ['1012', { body: 'no JSON' }],
    ['1012', { plain: { ...plain, ai: 'x'.repeat(33) } }],
    ['1012', { method: 'GET', path: QUERY }],
    ['2001', { plain: { ...plain, idNum: '12345678901234567x' } }],
  ] as const)('answers %s to %o', async (errcode, sent) => {
    const { send } = world({ allowedIps: ['192.0.2.1'] });
    const answer = await send({ ip: '192.0.2.1', ...sent });
    expect(String(answer.errcode)).toBe(errcode);
  });

  it('takes the test system’s addresses too', async () => {
    const { send } = world();
    const path = '/test/authentication/check/aBc123';
    expect(await send({ path, plain })).toMatchObject(status(0));
    const query = { method: 'GET', path: '/test/authentication/query/aBc123?ai=a' };
    expect(await send(query)).toMatchObject(status(0));
  });

  it('takes what was signed up to five seconds ago', async () => {
    const { send } = world();
    const headers = { timestamps: String(NOW - 5_000) };
    expect(await send({ plain, headers })).toMatchObject({ errcode: 0 });
  });

  it('is closed for a minute when a second sees too many calls', async () => {
    const { query, check, clock } = world({ limits: { query: 3 } });
    for (let calls = 0; calls < 3; calls += 1) await query('100000000000000001');
    expect(await query('100000000000000001')).toMatchObject({ errcode: 1006 });
    expect(await check('a', '某一一', '110000190101010001')).toMatchObject({ errcode: 0 });
    clock.at += 59_999;
    expect(await query('100000000000000001')).toMatchObject({ errcode: 1006 });
    clock.at += 1;
    expect(await query('100000000000000001')).toMatchObject({ errcode: 0 });
  });
});

describe('its reports', () => {
  const ot = NOW / 1000 - 1;
  const fine = { no: 1, si: 's', bt: 1, ot, ct: 2, di: 'd' };

  it.each([
    [3004, { ...fine, no: 129 }],
    [3005, { ...fine, ot: ot - 180 }],
    [3005, { ...fine, ot: ot + 2 }],
    [3006, { ...fine, ct: 1 }],
    [3007, { ...fine, bt: 2 }],
    [3008, { ...fine, ct: 0 }],
    [3009, { ...fine, di: undefined }],
    [3010, { ...fine, ct: 0, pi: 'x' }],
  ])('have %i for a wrong record, and take the others', async (errcode, wrong) => {
    const { send, fake } = world();
    const answer = await send({ path: LOGINOUT, plain: { collections: [fine, wrong] } });
    expect(answer).toMatchObject({ errcode: 3001, data: { results: [{ errcode }] } });
    expect(fake.reports).toEqual([{ ...fine, bizId: 'test-bizId' }]);
  });

  it('are refused whole when there are none, or too many', async () => {
    const { send } = world();
    const of = (length: number) => ({ collections: Array.from({ length }, () => fine) });
    expect(await send({ path: LOGINOUT, plain: of(0) })).toMatchObject({ errcode: 3002 });
    expect(await send({ path: LOGINOUT, plain: of(129) })).toMatchObject({ errcode: 3003 });
    expect(await send({ path: LOGINOUT, plain: of(128) })).toEqual({ errcode: 0, errmsg: 'OK' });
  });
});

describe('its troubles', () => {
  it('come once each, on the call that they are meant for, until it is healed', async () => {
    const { fake, query } = world();
    fake.fail({ kind: 'errcode', code: 1001, on: 'loginout' });
    fake.fail({ kind: 'errcode', code: 1009, on: 'query' });
    expect(await query('100000000000000001')).toMatchObject({ errcode: 1009 });
    expect(await query('100000000000000001')).toMatchObject({ errcode: 0 });
    fake.fail({ kind: 'garbage' });
    await expect(query('100000000000000001')).rejects.toThrow(SyntaxError);
    fake.fail({ kind: 'drop' });
    await expect(fake.fetch('https://api.example/')).rejects.toThrow(TypeError);
    fake.fail({ kind: 'errcode', times: 5 });
    fake.heal();
    expect(await query('100000000000000001')).toMatchObject({ errcode: 0 });
  });

  it('close the connection of a server too, and its white list sees real addresses', async () => {
    const { fake } = world({ allowedIps: ['192.0.2.1'] });
    const { endpoints, close } = await fake.listen();
    try {
      const headers = { appId: 'a', bizId: 'b', timestamps: '1', sign: 's' };
      const answer = await fetch(endpoints.check, { method: 'POST', headers });
      expect(await answer.json()).toMatchObject({ errcode: 1005 });
      fake.fail({ kind: 'drop' });
      await expect(fetch(endpoints.query)).rejects.toThrow(TypeError);
    } finally {
      await close();
    }
  });
});
