import type { FakeAlipayNotice } from '@spendcap/sandbox';
import { describe, expect, it } from 'vitest';
import { randomNumbers } from '../../../support/random.ts';
import { createWorld } from './alipay-kit.ts';

async function paid() {
  const world = await createWorld();
  const cashier = await world.sign('order_1', { passback_params: 'acct%3D7&b' });
  expect(cashier.pay().resultStatus).toBe('9000');
  const [notice] = world.fake.notices;
  if (notice === undefined) expect.fail('no notice');
  /** What the endpoint answers, and the state after it. */
  const send = async (request: Request) => {
    const response = await world.webhook(request);
    return [response.status, await response.text(), await world.state()];
  };
  const notification = (options: Parameters<typeof world.fake.notification>[1]) =>
    world.fake.notification(notice as FakeAlipayNotice, options);
  return { ...world, notice, send, notification };
}

const post = (body: string) =>
  new Request('https://shop.example/notices', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });

const DONE = [200, 'success', 'committed'];
const FORGED = [400, 'failure', 'reserved'];

describe('a notification', () => {
  it('is answered with success alone, and settles once', async () => {
    const { notification, notice, fake, problems, purchase, send, webhook } = await paid();
    expect(await send(notification({}))).toEqual(DONE);
    expect(await send(notification({}))).toEqual(DONE);
    expect(await purchase()).toMatchObject({ committed: '30.00', late: false });
    await fake.deliver([notice], webhook);
    expect(notice.acknowledged).toBe(true);
    expect(problems).toEqual([]);
  });

  it.each([
    ['total_amount', '0.01'],
    ['out_trade_no', 'order_2'],
    ['trade_status', 'TRADE_CLOSED'],
    ['passback_params', 'acct=7'],
    ['app_id', '2021000000000009'],
    ['notify_id', 'another'],
    ['unknown_field', 'added'],
    ['sign_type', 'RSA'],
    ['sign_type', 'rsa2'],
    ['sign_type', ''],
    ['sign', ''],
    ['sign', 'AAAA'],
    ['charset', 'gbk'],
  ])('whose %s was changed to %j is refused', async (name, value) => {
    const { notification, problems, send } = await paid();
    expect(await send(notification({ tamper: { [name]: value } }))).toEqual(FORGED);
    expect(problems).toEqual(['webhook_invalid']);
  });

  it('that another key signed, or that lacks or repeats a parameter, is refused', async () => {
    const { notification, send } = await paid();
    expect(await send(notification({ forged: true }))).toEqual(FORGED);
    const text = await notification({}).text();
    const without = text.replace(/&seller_id=\d+/, '');
    expect(without).not.toBe(text);
    for (const body of [without, `${text}&total_amount=30.00`, `${text}&=`, '', 'a', '%zz=%ff']) {
      expect(await send(post(body))).toEqual(FORGED);
    }
    expect(await send(post(`${text}&empty=`))).toEqual(DONE);
  });

  it('is decoded once', async () => {
    const { notification, send } = await paid();
    const text = await notification({}).text();
    expect(text).toContain('passback_params=acct%253D7%26b');
    const decoded = text.replace('acct%253D7', 'acct%3D7');
    expect(await send(post(decoded))).toEqual(FORGED);
    expect(await send(post(text))).toEqual(DONE);
  });

  it.each([
    ['app_id', '2021000000000009'],
    ['seller_id', '2088000000000002'],
    ['total_amount', '0.01'],
    ['total_amount', '30.01'],
  ])('of another %s (%s) is refused although Alipay signed it', async (name, value) => {
    const { notification, problems, send } = await paid();
    expect(await send(notification({ replace: { [name]: value } }))).toEqual(FORGED);
    expect(problems).toHaveLength(1);
  });

  it.each([
    [{ notify_type: 'dut_user_sign' }, 'reserved'],
    [{ out_trade_no: 'order___2' }, 'reserved'],
    [{ out_trade_no: 'unknown_order' }, 'reserved'],
    [{ trade_status: 'WAIT_BUYER_PAY' }, 'reserved'],
    [{ trade_status: 'TRADE_PENDING' }, 'reserved'],
    [{ trade_status: 'TRADE_FINISHED' }, 'committed'],
    [{ total_amount: '30' }, 'committed'],
  ])('with %j is acknowledged', async (replace, state) => {
    const { notification, send } = await paid();
    expect(await send(notification({ replace }))).toEqual([200, 'success', state]);
  });

  it('that is too large is not read', async () => {
    const { send } = await paid();
    const [status, body] = await send(post('a='.padEnd(70_000, 'x')));
    expect([status, body]).toEqual([413, 'failure']);
  });
});

describe('TRADE_CLOSED', () => {
  it('without a payment releases', async () => {
    const { advance, deliverAll, fake, sign, state } = await createWorld();
    const cashier = await sign();
    cashier.identify();
    advance(15);
    fake.closeDue();
    expect(fake.notices.map(({ params }) => params.trade_status)).toEqual(['TRADE_CLOSED']);
    await deliverAll();
    expect(await state()).toBe('released');
  });

  it('with a refund commits and refunds, also as the first message', async () => {
    const { alipay, fake, purchase, state, webhook } = await paid();
    const number = { out_trade_no: 'order_1', out_request_no: 'r1', refund_amount: '30.00' };
    await alipay.exec('alipay.trade.refund', { bizContent: number });
    const [first, closed] = fake.notices;
    if (first === undefined || closed === undefined) expect.fail('no notices');
    expect(await state()).toBe('reserved');
    await fake.deliver([closed], webhook);
    expect(await purchase()).toMatchObject({ committed: '30.00', refunded: '30.00' });
    await fake.deliver([first, closed], webhook);
    expect(await purchase()).toMatchObject({ committed: '30.00', refunded: '30.00' });
  });
});

it('refuses every mutant whose parameters are not the same', async () => {
  const { notification, send, state } = await paid();
  const text = await notification({}).text();
  const form = (body: string) => JSON.stringify([...new URLSearchParams(body)]);
  const whole = form(text);
  const random = randomNumbers(20_260_510);
  const below = (limit: number) => Math.floor(random() * limit);
  const alphabet = 'aA0%&=+/_-.2F"\\\u0000ü';
  let refused = 0;
  const count = Number(process.env.SPENDCAP_MUTANTS ?? 3_000);
  while (refused < count) {
    const at = below(text.length);
    const end = at + below(3);
    const put = alphabet[below(alphabet.length)] ?? '';
    const mutant = text.slice(0, at) + put + text.slice(random() < 0.5 ? end : at);
    if (form(mutant) === whole || form(mutant) === form(`${text}&a=`)) continue;
    const [status] = await send(post(mutant));
    if (status === 200) expect.fail(`accepted: ${JSON.stringify(mutant)}`);
    refused += 1;
  }
  expect(await state()).toBe('reserved');
});
