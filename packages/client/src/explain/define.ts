import { messages as english } from '../languages/en.ts';
import { checkNames } from '../option-names.ts';
import type { LabelKey, Labels, MessageKey, Messages, Texts } from './messages.ts';

const KEYS = Object.keys(english.child) as MessageKey[];
const LABELS = Object.keys(english.labels) as LabelKey[];
const AUDIENCES = ['child', 'adult'] as const;

/** Messages of your own, for `defineMessages`. */
export interface OwnMessages {
  readonly locale: string;
  readonly child?: Partial<Texts>;
  readonly adult?: Partial<Texts>;
  readonly labels?: Partial<Labels>;
}

/**
 * Checks messages of your own for `explainRefusal` and the elements: some in place of those of
 * `base`, or another language. Where a text is missing, `other` is used; texts for adults that are
 * missing are those for children. Labels are complete, or absent: then they are English.
 *
 * @throws TypeError for an unknown key, a placeholder that the key does not have, a text that is no
 * string, and if `other` or a label is missing
 * @example
 * ```ts
 * import { defineMessages, explainRefusal } from '@spendcap/client/explain';
 * import { messages as english } from '@spendcap/client/languages/en';
 * const mine = defineMessages({ locale: 'en', child: { other: 'Not now, sorry.' } }, english);
 * const allowance = { currency: 'CNY', policy: { id: 'x', version: '1', timeZone: 'UTC' } };
 * explainRefusal({ reasons: [], allowance }, { locale: 'en', languages: [mine] });
 * // => 'Not now, sorry.'
 * ```
 */
export function defineMessages(messages: OwnMessages, base?: Messages): Messages {
  checkNames(messages, ['locale', 'child', 'adult', 'labels'], refuse);
  const { locale } = messages;
  if (typeof locale !== 'string' || locale === '') throw refuse('need `locale`');
  for (const audience of AUDIENCES) {
    const texts = messages[audience] ?? {};
    checkNames(texts, KEYS, refuse);
    for (const key of KEYS) if (key in texts) assertText(key, texts[key], english.adult[key]);
  }
  const child = completed(KEYS, { ...base?.child, ...messages.child });
  const adult = completed(KEYS, { ...child, ...base?.adult, ...messages.adult });
  return { locale, child, adult, labels: labelsOf(messages.labels, base?.labels) };
}

function completed(keys: readonly MessageKey[], texts: Partial<Texts>): Texts {
  const { other } = texts;
  if (other === undefined) throw refuse('need the text `other`');
  return Object.fromEntries(keys.map((key) => [key, texts[key] ?? other])) as Texts;
}

function labelsOf(own: Partial<Labels> | undefined, base: Labels | undefined): Labels {
  if (own === undefined) return base ?? english.labels;
  checkNames(own, LABELS, refuse);
  const labels = { ...base, ...own } as Labels;
  for (const key of LABELS) {
    if (labels[key] === undefined) throw refuse(`need the label \`${key}\``);
    assertText(key, labels[key], english.labels[key]);
  }
  return labels;
}

/** @param model the English text, whose placeholders the text may have */
function assertText(key: string, text: unknown, model: string): void {
  if (typeof text !== 'string') throw refuse(`need a string for \`${key}\``);
  const amounts = /cap_/.test(key) ? ['{cap}', '{remaining}', '{period}'] : [];
  const allowed = [...amounts, ...(model.match(/\{\w+\}/g) ?? [])];
  const unknown = text.match(/\{\w*\}/g)?.find((placeholder) => !allowed.includes(placeholder));
  if (unknown !== undefined) throw refuse(`have no placeholder ${unknown} in \`${key}\``);
}

function refuse(fault: string): TypeError {
  return new TypeError(`messages ${fault}`);
}
