/**
 * WeChat Pay's documents: 6 to 32 characters, unique for a merchant. It also takes `|` and `*`,
 * which no purchase id has.
 */
const OUT_TRADE_NO = /^[\w-]{6,32}$/;

/**
 * The order number of a purchase, `out_trade_no`: its id, unchanged, so that every message of
 * WeChat Pay names the purchase.
 *
 * @throws TypeError for an id that is no order number
 */
export function outTradeNoOf(purchaseId: string): string {
  if (OUT_TRADE_NO.test(purchaseId)) return purchaseId;
  throw new TypeError(
    'id: WeChat Pay takes 6 to 32 letters, digits, _ or - (a UUID without its hyphens, for example)',
  );
}
