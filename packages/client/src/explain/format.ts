import { tagOf } from './locale.ts';

/**
 * Formats a decimal string as money of a locale, without conversion to a float. On a platform
 * without `Intl`, or for a currency that it does not know: `12.00 CNY`.
 *
 * @param locale BCP 47 (`zh-CN`), or as a platform writes it (`zh_CN`); English if it is empty
 * @example
 * ```ts
 * import { formatAmount } from '@spendcap/client/explain';
 * formatAmount('9007199254740993.07', 'CNY', 'zh-CN'); // => '¥9,007,199,254,740,993.07'
 * formatAmount('12.00', 'CNY', 'en'); // => 'CN¥12.00'
 * ```
 */
export function formatAmount(amount: string, currency: string, locale: string): string {
  const digits = amount.split('.')[1]?.length ?? 0;
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return attempt(
    () =>
      new Intl.NumberFormat(tagOf(locale), { style: 'currency', currency, ...fraction }).format(
        amount as `${number}`,
      ),
    () => `${amount} ${currency}`,
  );
}

/**
 * A date in a time zone, by default that of this device. Without `Intl` always in that one, and in
 * ISO 8601.
 */
export function formatDate(date: Date, timeZone: string | undefined, tag: string): string {
  return attempt(
    () =>
      new Intl.DateTimeFormat(tag, {
        timeZone,
        weekday: 'long',
        month: 'long',
        day: 'numeric',
      }).format(date),
    () => {
      const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString();
      return local.slice(0, 16).replace('T', ' ').replace(' 00:00', '');
    },
  );
}

/** The name of a currency; without `Intl.DisplayNames` its code. */
export function currencyName(currency: string, tag: string): string {
  return attempt(
    () => new Intl.DisplayNames(tag, { type: 'currency' }).of(currency) ?? currency,
    () => currency,
  );
}

/** For engines that lack `Intl`, a part of it or its data, and for values of another form. */
export function attempt<T>(format: () => T, otherwise: () => T): T {
  try {
    return format();
  } catch {
    return otherwise();
  }
}
