import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { explainRefusal } from '@spendcap/client';
import { messages as english } from '@spendcap/client/languages/en';
import { defineMessages, type Messages } from '@spendcap/client/messages';
import { REFUSAL_CODES } from '@spendcap/core/wire';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { allowance } from './fake-api.ts';

const folder = join(ROOT, 'packages', 'client', 'src', 'languages');
const languages = globSync('*.ts', { cwd: folder }).map((file) => basename(file, '.ts'));

describe('the languages', () => {
  test('are one file each', () => {
    expect(languages.sort()).toEqual(['en', 'zh-CN']);
  });

  test.each(languages)(
    '%s has every text, with the placeholders of the English one',
    async (name) => {
      const { messages } = (await import(`@spendcap/client/languages/${name}`)) as {
        messages: Messages;
      };
      expect(messages.locale).toBe(name);
      expect(Object.keys(messages.texts)).toEqual(Object.keys(english.texts));
      const { locale, texts } = messages;
      expect(defineMessages({ locale, texts })).toEqual(messages);
      const placeholders = (text: string) => new Set(text.match(/\{\w+\}/g));
      for (const [key, text] of Object.entries(english.texts)) {
        const own = texts[key as keyof typeof texts];
        expect([key, placeholders(own)]).toEqual([key, placeholders(text)]);
      }
    },
  );

  test('cover every code of the wire', () => {
    const shared = /^(day|week|month|year)_(cap_exceeded)$/;
    const keys = REFUSAL_CODES.map((code) => code.replace(shared, '$2'));
    expect(Object.keys(english.texts)).toEqual(expect.arrayContaining(keys));
  });
});

const limit = {
  period: 'day',
  categories: null,
  cap: '50.00',
  used: '38.00',
  remaining: '12.00',
  resetsAt: '2026-11-23T16:00:00.000Z',
} as const;
const refusal = { reasons: [{ code: 'day_cap_exceeded', limit }], allowance } as const;
const banned = { reasons: [{ code: 'forbidden_for_age' }], allowance } as const;

describe('messages of your own', () => {
  test('replace some texts of a language', () => {
    const texts = { cap_exceeded: 'Only {remaining} of {cap} left until {resets}.' };
    const mine = defineMessages({ locale: 'en', texts }, english);
    expect(explainRefusal(refusal, 'en-US', [mine])).toBe(
      'Only CN¥12.00 of CN¥50.00 left until Tuesday, November 24.',
    );
    expect(explainRefusal(banned, 'en', [mine])).toBe(english.texts.forbidden_for_age);
    expect(explainRefusal(refusal, 'zh-CN', [mine])).toMatch(/^你现在最多可以花/);
  });

  test('bring a language, in which amounts and dates are formatted too', () => {
    const texts = {
      cap_exceeded: 'Du kannst jetzt höchstens {remaining} ausgeben. Ab {resets} wieder mehr.',
      other: 'Das kannst du gerade nicht kaufen.',
    };
    const german = defineMessages({ locale: 'de', texts });
    const text = explainRefusal(refusal, 'de_AT', [german]).replace(/\s/gu, ' ');
    expect(text).toBe(
      'Du kannst jetzt höchstens CN¥ 12,00 ausgeben. Ab Dienstag, 24. November wieder mehr.',
    );
    // A text that is missing is German as well.
    expect(explainRefusal(banned, 'de', [german])).toBe(texts.other);
    expect(explainRefusal(refusal, 'fr', [german])).toMatch(/^You can spend/);
  });

  test('bring traditional characters', () => {
    const texts = { other: '現在還不能買這個。' };
    const traditional = defineMessages({ locale: 'zh-Hant', texts });
    expect(explainRefusal(banned, 'zh_TW', [traditional])).toBe(texts.other);
    expect(explainRefusal(banned, 'zh-CN', [traditional])).toMatch(/^你这个年龄/);
  });

  test.each<[string, unknown, string]>([
    ['an unknown key', { locale: 'en', texts: { day_cap: 'x', other: 'x' } }, 'no "day_cap"'],
    ['an unknown field', { locale: 'en', texts: { other: 'x' }, lang: 1 }, 'no "lang"'],
    ['no locale', { texts: { other: 'x' } }, '`locale`'],
    ['no texts', { locale: 'ja' }, 'must be an object'],
    ['a language without `other`', { locale: 'ja', texts: { cap_reached: 'x' } }, '`other`'],
    ['a text that is none', { locale: 'en', texts: { other: () => 'x' } }, '`other`'],
    ['an unknown placeholder', { locale: 'en', texts: { other: '{name}' } }, '{name} in `other`'],
    ['one of another key', { locale: 'en', texts: { other: '{age}' } }, '{age} in `other`'],
    [
      'a date of a limit that never ends',
      { locale: 'en', texts: { lifetime_cap_reached: '{resets}', other: 'x' } },
      '{resets} in `lifetime_cap_reached`',
    ],
  ])('are refused for %s', (_, given, fault) => {
    const define = () => defineMessages(given as Messages);
    expect(define).toThrow(TypeError);
    expect(define).toThrow(fault);
  });
});
