import { messages as english } from '../languages/en.ts';
import { checkNames } from '../option-names.ts';
import type { MessageKey, Messages } from './format.ts';

const KEYS = Object.keys(english.texts) as MessageKey[];

/**
 * Checks messages of your own for `explainRefusal`: some texts in place of those of `base`, or
 * another language. Where a text is missing, `other` is used.
 *
 * @throws TypeError for an unknown key, a placeholder that the key does not have, a text that is no
 * string, and if there is no `other`
 * @example
 * ```ts
 * import { explainRefusal } from '@spendcap/client';
 * import { defineMessages } from '@spendcap/client/messages';
 * import { messages as english } from '@spendcap/client/languages/en';
 * const mine = defineMessages({ locale: 'en', texts: { other: 'Not now, sorry.' } }, english);
 * const allowance = { currency: 'CNY', policy: { id: 'x', version: '1', timeZone: 'UTC' } };
 * explainRefusal({ reasons: [], allowance }, 'en', [mine]); // => 'Not now, sorry.'
 * ```
 */
export function defineMessages(
  messages: { readonly locale: string; readonly texts: Partial<Messages['texts']> },
  base?: Messages,
): Messages {
  checkNames(messages, ['locale', 'texts'], refuse);
  checkNames(messages.texts, KEYS, refuse);
  const { locale } = messages;
  if (typeof locale !== 'string' || locale === '') throw refuse('need `locale`');
  for (const [key, text] of Object.entries(messages.texts)) assertText(key as MessageKey, text);
  const { other = base?.texts.other } = messages.texts;
  if (other === undefined) throw refuse('need the text `other`');
  const texts = { ...english.texts };
  for (const key of KEYS) texts[key] = messages.texts[key] ?? base?.texts[key] ?? other;
  return { locale, texts };
}

function assertText(key: MessageKey, text: string): void {
  if (typeof text !== 'string') throw refuse(`need a string for \`${key}\``);
  const allowed = placeholdersOf(key);
  const unknown = text.match(/\{\w*\}/g)?.find((placeholder) => !allowed.includes(placeholder));
  if (unknown !== undefined) throw refuse(`have no placeholder ${unknown} in \`${key}\``);
}

function placeholdersOf(key: MessageKey): readonly string[] {
  const more = /cap_/.test(key) ? ['{cap}', '{remaining}'] : [];
  return [...more, ...(english.texts[key].match(/\{\w+\}/g) ?? [])];
}

function refuse(fault: string): TypeError {
  return new TypeError(`messages ${fault}`);
}
