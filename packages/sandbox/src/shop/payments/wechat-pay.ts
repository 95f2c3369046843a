import { type Purchase, parseMoney } from '@spendcap/core';
import {
  guardWechatPay,
  wechatPayClient,
  wechatPayProcessor,
} from '@spendcap/server/payments/wechat-pay';
import { type FakeWechatPay, fakeWechatPay } from '../../fake-wechat-pay.ts';
import { type Product, SHOP_CURRENCY } from '../products.ts';
import type { PaymentDeps, Provider } from './method.ts';
import { attempt, contextOf, otherCurrency, outbox } from './method.ts';

const PATH = '/webhooks/wechat-pay';

/** An order that the player pays by scanning a code. */
export function wechatPayProvider({ limiter, now }: PaymentDeps): Provider {
  const fake = fakeWechatPay({ now });
  const wechat = wechatPayClient({ ...fake.credentials(), fetch: fake.fetch, now });
  const notifyUrl = `https://shop.example${PATH}`;
  const payments = guardWechatPay({ wechat, limiter, notifyUrl, now });
  return {
    engine: { processor: wechatPayProcessor({ wechat, now }), limiter, now },
    methods: [
      {
        name: 'wechat_pay',
        label: { en: 'WeChat Pay', zh: '微信支付' },
        start: async (order) =>
          (await otherCurrency(limiter, order)) ??
          payments.native(
            { description: order.product.title.zh, amount: { total: fenOf(order.product.price) } },
            { spendcap: contextOf(order) },
          ),
        cashier: {
          whenCancelled: {
            en: 'An order can be closed five minutes after it was made. Until then the hold stays.',
            zh: '订单生成五分钟后才能关闭。关闭之前，预留会保留。',
          },
          pay: (id) => attempt(() => fake.cashier.pay(id)),
          begin: (id) => attempt(() => fake.cashier.begin(id)),
          finish: (id) => attempt(() => fake.cashier.pay(id)),
          async cancel(id) {
            fake.cashier.cancel(id);
            await payments.close(id);
          },
        },
        async refund({ id, amount }: Purchase) {
          const total = fenOf(amount);
          const out_refund_no = `${id}_refund`;
          const refund = { out_trade_no: id, out_refund_no, amount: { refund: total, total } };
          await payments.refunds.create(refund);
          settleRefund(fake, out_refund_no);
        },
      },
    ],
    path: PATH,
    notify: outbox(fake.notices, fake.deliver),
  };
}

/** The bank settles it immediately. */
function settleRefund(fake: FakeWechatPay, number: string): void {
  const made = fake.refunds().find(({ out_refund_no }) => out_refund_no === number);
  if (made?.status === 'PROCESSING') fake.cashier.finishRefund(number, 'SUCCESS');
}

function fenOf(amount: Product['price']): number {
  return parseMoney(amount, SHOP_CURRENCY);
}
