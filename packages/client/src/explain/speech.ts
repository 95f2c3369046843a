import { languageOf, tagOf } from './locale.ts';
import type { Audience, Messages } from './messages.ts';

/** A language to speak, and the locale in which its amounts and dates are formatted. */
export interface Speech {
  readonly messages: Messages;
  readonly tag: string;
  readonly dir: 'ltr' | 'rtl';
  readonly audience: Audience;
}

const RIGHT_TO_LEFT = /^(ar|fa|he|iw|ur)\b/;

/** The speech of a locale; of one whose language is not there, the last language. */
export function chooseSpeech(
  languages: readonly Messages[],
  locale: string,
  audience: Audience,
): Speech {
  const language = languageOf(locale);
  const found = languages.find((messages) => languageOf(messages.locale) === language);
  const messages = found ?? (languages.at(-1) as Messages);
  const tag = tagOf(found ? locale : messages.locale);
  return { messages, tag, dir: RIGHT_TO_LEFT.test(tag) ? 'rtl' : 'ltr', audience };
}

/** The values of placeholders; `undefined` if they are not known. */
export type Values = Readonly<Record<string, string | number | undefined>>;

/**
 * A text with its values; empty if there is no text, or a value is missing. In scripts that run
 * from right to left each value is isolated.
 */
export function fill(text: string | undefined, values: Values, tag: string): string {
  let isComplete = true;
  const filled = text?.replace(/\{(\w+)\}/g, (_, name) => {
    isComplete &&= values[name] !== undefined;
    return isolate(String(values[name]), tag);
  });
  return (isComplete && filled) || '';
}

const LETTER = /[\u05d0-\u05ea\u0620-\u064a]/;

/**
 * A value in a script that runs from right to left, so that its signs stay in their order: `CN¥`
 * from left to right, names of days as they are.
 */
export function isolate(value: string, tag: string): string {
  if (!RIGHT_TO_LEFT.test(tag)) return value;
  return `${LETTER.test(value) ? '\u2068' : '\u2066'}${value}\u2069`;
}
