import { createHash, createHmac, createSign, generateKeyPairSync } from 'node:crypto';

/** What a player pays in a channel's SDK. Amounts in fen. */
export interface Payment {
  readonly cpOrder: string;
  readonly order: string;
  readonly fen: number;
  readonly uid: string;
  isPaid: boolean;
}

type Values = Readonly<Record<string, string>>;
type Send = (payment: Payment, change?: Values) => Request;

const ENDPOINT = 'https://game.example/notices';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

export const APP_ID = '2882303761517239138';
export const SECRET = 'a-secret-of-the-fake-channel';
export const PUBLIC_KEY = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');

const sortedPairs = (values: Values): string =>
  Object.keys(values)
    .sort()
    .map((name) => `${name}=${values[name]}`)
    .join('&');

const form = (values: Values): Request =>
  new Request(ENDPOINT, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(values).toString(),
  });

/** As each channel's documents describe its callback; values are changed before it signs. */
export const SENDERS = {
  xiaomi({ cpOrder, order, fen, uid, isPaid }, change) {
    const values = {
      ...{ appId: APP_ID, cpOrderId: cpOrder, cpUserInfo: '', uid, orderId: order },
      ...{ orderStatus: isPaid ? 'TRADE_SUCCESS' : 'WAIT_BUYER_PAY', payFee: String(fen) },
      ...{ productCode: 'gem60', productName: '60 钻石', productCount: '1' },
      ...{ payTime: '2026-03-10 10:00:00', ...change },
    };
    const signature = createHmac('sha1', SECRET).update(sortedPairs(values)).digest('hex');
    return new Request(`${ENDPOINT}?${new URLSearchParams({ ...values, signature })}`);
  },
  oppo({ cpOrder, order, fen }, change) {
    const values = {
      ...{ notifyId: order, partnerOrder: cpOrder, productName: '60 钻石', productDesc: '' },
      ...{ price: String(fen), count: '1', attach: '', ...change },
    };
    const text = Object.entries(values)
      .map(([name, value]) => `${name}=${value}`)
      .join('&');
    return form({ ...values, sign: createSign('sha1').update(text).sign(privateKey, 'base64') });
  },
  oppo_mini_game({ cpOrder, order, fen }, change) {
    const values = {
      ...{ notifyId: order, partnerOrder: cpOrder, productName: '60 钻石', productDesc: '' },
      ...{ price: String(fen), count: '1', attach: '', paymentWay: 'ALIPAY', payResult: 'OK' },
      ...change,
    };
    const sign = createSign('sha256').update(sortedPairs(values)).sign(privateKey, 'base64');
    return form({ ...values, sign });
  },
  vivo({ cpOrder, order, fen, uid, isPaid }, change) {
    const values = {
      ...{ appId: APP_ID, cpId: '20140520', cpOrderNumber: cpOrder, orderNumber: order, uid },
      ...{ respCode: isPaid ? '200' : '400', respMsg: 'x', tradeStatus: isPaid ? '0000' : '0001' },
      ...{ orderAmount: String(fen), payTime: '20260310100000', tradeType: '01', ...change },
    };
    const key = createHash('md5').update(SECRET).digest('hex');
    const given = Object.entries(values).filter(([, value]) => value !== '');
    const text = `${sortedPairs(Object.fromEntries(given))}&${key}`;
    const signature = createHash('md5').update(text).digest('hex');
    return form({ ...values, signMethod: 'MD5', signature });
  },
} satisfies Record<string, Send>;

/** A channel's server, whose players pay for orders of the game. */
export function fakeChannel(kind: keyof typeof SENDERS) {
  const payments: Payment[] = [];
  const send: Send = SENDERS[kind];
  return {
    payments,
    /** The SDK takes whatever amount the device names. */
    pay(cpOrder: string, fen: number, isPaid = true): Payment {
      const order = `C${payments.length + 1}-${cpOrder}`;
      const payment = { cpOrder, order, fen, uid: 'u-1', isPaid };
      payments.push(payment);
      return payment;
    },
    callback: send,
    callbacks: () => payments.map((payment) => send(payment)),
  };
}
