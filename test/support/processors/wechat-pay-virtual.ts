import { parseMoney } from '@spendcap/core';
import { type FakeWechatVirtual, fakeWechatVirtual } from '@spendcap/sandbox';
import { processorWebhook } from '@spendcap/server/payments';
import {
  type AllowedVirtualPayment,
  guardWechatVirtual,
  wechatVirtualProcessor,
} from '@spendcap/server/payments/wechat-pay';
import { type Deeds, faultIn, performer } from './deeds.ts';
import type { ProcessorEntry, Way } from './entry.ts';
import { networkTo } from './network.ts';
import { reconciler } from './reconciler.ts';

const OPENID = 'o_example_openid';

/** Only queries go over the network, so that nothing is lost on the way but an answer. */
const FAULTS = { busy: 'busy', drop: 'drop' } as const;

const OUTSIDE = ['player_begins', 'player_pays', 'wechat_refunds'] as const;

const WAYS: Readonly<Record<string, Way>> = {
  goods: {
    weight: 100,
    usually: [['player_begins', 'player_pays', 'player_pays'], ['player_pays'], ['wechat_refunds']],
    isLocal: true,
  },
};

/** The device of the only player, who is logged in. */
function deviceOf(fake: FakeWechatVirtual, now: () => number) {
  const opened = new Map<string, AllowedVirtualPayment>();
  const late = new Set<string>();
  const seen: string[] = [];
  const orderOf = (id: string) => fake.orders().find(({ outTradeNo }) => outTradeNo === id);
  const openedAs = (id: string): AllowedVirtualPayment => {
    const purchase = opened.get(id);
    if (purchase === undefined) throw new Error('The device was given no payment.');
    return purchase;
  };
  const begin = (id: string): void => {
    const { payment } = openedAs(id);
    seen.push(Object.values(payment).join('\n'));
    const code = fake.request(OPENID, payment);
    if (code !== 0) throw new Error(`The device got ${code}.`);
  };
  return {
    ...{ begin, late, orderOf },
    /** Every text that the device was given, or sent to WeChat. */
    seen: (): readonly string[] => seen,
    open(bought: AllowedVirtualPayment): void {
      opened.set(bought.purchase.id, bought);
      seen.push(Object.values(bought.payment).join('\n'));
    },
    pay(id: string): void {
      begin(id);
      fake.pay(id);
      // Nothing closes a signed payment.
      if (now() >= Date.parse(openedAs(id).purchase.expiresAt)) late.add(id);
    },
  };
}

type Device = ReturnType<typeof deviceOf>;

const paidFor = (order: ReturnType<Device['orderOf']>): number =>
  order?.payState === 2 ? order.goodsPrice * order.quantity : 0;

function outsideGame(fake: FakeWechatVirtual, device: Device): Deeds<(typeof OUTSIDE)[number]> {
  return {
    player_begins: (id) => device.begin(id) === undefined,
    player_pays: (id) => device.pay(id) === undefined,
    wechat_refunds(id, amount) {
      const order = device.orderOf(id);
      const left = paidFor(order) - (order?.refunded ?? 0);
      if (left === 0) return false;
      fake.refund(id, Math.min(amount ?? left, left));
      return true;
    },
  };
}

/** WeChat's virtual payment for mini-games. Pieces cost a fen each, so that every price is one. */
export const wechatVirtual: ProcessorEntry = {
  name: 'wechat_virtual',
  currencies: { CNY: 1 },
  ways: WAYS,
  deeds: OUTSIDE,
  faults: Object.keys(FAULTS),
  signedPart,
  open({ now }) {
    const fake = fakeWechatVirtual({ now, products: { fen: 1 } });
    const sessionKey = fake.login(OPENID);
    const network = networkTo(fake.fetch);
    const device = deviceOf(fake, now);
    const outside = outsideGame(fake, device);
    return {
      received: () => [...device.seen(), ...network.received()],
      serve({ beforeCall, limiter, onProblem }) {
        const engine = { limiter, now, ...(onProblem === undefined ? {} : { onProblem }) };
        const options = {
          ...engine,
          ...({ offerId: fake.offerId, appKey: fake.appKey, env: 'sandbox' } as const),
          fetch: network.from(beforeCall),
          accessToken: async () => fake.accessToken,
          playerOf: async () => ({ openid: OPENID, sessionKey }),
        };
        const processor = wechatVirtualProcessor(options);
        const guard = guardWechatVirtual(options);
        return {
          processor,
          webhook: processorWebhook({ ...engine, processor }),
          reconcile: reconciler({ ...engine, processor }),
          async start({ spendcap, amount, currency }) {
            const buyQuantity = parseMoney(amount, currency);
            const goods = { productId: 'fen', goodsPrice: 1, buyQuantity };
            const bought = await guard.requestMidasPaymentGameItem(goods, { sessionKey, spendcap });
            if (bought.allowed) device.open(bought);
            return bought;
          },
          deed: performer(outside, {}),
        };
      },
      pay: async (id) => device.pay(id),
      async refund(id, { amount }) {
        fake.refund(id, parseMoney(amount, 'CNY'));
      },
      settle: () => undefined,
      notifications: (id) =>
        fake.events
          .filter(({ payload }) => id === undefined || payload.OutTradeNo === id)
          .map((event) => fake.notification(event)),
      charges: () => fake.orders().length,
      fail: (fault) => fake.fail(faultIn(FAULTS, fault)),
      heal: fake.heal,
      books(id) {
        const order = device.orderOf(id);
        const refunds = order?.refunded ? [order.refunded] : [];
        return { captured: paidFor(order), refunds, isLate: device.late.has(id) };
      },
    };
  },
};

/** `PayEventSig` covers the event and its payload; the rest of the envelope says nothing. */
function signedPart(body: string): string | null {
  try {
    const { Event, MiniGame } = JSON.parse(body);
    return JSON.stringify([Event, MiniGame.Payload, MiniGame.PayEventSig]);
  } catch {
    return null;
  }
}
