import { messages as english } from '../languages/en.ts';
import { checkNames } from '../option-names.ts';
import type { Audience, Messages } from './messages.ts';
import { chooseSpeech, type Speech } from './speech.ts';

/** How to say something, the same for all functions that explain. */
export interface ExplainOptions {
  /** BCP 47 (`zh-CN`), or as a platform writes it (`zh_CN`). */
  readonly locale: string;
  /**
   * Languages besides English: `messages` of `@spendcap/client/languages/zh-CN`, or your own, see
   * `defineMessages`. Any locale whose language is not here is English.
   */
  readonly languages?: readonly Messages[];
  /** Who reads it. Default `child`: words for a ten-year-old. */
  readonly audience?: Audience;
}

const NAMES = ['locale', 'languages', 'audience'] as const;

/** @throws TypeError for an unknown option */
export function speechOf(options: ExplainOptions): Speech {
  checkNames(options, NAMES, (fault) => new TypeError(`explain options ${fault}`));
  const { locale, languages = [], audience } = options;
  return chooseSpeech([...languages, english], locale, audience === 'adult' ? 'adult' : 'child');
}
