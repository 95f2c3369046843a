import type { Allowance, Reason } from '@spendcap/core/wire';
import { type Language, MESSAGES } from './messages.ts';

/**
 * A sentence for the player that says why a purchase was refused and what to do next: Chinese for
 * `zh` locales, otherwise English. Amounts and dates are formatted for the locale, dates in the
 * policy's time zone.
 *
 * @param allowance of the same refusal, for currency and time zone
 * @param locale BCP 47, for example `zh-CN`
 * @example
 * ```ts
 * import { explain } from '@spendcap/client';
 * const limit = {
 *   period: 'day', categories: null, cap: '50.00', used: '38.00', remaining: '12.00',
 *   resetsAt: '2026-11-23T16:00:00.000Z',
 * } as const;
 * const allowance = {
 *   currency: 'CNY', policy: { id: 'cn-game', version: '1', timeZone: 'Asia/Shanghai' },
 *   ageRange: { min: 12, maxExclusive: 13 }, limits: [], blocked: [],
 * };
 * explain({ code: 'day_cap_exceeded', limit }, allowance, 'en');
 * // => 'You have ¥12.00 left today. Your limit starts again on November 24 at 00:00.'
 * ```
 */
export function explain(
  reason: Reason,
  allowance: Pick<Allowance, 'currency' | 'policy'>,
  locale: string,
): string {
  const { code, limit, provableAge } = reason;
  const language: Language = /^zh\b/i.test(locale) ? 'zh' : 'en';
  const amount = (value = '') => formatAmount(value, allowance.currency, locale);
  const values: Readonly<Record<string, () => string>> = {
    cap: () => amount(limit?.cap),
    remaining: () => amount(limit?.remaining),
    resets: () => formatInstant(limit?.resetsAt ?? '', allowance.policy.timeZone, locale),
    age: () => String(provableAge),
    currency: () => currencyName(reason.currency ?? allowance.currency, locale),
  };
  const message = MESSAGES[language][code] ?? MESSAGES[language].other;
  return message.replace(/\{(\w+)\}/g, (whole, name) => values[name]?.() ?? whole);
}

/**
 * Formats a decimal string as money of a locale, without conversion to a float.
 *
 * @example
 * ```ts
 * import { formatAmount } from '@spendcap/client';
 * formatAmount('9007199254740993.07', 'CNY', 'zh-CN'); // => '¥9,007,199,254,740,993.07'
 * ```
 */
export function formatAmount(amount: string, currency: string, locale: string): string {
  const digits = amount.split('.')[1]?.length ?? 0;
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount as `${number}`);
}

function formatInstant(instant: string, timeZone: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    timeZone,
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(new Date(instant));
}

function currencyName(currency: string, locale: string): string {
  return new Intl.DisplayNames(locale, { type: 'currency' }).of(currency) ?? currency;
}
