/** Letters, digits, hyphens, and single underscores that touch neither a hyphen nor another one. */
const FITTING = /^(?:[A-Za-z0-9]|-|_(?![-_])(?<!-_))+$/;

const MAX_LENGTH = 64;

/**
 * The `out_trade_no` of a purchase: 1 to 64 letters, digits and `_`, so a hyphen is written `__`:
 * a UUID has 40 characters. Nothing has to be stored to find the purchase again.
 *
 * @throws TypeError for an id that does not fit
 */
export function outTradeNoOf(purchaseId: string): string {
  const reference = purchaseId.replaceAll('-', '__');
  if (FITTING.test(purchaseId) && reference.length <= MAX_LENGTH) return reference;
  throw new TypeError(
    'spendcap.id: Alipay needs letters, digits, hyphens and single underscores that touch no ' +
      'hyphen, at most 64 characters, where a hyphen counts as two',
  );
}

/** The purchase id of an `out_trade_no`; `null` if no purchase has it. */
export function purchaseIdOf(outTradeNo: string): string | null {
  if (!/^\w{1,64}$/.test(outTradeNo)) return null;
  const purchaseId = outTradeNo.replaceAll(/_{2,}/g, (run) => '-'.repeat(run.length / 2));
  return outTradeNo.match(/_{2,}/g)?.some((run) => run.length % 2 === 1) ? null : purchaseId;
}
