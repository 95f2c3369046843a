import { parseMoney } from '@spendcap/core';
import {
  type FakeWechatFault,
  type FakeWechatPay,
  type FakeWechatRequest,
  fakeWechatPay,
} from '@spendcap/sandbox';
import {
  type PaymentProblem,
  type ProcessorWebhookOptions,
  processorWebhook,
} from '@spendcap/server/payments';
import {
  guardWechatPay,
  wechatPayClient,
  wechatPayProcessor,
} from '@spendcap/server/payments/wechat-pay';
import { faultIn, performer } from './deeds.ts';
import type { CommonFault, Limiter, ProcessorEntry, Wanted, Way } from './entry.ts';
import { networkTo } from './network.ts';
import { reconciler } from './reconciler.ts';
import { GUARDED, guardedWechat, OUTSIDE, outsideWechat } from './wechat-pay-deeds.ts';

type Fetch = FakeWechatPay['fetch'];

export interface ServeOptions {
  readonly fake: FakeWechatPay;
  readonly limiter: Limiter;
  readonly now: () => number;
  /** How the process reaches the fake. Default `fake.fetch`. */
  readonly fetch?: Fetch;
  readonly allow?: readonly string[];
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}

/** Client, guard, webhook and reconciler of one server process. */
export function serveWechatPay({ fake, limiter, now, ...options }: ServeOptions) {
  const { fetch = fake.fetch, allow = [], onProblem } = options;
  const wechat = wechatPayClient({ ...fake.credentials(), fetch, now });
  const processor = wechatPayProcessor({ wechat, now });
  const engine: ProcessorWebhookOptions = {
    ...{ processor, limiter, now },
    ...(onProblem === undefined ? {} : { onProblem }),
  };
  const notifyUrl = 'https://pay.example.com/wechat';
  return {
    wechat,
    engine,
    guard: guardWechatPay({ wechat, limiter, now, notifyUrl, allow }),
    webhook: processorWebhook(engine),
    reconcile: reconciler(engine),
  };
}

const FAULTS = {
  reject: { kind: 'refuse' },
  cut_before: { kind: 'drop_before' },
  cut_after: { kind: 'drop' },
  rate_limit: { kind: 'rate_limit' },
  error: { kind: 'error' },
  slow: { kind: 'delay', milliseconds: 2 },
  unsigned: { kind: 'unsigned' },
  probe: { kind: 'probe' },
  wrong_serial: { kind: 'wrong_serial' },
  stale: { kind: 'stale' },
} satisfies Record<CommonFault, FakeWechatFault> & Record<string, FakeWechatFault>;

const PAID = ['payer_pays', 'payer_pays', 'payer_pays_with_coupon', 'payer_begins'];
const PAID_LATER = ['payer_pays', 'payer_leaves', 'guard_closes'];
const REFUND = ['guard_refunds', 'guard_refunds', 'operator_refunds'];
const REFUND_ENDS = ['refund_succeeds', 'refund_fails', 'refund_is_abnormal'];
const USUALLY = [
  PAID,
  PAID_LATER,
  REFUND,
  REFUND_ENDS,
  ['guard_looks_at_refund', 'refund_succeeds'],
];

const WAYS: Readonly<Record<string, Way>> = {
  native: { weight: 30, usually: USUALLY },
  jsapi: { weight: 30, usually: USUALLY },
  app: { weight: 20, usually: USUALLY },
  h5: { weight: 20, usually: USUALLY },
};

type Guard = ReturnType<typeof serveWechatPay>['guard'];

function start(guard: Guard, { way = 'native', spendcap, amount, currency }: Wanted) {
  const order = { description: '60 gems', amount: { total: parseMoney(amount, currency) } };
  switch (way) {
    case 'jsapi':
      return guard.jsapi({ ...order, payer: { openid: 'o_1' } }, { spendcap });
    case 'app':
      return guard.app(order, { spendcap });
    case 'h5': {
      const scene_info = { payer_client_ip: '192.0.2.1', h5_info: { type: 'Wap' } };
      return guard.h5({ ...order, scene_info }, { spendcap });
    }
    default:
      return guard.native(order, { spendcap });
  }
}

const isOrder = ({ method, target }: FakeWechatRequest): boolean =>
  method === 'POST' && /^\/v3\/pay\/transactions\/\w+$/.test(target);

/** WeChat Pay, in one of the two ways in which it signs. */
export function wechatPayBy(mode: 'certificate' | 'public_key'): ProcessorEntry {
  return {
    name: 'wechat_pay',
    currencies: { CNY: 1 },
    ways: WAYS,
    deeds: [...OUTSIDE, ...GUARDED],
    faults: Object.keys(FAULTS),
    open({ now }) {
      const fake = fakeWechatPay({ now, mode });
      const network = networkTo(fake.fetch);
      const outside = outsideWechat(fake);
      return {
        received: network.received,
        serve({ beforeCall, ...shop }) {
          const fetch = network.from(beforeCall);
          const { engine, guard, webhook, reconcile } = serveWechatPay({
            ...{ ...shop, fake, fetch },
          });
          return {
            ...{ processor: engine.processor, webhook, reconcile },
            start: (wanted) => start(guard, wanted),
            deed: performer(outside, guardedWechat(fake, guard)),
          };
        },
        async pay(id) {
          outside.payer_pays(id);
        },
        async refund(id, { amount }) {
          outside.operator_refunds(id, parseMoney(amount, 'CNY'));
        },
        settle: () => settle(fake),
        notifications: (id) =>
          fake.notices
            .filter(({ plaintext }) => id === undefined || plaintext.out_trade_no === id)
            .map((notice) => fake.notification(notice)),
        charges: () => fake.requests.filter(isOrder).length,
        fail: (fault) => fake.fail(faultIn<FakeWechatFault>(FAULTS, fault)),
        heal: fake.heal,
        books: (id) => ({
          captured: fake
            .orders()
            .filter(({ out_trade_no, transaction_id }) => out_trade_no === id && transaction_id)
            .reduce((sum, { total }) => sum + total, 0),
          refunds: fake
            .refunds()
            .filter(({ out_trade_no, status }) => out_trade_no === id && status === 'SUCCESS')
            .map(({ refund }) => refund),
        }),
      };
    },
  };
}

function settle(fake: FakeWechatPay): void {
  for (const { out_trade_no, paying } of fake.orders()) {
    if (paying) fake.cashier.cancel(out_trade_no);
  }
  for (const { out_refund_no, status } of fake.refunds()) {
    if (status === 'PROCESSING' || status === 'ABNORMAL') {
      fake.cashier.finishRefund(out_refund_no, 'SUCCESS');
    }
  }
}

export const wechatPay = wechatPayBy('certificate');
