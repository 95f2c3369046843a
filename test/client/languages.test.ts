import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  defineMessages,
  explainRefusal,
  explainStatus,
  type Messages,
} from '@spendcap/client/explain';
import { messages as english } from '@spendcap/client/languages/en';
import { type Period, REFUSAL_CODES, type Reason } from '@spendcap/core/wire';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { allowance } from './fake-api.ts';

const folder = join(ROOT, 'packages', 'client', 'src', 'languages');
const names = globSync('*.ts', { cwd: folder }).map((file) => basename(file, '.ts'));
const languages = new Map<string, Messages>();
for (const name of names.sort()) {
  const module = (await import(`@spendcap/client/languages/${name}`)) as { messages: Messages };
  languages.set(name, module.messages);
}

/** The characters that an old character set of a region can write: no others are in use there. */
function writable(encoding: string, leads: readonly [number, number], trails: number): Set<string> {
  const decoder = new TextDecoder(encoding);
  const characters = new Set<string>();
  for (let lead = leads[0]; lead <= leads[1]; lead += 1) {
    for (let trail = trails; trail < 0xff; trail += 1) {
      characters.add(decoder.decode(Uint8Array.of(lead, trail)));
    }
  }
  return characters;
}
/** GB 2312 is the part of GBK that has no traditional characters. */
const SIMPLIFIED = writable('gbk', [0xb0, 0xf7], 0xa1);
const TRADITIONAL = writable('big5', [0xa4, 0xf9], 0x40);
const JAPANESE = writable('shift_jis', [0x88, 0xea], 0x40);

const NO_CHARACTERS = new Set<string>();
/** What each language is written in, besides signs and digits. A test of a language needs a row. */
const WRITTEN: Readonly<Record<string, { readonly script: RegExp; readonly han?: Set<string> }>> = {
  ar: { script: /\p{Script=Arabic}/u },
  de: { script: /\p{Script=Latin}/u },
  en: { script: /[A-Za-z]/ },
  es: { script: /[A-Za-záéíóúñüÁÉÍÓÚ]/ },
  fr: { script: /[A-Za-zàâçéèêëîïôûùœÀÇÉÈÊ]/ },
  id: { script: /[A-Za-z]/ },
  ja: { script: /\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Han}|ー/u, han: JAPANESE },
  ko: { script: /\p{Script=Hangul}/u },
  'pt-BR': { script: /[A-Za-zàáâãçéêíóôõúÀÁÂÉ]/ },
  th: { script: /\p{Script=Thai}/u },
  vi: { script: /\p{Script=Latin}/u },
  'zh-CN': { script: /\p{Script=Han}/u, han: SIMPLIFIED },
  'zh-TW': { script: /\p{Script=Han}/u, han: TRADITIONAL },
};

const GROUPS = ['child', 'adult', 'labels'] as const;
/** Every text of a language by its place: `child.other`. */
const textsOf = (messages: Messages): ReadonlyMap<string, string> =>
  new Map(
    GROUPS.flatMap((group) =>
      Object.entries(messages[group]).map(([key, text]) => [`${group}.${key}`, text] as const),
    ),
  );
const bare = (text: string): string => text.replace(/\{\w+\}/g, '');

test('the languages are one file each', () => {
  expect([...languages.keys()].sort()).toEqual(Object.keys(WRITTEN).sort());
});

describe.each([...languages])('%s', (name, messages) => {
  const { script, han = NO_CHARACTERS } = WRITTEN[name] ?? { script: /./ };

  test('has every text, and only placeholders that are filled', () => {
    expect(messages.locale).toBe(name);
    expect([...textsOf(messages).keys()]).toEqual([...textsOf(english).keys()]);
    const { locale, child, adult, labels } = messages;
    expect(defineMessages({ locale, child, adult, labels })).toEqual(messages);
  });

  test('says every value that English says', () => {
    const own = textsOf(messages);
    const placeholders = (text = '') => [...new Set(text.match(/\{\w+\}/g))].sort();
    for (const [key, text] of textsOf(english)) {
      expect([key, placeholders(own.get(key))]).toEqual([key, placeholders(text)]);
    }
  });

  test('is written in its own script alone', () => {
    for (const [key, text] of textsOf(messages)) {
      const letters = bare(text).match(/\p{L}/gu) ?? [];
      const foreign = letters.filter(
        (letter) => !script.test(letter) || (/\p{Script=Han}/u.test(letter) && !han.has(letter)),
      );
      expect([key, foreign]).toEqual([key, []]);
    }
  });

  test('is neither English nor another language', () => {
    for (const [other, theirs] of languages) {
      // Both kinds of Chinese have texts in common; so have short labels of Spanish and Portuguese.
      if (other === name || (/^zh/.test(name) && /^zh/.test(other))) continue;
      const foreign = textsOf(theirs);
      const same = [...textsOf(messages)].filter(
        ([key, text]) => foreign.get(key) === text && bare(text).trim().length > 15,
      );
      expect([other, same]).toEqual([other, []]);
    }
  });

  test('starts no sentence with a value that may be lower case', () => {
    if (!/^(de|es|fr|id|pt-BR|vi)$/.test(name)) return;
    for (const [key, text] of textsOf(messages)) {
      expect([key, /(?:^|[.?!] )\{(?:resets|currency|period)\}/.test(text)]).toEqual([key, false]);
    }
  });

  describe.each(['child', 'adult'] as const)('for %s', (audience) => {
    const options = { locale: name, languages: [messages], audience };
    const limit = {
      categories: null,
      cap: '50.00',
      used: '34.00',
      remaining: '16.00',
      resetsAt: '2026-11-29T16:00:00.000Z',
    };
    test.each(REFUSAL_CODES)('%s says why and what now', (code) => {
      for (const remaining of ['16.00', '0.00']) {
        const period = code.replace('_cap_exceeded', '') as Period;
        const reason = { code, limit: { ...limit, period, remaining }, provableAge: 16 };
        const text = explainRefusal({ reasons: [reason as Reason], allowance }, options);
        expect(text).not.toMatch(/[{}]|undefined|NaN|Invalid/);
        // Yen are no yuan: the sign alone is one in Chinese of China only.
        if (name !== 'zh-CN') expect(text).not.toMatch(/(?<!CN)[¥￥]/);
        const sentences = name === 'th' ? text.split(' ') : text.split(/[.؟?!](?=\s|$)|[。！？]/);
        expect(sentences.filter((part) => part.trim() !== '').length).toBeGreaterThanOrEqual(2);
      }
    });

    test('what a newer server says has a plain text', () => {
      const newer = { code: 'moon_phase' } as unknown as Reason;
      expect(explainRefusal({ reasons: [newer], allowance }, options)).toBe(
        messages[audience].other,
      );
      expect(explainStatus('evaporated', options)).toBe(messages[audience].unknown);
    });
  });
});
