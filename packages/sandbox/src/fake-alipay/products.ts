/** How the buyer comes to the trade. */
export type Product = 'app' | 'page' | 'wap' | 'create' | 'precreate' | 'pay';

export interface ProductRules {
  readonly productCodes: readonly string[];
  /** From when `timeout_express` counts, and how long without it. */
  readonly timeoutMs: number;
  /** Whether a close without payment is notified. Sources differ. */
  readonly notifiesClose: boolean;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The defaults of the AppPay, PagePay, WapPay and Create models of the Java SDK. */
export const PRODUCTS: Readonly<Record<Product, ProductRules>> = {
  app: { productCodes: ['QUICK_MSECURITY_PAY'], timeoutMs: 15 * DAY, notifiesClose: true },
  wap: {
    productCodes: ['QUICK_WAP_WAY', 'QUICK_WAP_PAY'],
    timeoutMs: 15 * DAY,
    notifiesClose: true,
  },
  page: { productCodes: ['FAST_INSTANT_TRADE_PAY'], timeoutMs: 15 * DAY, notifiesClose: false },
  create: {
    productCodes: ['FACE_TO_FACE_PAYMENT', 'JSAPI_PAY'],
    timeoutMs: 3 * HOUR,
    notifiesClose: false,
  },
  precreate: {
    productCodes: ['FACE_TO_FACE_PAYMENT', 'QR_CODE_OFFLINE'],
    timeoutMs: 2 * HOUR,
    notifiesClose: false,
  },
  pay: { productCodes: ['FACE_TO_FACE_PAYMENT'], timeoutMs: 3 * HOUR, notifiesClose: false },
};

/** Methods whose signed parameters the buyer's device carries; the server makes no call. */
export const SIGNED_ORDERS: ReadonlyMap<string, Product> = new Map([
  ['alipay.trade.app.pay', 'app'],
  ['alipay.trade.page.pay', 'page'],
  ['alipay.trade.wap.pay', 'wap'],
]);
