import type { Purchase } from '@spendcap/core';
import { alipayProcessor, guardAlipay } from '@spendcap/server/payments/alipay';
import { AlipaySdk } from 'alipay-sdk';
import { fakeAlipay } from '../../fake-alipay.ts';
import type { PaymentDeps, Provider } from './method.ts';
import { contextOf, known, otherCurrency, outbox } from './method.ts';

const PATH = '/webhooks/alipay';
const PAID = '9000';

/** An order as a signed address of Alipay's page. */
export async function alipayProvider({ limiter, now }: PaymentDeps): Promise<Provider> {
  const fake = fakeAlipay({ now });
  // Its SDK has its own HTTP client, so the fake is a server.
  const gateway = await fake.listen();
  const alipay = new AlipaySdk(gateway.config);
  const deps = { alipay, sellerId: fake.sellerId, now };
  const payments = guardAlipay({ ...deps, limiter });
  const processor = alipayProcessor(deps);
  /** Addresses by purchase id. */
  const pages = new Map<string, string>();
  const cashierOf = (id: string) => fake.cashier(known(pages, id));
  return {
    engine: { processor, limiter, now },
    methods: [
      {
        name: 'alipay',
        label: { en: 'Alipay', zh: '支付宝' },
        async start(order) {
          const refusal = await otherCurrency(limiter, order);
          if (refusal !== null) return refusal;
          const { price, title } = order.product;
          const product_code = 'FAST_INSTANT_TRADE_PAY';
          const ordered = await payments.pageExec(
            'alipay.trade.page.pay',
            'GET',
            {
              bizContent: { total_amount: price, subject: title.zh, product_code },
              notifyUrl: `https://shop.example${PATH}`,
            },
            { spendcap: contextOf(order) },
          );
          if (ordered.allowed) pages.set(order.id, ordered.page);
          return ordered;
        },
        cashier: {
          whenCancelled: {
            en: 'A signed order can be paid until it expires, for 15 minutes. The hold stays longer.',
            zh: '已签名的订单在 15 分钟内都可以付款，预留会保留得更久。',
          },
          pay: (id) => cashierOf(id).pay().resultStatus === PAID,
          begin: (id) => cashierOf(id).identify().resultStatus === PAID,
          finish: (id) => cashierOf(id).pay({ late: true }).resultStatus === PAID,
          async cancel(id) {
            cashierOf(id).cancel();
          },
        },
        async refund({ id, amount }: Purchase) {
          const out_request_no = `${id}_refund`;
          const out_trade_no = processor.traits.reference(id);
          const bizContent = { out_trade_no, out_request_no, refund_amount: amount };
          await payments.exec('alipay.trade.refund', { bizContent });
        },
      },
    ],
    path: PATH,
    notify: outbox(fake.notices, fake.deliver),
  };
}
