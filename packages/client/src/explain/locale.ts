/** Codes that platforms still write for a language. */
const OLD_CODES: Readonly<Record<string, string>> = { cmn: 'zh', in: 'id' };

/** The language of a locale, lower case; `zh-hant` for Chinese in traditional characters. */
export function languageOf(locale: string): string {
  const [code = ''] = tagOf(locale).toLowerCase().split('-');
  const language = OLD_CODES[code] ?? code;
  const isTraditional = /^(?!.*hans).*(hant|[-_](tw|hk|mo))/i.test(locale);
  return language === 'zh' && isTraditional ? 'zh-hant' : language;
}

/**
 * Language, script and region as `Intl` takes them, of what platforms write: `zh-Hans-CN`, `zh_CN`,
 * `zh_CN_#Hans`, `en_US.UTF-8`. English if there is no language, as in `C`.
 */
export function tagOf(locale: string): string {
  const found = /^[a-z]{2,3}([-_]([a-z]{2,4}|\d{3})(?![a-z\d]))*/i.exec(locale);
  return found?.[0].replace(/_/g, '-') ?? 'en';
}
