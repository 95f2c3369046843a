import { parseMoney } from '@spendcap/core';
import {
  type FakeAlipay,
  type FakeAlipayConfig,
  type FakeAlipayFault,
  fakeAlipay,
} from '@spendcap/sandbox';
import {
  type PaymentProblem,
  type ProcessorWebhookOptions,
  processorWebhook,
} from '@spendcap/server/payments';
import { alipayProcessor, guardAlipay } from '@spendcap/server/payments/alipay';
import { AlipaySdk } from 'alipay-sdk';
import { atEnd } from '../at-end.ts';
import { GUARDED, guardedAlipay, OUTSIDE, outsideAlipay, tradeOf } from './alipay-deeds.ts';
import { faultIn, performer } from './deeds.ts';
import type { CommonFault, ProcessorEntry, Shop, Wanted, Way } from './entry.ts';
import { reconciler } from './reconciler.ts';

/** A fake that Alipay's own SDK reaches over HTTP. */
export async function openAlipay(now: () => number) {
  const fake = fakeAlipay({ now });
  const { config, close } = await fake.listen();
  atEnd(() => void close());
  return { fake, config, close };
}

export interface ServeOptions extends Shop {
  readonly fake: FakeAlipay;
  readonly config: FakeAlipayConfig;
  readonly allow?: readonly string[];
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}

/** Guard, webhook and reconciler of one server process. */
export function serveAlipay({ fake, config, limiter, now, ...options }: ServeOptions) {
  const { allow = [], onProblem, beforeCall } = options;
  const alipay = sdkOf(config, beforeCall);
  const deps = { alipay, sellerId: fake.sellerId, now };
  const processor = alipayProcessor(deps);
  const engine: ProcessorWebhookOptions = {
    ...{ processor, limiter, now },
    ...(onProblem === undefined ? {} : { onProblem }),
  };
  return {
    alipay,
    engine,
    processor,
    guard: guardAlipay({ ...deps, limiter, allow }),
    webhook: processorWebhook(engine),
    reconcile: reconciler(engine),
  };
}

/** Alipay's own client. */
function sdkOf(config: FakeAlipayConfig, beforeCall?: Shop['beforeCall']): AlipaySdk {
  const sdk = new AlipaySdk({ ...config });
  if (beforeCall === undefined) return sdk;
  const { exec, curl } = sdk;
  return Object.assign(sdk, {
    exec: async (...call: Parameters<typeof exec>) => {
      await beforeCall();
      return exec.apply(sdk, call);
    },
    curl: async (...call: Parameters<typeof curl>) => {
      await beforeCall();
      return curl.apply(sdk, call);
    },
  });
}

const FAULTS = {
  reject: { kind: 'refuse', subCode: 'ACQ.INVALID_PARAMETER' },
  // The SDK repeats a call once if its connection is closed.
  cut_before: { kind: 'drop_before', times: 2 },
  cut_after: { kind: 'drop', times: 2 },
  rate_limit: { kind: 'limited' },
  error: { kind: 'status' },
  slow: { kind: 'delay', milliseconds: 2 },
  unavailable: { kind: 'unavailable' },
  failed: { kind: 'failed' },
  running: { kind: 'running' },
  unsigned: { kind: 'unsigned' },
  forged: { kind: 'forged' },
} satisfies Record<CommonFault, FakeAlipayFault> & Record<string, FakeAlipayFault>;

const PAY = ['payer_pays', 'payer_pays', 'payer_pays', 'payer_begins', 'payer_pays_late'];
const REFUND = ['guard_refunds', 'guard_refunds_later', 'operator_refunds'];
const REFUNDED = [REFUND, ['refund_succeeds', 'refund_fails']];
const USUALLY = [PAY, ...REFUNDED];

const WAYS: Readonly<Record<string, Way>> = {
  create: { weight: 25, usually: USUALLY },
  app: { weight: 25, usually: USUALLY, isLocal: true },
  page: { weight: 10, usually: USUALLY, isLocal: true },
  wap: { weight: 10, usually: USUALLY, isLocal: true },
  precreate: { weight: 10, usually: USUALLY },
  pay: { weight: 20, usually: REFUNDED },
};

