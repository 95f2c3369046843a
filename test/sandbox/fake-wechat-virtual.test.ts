import { createHmac } from 'node:crypto';
import { fakeWechatVirtual } from '@spendcap/sandbox';
import { describe, expect, it } from 'vitest';

const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex');

function game() {
  const fake = fakeWechatVirtual();
  const sessionKey = fake.login('o_1');
  const sign = (changes: object = {}) => {
    const goods = { mode: 'goods', offerId: fake.offerId, buyQuantity: 1, env: 1 };
    const price = { currencyType: 'CNY', productId: 'gem60', goodsPrice: 600 };
    const signData = JSON.stringify({ ...goods, ...price, outTradeNo: 'sc0001', ...changes });
    const paySig = hmac(fake.appKey, `requestMidasPaymentGameItem&${signData}`);
    return { signData, paySig, signature: hmac(sessionKey, signData) };
  };
  async function query(changes: object = {}) {
    const offer = { offer_id: fake.offerId, zone_id: '1', env: 1, biz_id: 2 };
    const body = JSON.stringify({
      openid: 'o_1',
      ts: 1,
      out_trade_no: 'sc0001',
      ...offer,
      ...changes,
    });
    const url = new URL('https://api.weixin.qq.com/wxa/game/queryorderinfo');
    url.search = new URLSearchParams({
      access_token: fake.accessToken,
      signature: hmac(sessionKey, body),
      sig_method: 'hmac_sha256',
      pay_sig: hmac(fake.appKey, `/wxa/game/queryorderinfo&${body}`),
    }).toString();
    const response = await fake.fetch(url, { method: 'POST', body });
    return (await response.json()) as Readonly<Record<string, unknown>>;
  }
  return { fake, sign, query };
}

describe('the device', () => {
  it.each([
    ['another price', { goodsPrice: 1 }, -15016],
    ['another offer', { offerId: '1' }, -15004],
    ['a number that begins with _', { outTradeNo: '_1' }, -15004],
    ['all that is needed', {}, 0],
  ])('with %s', (_, changes, code) => {
    const { fake, sign } = game();
    expect(fake.request('o_1', sign(changes))).toBe(code);
    expect(fake.request('o_2', sign(changes))).toBe(-15015);
  });

  it('gets nothing for signatures of other texts, nor twice', () => {
    const { fake, sign } = game();
    const good = sign();
    expect(fake.request('o_1', { ...sign({ attach: 'b' }), paySig: good.paySig })).toBe(-15014);
    expect(fake.request('o_1', { ...good, signature: good.paySig })).toBe(-15012);
    expect(() => fake.pay('sc0001')).toThrow('not requested');
    expect(fake.request('o_1', good)).toBe(0);
    expect(fake.request('o_1', sign({ buyQuantity: 2 }))).toBe(-15003);
    fake.pay('sc0001');
    expect(fake.request('o_1', good)).toBe(-15007);
    expect(() => fake.pay('sc0001')).toThrow('is paid');
    expect(fake.netCharged()).toBe(600);
    fake.refund('sc0001', 200);
    expect(fake.netCharged()).toBe(400);
  });
});

describe('the query', () => {
  it('says whether an order is paid', async () => {
    const { fake, sign, query } = game();
    expect(await query()).toMatchObject({ errcode: 90019 });
    fake.request('o_1', sign());
    expect(await query()).toMatchObject({ errcode: 0, pay_state: 1 });
    fake.pay('sc0001');
    expect(await query()).toMatchObject({ errcode: 0, pay_state: 2 });
    expect(await query({ env: 0 })).toMatchObject({ errcode: 90018 });
    expect(await query({ openid: 'o_2' })).toMatchObject({ errcode: 90016 });
    fake.fail('busy');
    expect(await query()).toMatchObject({ errcode: -1 });
    fake.fail('drop');
    await expect(query()).rejects.toThrow(TypeError);
  });
});

it('signs event and payload', async () => {
  const { fake, sign } = game();
  fake.request('o_1', sign());
  fake.pay('sc0001');
  const [event] = fake.events;
  if (event === undefined) return expect.fail('no event');
  const message = await fake.notification(event).json();
  const { Payload, PayEventSig } = (message as { MiniGame: Record<string, string> }).MiniGame;
  expect(PayEventSig).toBe(hmac(fake.appKey, `${event.event}&${Payload}`));
  // The documented payload, with the first event name.
  const documented =
    '{"OpenId":"o_example_openid","Env":1,"OutTradeNo":"sc0001","GoodsInfo":{"ProductId":"gem60",' +
    '"Quantity":1,"ZoneId":"1","OrigPrice":600,"ActualPrice":600,"Attach":"a","OrderSource":1},' +
    '"WeChatPayInfo":{"MchOrderNo":"m1","TransactionId":"t1"}}';
  expect(hmac('example-app-key', `${event.event}&${documented}`)).toMatch(/^7bc1d7bda83839fd/);
});
