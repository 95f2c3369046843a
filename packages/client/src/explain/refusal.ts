import type { Allowance, Reason } from '@spendcap/core/wire';
import { isAmount } from '../fields.ts';
import { attempt, currencyName, formatAmount, formatDate } from './format.ts';
import type { LabelKey, MessageKey } from './messages.ts';
import { type ExplainOptions, speechOf } from './options.ts';
import { sentencesOf } from './sentences.ts';
import { fill, type Speech, type Values } from './speech.ts';

/** The parts of a refusal that its explanation depends on. */
export interface ExplainedRefusal {
  readonly reasons: readonly Reason[];
  /** Of the same refusal, for currency and time zone. */
  readonly allowance: Pick<Allowance, 'currency' | 'policy'>;
}

/**
 * Says why a purchase was refused and what to do now. Of several limits it names the tightest, and
 * it leaves out what a stronger reason makes moot. It speaks English and `languages`; English for
 * any other locale. Amounts and dates are formatted in the language of the text, dates in the
 * policy's time zone.
 *
 * It always returns a text, also for what is no refusal. Without `Intl` amounts read `12.00 CNY`,
 * and dates are ISO 8601 in the time zone of the device.
 *
 * @throws TypeError for an unknown option
 * @example
 * ```ts
 * import { explainRefusal } from '@spendcap/client/explain';
 * const limit = {
 *   period: 'day', categories: null, cap: '50.00', used: '38.00', remaining: '12.00',
 *   resetsAt: '2026-11-23T16:00:00.000Z',
 * } as const;
 * const allowance = {
 *   currency: 'CNY', policy: { id: 'cn-game', version: '1', timeZone: 'Asia/Shanghai' },
 * };
 * const refusal = { reasons: [{ code: 'day_cap_exceeded', limit }], allowance } as const;
 * const text = explainRefusal(refusal, { locale: 'en-GB' });
 * text.slice(0, 33); // => 'You can spend up to CN¥12.00 now.'
 * text.slice(34); // => 'Choose something that costs less, or wait until Tuesday 24 November.'
 * ```
 */
export function explainRefusal(refusal: ExplainedRefusal, options: ExplainOptions): string {
  return refusalText(refusal, speechOf(options));
}

/** `explainRefusal` in a language that is chosen already. */
export function refusalText(refusal: ExplainedRefusal, speech: Speech): string {
  const texts = speech.messages[speech.audience];
  const sentences = attempt(
    () =>
      sentencesOf(refusal.reasons).map(({ key, reason }) =>
        fill(texts[key as MessageKey], valuesOf(reason, refusal.allowance, speech), speech.tag),
      ),
    () => [],
  );
  if (sentences.length === 0 || sentences.includes('')) return texts.other;
  // Scripts with full-width punctuation put no space between sentences.
  return sentences.join(' ').replace(/([。！？]) /g, '$1');
}

/** What replaces each placeholder; `undefined` if the refusal does not say it. */
function valuesOf(
  { limit, provableAge, currency: accepted }: Reason,
  allowance: ExplainedRefusal['allowance'],
  { messages, tag }: Speech,
): Values {
  const { currency, policy } = allowance ?? {};
  const amount = (value?: string) =>
    currency && isAmount(value) ? formatAmount(value, currency, tag) : undefined;
  const name = accepted ?? currency;
  return {
    cap: amount(limit?.cap),
    remaining: amount(limit?.remaining),
    resets: resetsOn(limit, policy, tag),
    period: limit && messages.labels[periodKey(limit.period)],
    age: Number(provableAge) || undefined,
    currency: name && currencyName(name, tag),
  };
}

/** The date on which a limit starts again, if it says one. */
export function resetsOn(
  limit: Reason['limit'],
  policy: Allowance['policy'] | undefined,
  tag: string,
): string | undefined {
  const date = new Date(limit?.resetsAt ?? NaN);
  return Number.isNaN(+date) ? undefined : formatDate(date, policy?.timeZone, tag);
}

/** The label of a period; of one that a newer server knows, a general one. */
export function periodKey(period: string): LabelKey {
  const isKnown = /^(transaction|day|week|month|year|lifetime)$/.test(period);
  return isKnown ? (period as LabelKey) : 'other_period';
}
