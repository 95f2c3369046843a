// Orders of WeChat Pay with spending caps: held, notified, closed, refunded.
import { ageIssuer, fakeWechatPay } from '@spendcap/sandbox';
import { ageTokens, cnGame, createLimiter } from '@spendcap/server';
import { processorWebhook, reconcile } from '@spendcap/server/payments';
import {
  guardWechatPay,
  wechatPayClient,
  wechatPayProcessor,
} from '@spendcap/server/payments/wechat-pay';
import { memoryStore } from '@spendcap/server/stores/memory';

const clock = { at: Date.now() };
const now = () => clock.at;
const fake = fakeWechatPay({ now });
// With your own merchant: wechatPayClient({ mchId, appIds, serialNo, privateKey, apiV3Key, ... });
const wechat = wechatPayClient({ ...fake.credentials(), fetch: fake.fetch, now });

const age = { issuer: 'https://age.example', audience: 'https://shop.example' };
const ageAuthority = await ageIssuer({ ...age, now }); // In production: the URL of its key set.
const limiter = createLimiter({
  policy: cnGame(),
  store: memoryStore(), // In production: Postgres or Redis.
  ageTokens: ageTokens({ issuers: [{ ...age, jwks: ageAuthority.jwks }], now }),
  now,
});
const notifyUrl = 'https://pay.example/wechat';
const payments = guardWechatPay({ wechat, limiter, notifyUrl, now });
const processor = wechatPayProcessor({ wechat, now });
const webhook = processorWebhook({ processor, limiter, now }); // Mounted at notifyUrl.

async function order(id: string, total: number): Promise<void> {
  const ageToken = await ageAuthority.issue({ subject: 'player-12', age: 12 });
  const bought = await payments.jsapi(
    { description: 'gems', amount: { total }, payer: { openid: 'o_of_the_player' } },
    { spendcap: { id, ageToken } },
  );
  if (bought.allowed) console.log(id, 'for wx.requestPayment:', bought.payment.signType);
  else console.log(id, ...bought.reasons.map(({ code }) => code));
}

const show = async (id: string) => {
  const { state, committed, refunded } = (await limiter.get(id)) ?? {};
  console.log(id, state, committed, 'refunded', refunded);
};

await order('order_1', 6_000);
await order('order_2', 4_800);
await order('order_3', 4_200);
await order('order_4', 1_100);

fake.cashier.pay('order_2'); // The player pays one, and leaves the other open.
await fake.deliver(fake.notices, webhook);
await show('order_2');

clock.at += 20 * 60_000;
const { released } = await reconcile({ processor, limiter, now });
console.log('closed and released:', released);
await show('order_3');

const refund = { out_trade_no: 'order_2', out_refund_no: 'refund_1' };
await payments.refunds.create({ ...refund, amount: { refund: 1_800, total: 4_800 } });
await show('order_2');
fake.cashier.finishRefund('refund_1', 'SUCCESS');
await fake.deliver(fake.notices, webhook);
await show('order_2');
console.log(`paid at WeChat: ${fake.netCharged() / 100} CNY`);
await limiter.close();
