export {
  type AgeIssuerOptions,
  ageIssuer,
  type IssueRequest,
  type SandboxAgeIssuer,
  type TokenOptions,
} from './age-issuer.ts';
export type { FakeAlipayCashier, FakeAlipayResult } from './fake-alipay/cashier.ts';
export type { FakeAlipayFault } from './fake-alipay/faults.ts';
export type { Product as FakeAlipayProduct } from './fake-alipay/products.ts';
export type {
  FakeAlipayNotice,
  FakeAlipayRefund,
  FakeTrade,
  FakeTradeStatus,
} from './fake-alipay/state.ts';
export type { FakeAlipayCall } from './fake-alipay/transport.ts';
export {
  type FakeAlipay,
  type FakeAlipayConfig,
  type FakeAlipayNotificationOptions,
  type FakeAlipayOptions,
  type FakeAlipayServer,
  fakeAlipay,
} from './fake-alipay.ts';
export type { FakeAppSigningOptions } from './fake-app-store/notices.ts';
export type { FakeAppSignature } from './fake-app-store/signing.ts';
export type {
  FakeAppNotice,
  FakeAppProduct,
  FakeAppPurchase,
  FakeAppTransaction,
  FakeAskToBuy,
  FakeConsumption,
  FakeSendAttempt,
} from './fake-app-store/state.ts';
export type {
  FakeAppStoreFault,
  FakeAppStoreKey,
  FakeAppStoreRequest,
} from './fake-app-store/transport.ts';
export {
  type FakeAppStore,
  type FakeAppStoreEvents,
  type FakeAppStoreOptions,
  fakeAppStore,
} from './fake-app-store.ts';
export type { FakePlayBuy } from './fake-google-play/device.ts';
export type {
  FakePlayMoney,
  FakePlayNotice,
  FakePlayOrder,
  FakePlayPurchase,
  FakePlayReview,
  FakePlayVoided,
} from './fake-google-play/objects.ts';
export type { FakePlayNotificationOptions, FakePlayPush } from './fake-google-play/push.ts';
export type { FakePlayFault, FakePlayRequest } from './fake-google-play/transport.ts';
export {
  type FakeGooglePlay,
  type FakeGooglePlayOptions,
  type FakePlayDevice,
  type FakePlayOffice,
  fakeGooglePlay,
} from './fake-google-play.ts';
export type { FakeNppaApi, FakeNppaCall, FakeNppaFault } from './fake-nppa/transport.ts';
export {
  type FakeCitizen,
  type FakeGame,
  type FakeNppa,
  type FakeNppaOptions,
  type FakeNppaServer,
  type FakeReport,
  fakeNppa,
} from './fake-nppa.ts';
export type {
  FakeCharge,
  FakeDispute,
  FakeEvent,
  FakeObject,
  FakePaymentIntent,
  FakePaymentStatus,
  FakeRefund,
  FakeSession,
} from './fake-stripe/objects.ts';
export type { FakeStripeFault, FakeStripeRequest } from './fake-stripe/transport.ts';
export {
  type FakeStripe,
  type FakeStripeOptions,
  type FakeWebhookOptions,
  fakeStripe,
} from './fake-stripe.ts';
export type {
  FakeWechatNotice,
  FakeWechatOrder,
  FakeWechatRefund,
  FakeWechatRefundStatus,
  FakeWechatTradeType,
} from './fake-wechat-pay/objects.ts';
export type {
  FakeWechatFault,
  FakeWechatRequest,
  FakeWechatSignature,
} from './fake-wechat-pay/transport.ts';
export {
  type FakeWechatCashier,
  type FakeWechatMerchant,
  type FakeWechatNotificationOptions,
  type FakeWechatPay,
  type FakeWechatPayOptions,
  fakeWechatPay,
} from './fake-wechat-pay.ts';
export type { FakeVirtualPayment } from './fake-wechat-virtual/device.ts';
export type { FakeVirtualEvent, FakeVirtualOrder } from './fake-wechat-virtual/state.ts';
export {
  type FakeVirtualNotificationOptions,
  type FakeWechatVirtual,
  type FakeWechatVirtualOptions,
  fakeWechatVirtual,
} from './fake-wechat-virtual.ts';
export { PERSONAS, type Persona } from './personas.ts';
