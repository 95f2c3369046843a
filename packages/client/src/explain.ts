import type { Allowance, Reason } from '@spendcap/core/wire';
import { currencyName, formatAmount, formatDate } from './format.ts';
import { messages as english } from './languages/en.ts';
import { messages as chinese } from './languages/zh-CN.ts';
import { languageOf, tagOf } from './locale.ts';
import type { MessageKey, Messages } from './messages/format.ts';
import { sentencesOf } from './sentences.ts';

/** The parts of a refusal that its explanation depends on. */
export interface ExplainedRefusal {
  readonly reasons: readonly Reason[];
  /** Of the same refusal, for currency and time zone. */
  readonly allowance: Pick<Allowance, 'currency' | 'policy'>;
}

/**
 * Says to the player why a purchase was refused and what to do next. Of several limits it names the
 * tightest, and it leaves out what a stronger reason makes moot. It speaks English, Chinese
 * (simplified characters), and `languages`; English for any other locale. Amounts and dates are
 * formatted in the language of the text, dates in the policy's time zone.
 *
 * It always returns a text. Without `Intl` amounts read `12.00 CNY`, and dates are ISO 8601 in the
 * time zone of the device.
 *
 * @param locale BCP 47 (`zh-CN`), or as a platform writes it (`zh_CN`)
 * @param languages more languages, or other texts for a language, see `@spendcap/client/messages`
 * @example
 * ```ts
 * import { explainRefusal } from '@spendcap/client';
 * const limit = {
 *   period: 'day', categories: null, cap: '50.00', used: '38.00', remaining: '12.00',
 *   resetsAt: '2026-11-23T16:00:00.000Z',
 * } as const;
 * const allowance = {
 *   currency: 'CNY', policy: { id: 'cn-game', version: '1', timeZone: 'Asia/Shanghai' },
 * };
 * const refusal = { reasons: [{ code: 'day_cap_exceeded', limit }], allowance } as const;
 * explainRefusal(refusal, 'en');
 * // => 'You can spend up to CN¥12.00 now. Your limit starts again on Tuesday, November 24.'
 * ```
 */
export function explainRefusal(
  refusal: ExplainedRefusal,
  locale: string,
  languages: readonly Messages[] = [],
): string {
  const language = languageOf(locale);
  const found = [...languages, chinese, english].find(
    (messages) => languageOf(messages.locale) === language,
  );
  const tag = found ? tagOf(locale) : 'en';
  const { texts } = found ?? english;
  const sentences = sentencesOf(refusal.reasons ?? []).map(({ key, reason }) =>
    fill(texts[key as MessageKey], valuesOf(reason, refusal.allowance, tag)),
  );
  if (sentences.length === 0 || sentences.includes('')) return texts.other;
  // Scripts with full-width punctuation put no space between sentences.
  return sentences.join(' ').replace(/([。！？]) /g, '$1');
}

/** Explains one reason, see `explainRefusal`. */
export function explain(
  reason: Reason,
  allowance: ExplainedRefusal['allowance'],
  locale: string,
): string {
  return explainRefusal({ reasons: [reason], allowance }, locale);
}

type Values = Readonly<Record<string, string | number | undefined>>;

/** What replaces each placeholder; `undefined` if the refusal does not say it. */
function valuesOf(
  { limit, provableAge, currency: accepted }: Reason,
  allowance: ExplainedRefusal['allowance'],
  tag: string,
): Values {
  const { currency, policy } = allowance ?? {};
  const amount = (value = '') =>
    currency && /^\d+(\.\d+)?$/.test(value) ? formatAmount(value, currency, tag) : undefined;
  const resets = new Date(limit?.resetsAt ?? NaN);
  const name = accepted ?? currency;
  return {
    cap: amount(limit?.cap),
    remaining: amount(limit?.remaining),
    resets: Number.isNaN(+resets) ? undefined : formatDate(resets, policy?.timeZone, tag),
    age: provableAge,
    currency: name && currencyName(name, tag),
  };
}

/** A text with its values; empty if there is no text, or one value is missing. */
function fill(text: string | undefined, values: Values): string {
  let isComplete = true;
  const filled = text?.replace(/\{(\w+)\}/g, (_, name) => {
    isComplete &&= values[name] !== undefined;
    return String(values[name]);
  });
  return (isComplete && filled) || '';
}