const CALLS = new Set(['create', 'precreate', 'pay'].map((way) => `alipay.trade.${way}`));
const NOTIFY = { notifyUrl: 'https://shop.example/notices/alipay' };
const BUYER = { buyer_id: '2088000000000009' };

type Guard = ReturnType<typeof serveAlipay>['guard'];

/** Starts a charge. `page` is what the buyer opens, if there is no trade yet. */
async function start(guard: Guard, { way = 'create', spendcap, amount }: Wanted) {
  const order = { total_amount: amount, subject: '60 gems' };
  const bizContent = order;
  const options = { spendcap };
  if (way === 'app') {
    const answer = await guard.sdkExec(`alipay.trade.app.pay`, { bizContent, ...NOTIFY }, options);
    return { answer, page: answer.allowed ? answer.orderString : null };
  }
  if (way === 'page' || way === 'wap') {
    const product = way === 'page' ? { product_code: 'FAST_INSTANT_TRADE_PAY' } : {};
    const params = { bizContent: { ...order, ...product }, ...NOTIFY };
    const answer = await guard.pageExec(`alipay.trade.${way}.pay`, 'GET', params, options);
    return { answer, page: answer.allowed ? answer.page : null };
  }
  if (way === 'precreate') {
    const params = { bizContent, ...NOTIFY };
    const answer = await guard.exec('alipay.trade.precreate', params, options);
    return { answer, page: answer.allowed ? String(answer.result.qrCode ?? '') || null : null };
  }
  const payer = way === 'pay' ? { auth_code: '280000000000000001' } : BUYER;
  const params = { bizContent: { ...order, ...payer }, ...NOTIFY };
  const method = way === 'pay' ? 'alipay.trade.pay' : 'alipay.trade.create';
  return { answer: await guard.exec(method, params, options), page: null };
}

export const alipay: ProcessorEntry = {
  name: 'alipay',
  currencies: { CNY: 1 },
  ways: WAYS,
  deeds: [...OUTSIDE, ...GUARDED],
  faults: Object.keys(FAULTS),
  async open({ now }) {
    const { fake, config, close } = await openAlipay(now);
    const pages = new Map<string, string>();
    const late = new Set<string>();
    const outside = outsideAlipay({ fake, sdk: sdkOf(config), pages, late });
    let signed = 0;
    return {
      close,
      received: () => fake.calls.map(({ method, url, body }) => [method, url, body].join('\n')),
      serve(shop) {
        const { guard, processor, webhook, reconcile } = serveAlipay({ ...shop, fake, config });
        return {
          ...{ processor, webhook, reconcile },
          async start(wanted) {
            const { answer, page } = await start(guard, wanted);
            if (page !== null) {
              pages.set(wanted.spendcap.id, page);
              if (WAYS[wanted.way ?? '']?.isLocal) signed += 1;
            }
            return answer;
          },
          deed: performer(outside, guardedAlipay(fake, guard)),
        };
      },
      async pay(id) {
        if (outside.payer_pays(id) !== true) throw new Error('not payable');
      },
      async refund(id, { amount }) {
        const isDone = await outside.operator_refunds(id, parseMoney(amount, 'CNY'));
        if (isDone !== true) throw new Error('not refundable');
      },
      settle() {
        for (const { outTradeNo, refunds } of fake.trades()) {
          for (const { outRequestNo, state } of refunds.values()) {
            if (state === 'pending') fake.finishRefund(outTradeNo, outRequestNo, 'succeeded');
          }
        }
      },
      notifications: (id) =>
        fake.notices
          .filter(({ params }) => id === undefined || params.out_trade_no === id)
          .map((notice) => fake.notification(notice)),
      charges: () => signed + fake.calls.filter(({ method }) => CALLS.has(method)).length,
      fail: (fault) => fake.fail(faultIn<FakeAlipayFault>(FAULTS, fault)),
      heal: fake.heal,
      books(id) {
        const trade = tradeOf(fake, id);
        const isPaid = trade !== undefined && trade.paidAt !== null;
        return {
          captured: isPaid ? trade.totalFen : 0,
          refunds: isPaid && trade.refundedFen > 0 ? [trade.refundedFen] : [],
          isLate: late.has(id),
        };
      },
    };
  },
};
