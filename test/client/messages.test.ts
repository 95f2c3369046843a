import { defineMessages, explainRefusal, type Messages } from '@spendcap/client/explain';
import { messages as english } from '@spendcap/client/languages/en';
import { messages as chinese } from '@spendcap/client/languages/zh-CN';
import { describe, expect, test } from 'vitest';
import { allowance } from './fake-api.ts';

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
    const child = { cap_exceeded: 'Only {remaining} of {cap} left until {resets}.' };
    const labels = { buy: 'Get' };
    const mine = defineMessages({ locale: 'en', child, labels }, english);
    const languages = [mine, chinese];
    expect(explainRefusal(refusal, { locale: 'en-US', languages })).toBe(
      'Only CN¥12.00 of CN¥50.00 left until Tuesday, November 24.',
    );
    expect(explainRefusal(banned, { locale: 'en', languages })).toBe(
      english.child.forbidden_for_age,
    );
    expect(explainRefusal(refusal, { locale: 'en', languages, audience: 'adult' })).toContain(
      'of the limit (Today): CN¥12.00 of CN¥50.00.',
    );
    expect(explainRefusal(refusal, { locale: 'zh-CN', languages })).toMatch(/^你现在最多可以花/);
    expect(mine.labels).toEqual({ ...english.labels, buy: 'Get' });
  });

  test('bring a language, in which amounts and dates are formatted too', () => {
    const child = {
      cap_exceeded: 'Teď můžeš utratit nejvýš {remaining}. Víc až od {resets}.',
      other: 'To teď nemůžeš koupit.',
    };
    const czech = defineMessages({ locale: 'cs', child });
    const languages = [czech];
    const text = explainRefusal(refusal, { locale: 'cs_CZ', languages }).replace(/\s/gu, ' ');
    expect(text).toBe('Teď můžeš utratit nejvýš 12,00 CN¥. Víc až od úterý 24. listopadu.');
    // A text that is missing is Czech as well, for adults too.
    expect(explainRefusal(banned, { locale: 'cs', languages })).toBe(child.other);
    expect(explainRefusal(banned, { locale: 'cs', languages, audience: 'adult' })).toBe(
      child.other,
    );
    expect(explainRefusal(refusal, { locale: 'fr', languages })).toMatch(/^You can spend/);
  });

  test.each<[string, unknown, string]>([
    ['an unknown key', { locale: 'en', child: { day_cap: 'x', other: 'x' } }, 'no "day_cap"'],
    ['an unknown label', { locale: 'en', child: { other: 'x' }, labels: { go: 'x' } }, 'no "go"'],
    ['an unknown field', { locale: 'en', child: { other: 'x' }, lang: 1 }, 'no "lang"'],
    ['no locale', { child: { other: 'x' } }, '`locale`'],
    ['no texts', { locale: 'cs' }, '`other`'],
    ['a language without `other`', { locale: 'cs', child: { cap_reached: 'x' } }, '`other`'],
    ['labels that are not all', { locale: 'cs', child: { other: 'x' }, labels: {} }, '`allowance`'],
    ['a text that is none', { locale: 'en', adult: { other: () => 'x' } }, '`other`'],
    ['an unknown placeholder', { locale: 'en', child: { other: '{name}' } }, '{name} in `other`'],
    ['one of another key', { locale: 'en', child: { other: '{age}' } }, '{age} in `other`'],
    [
      'a date of a limit that never ends',
      { locale: 'en', child: { lifetime_cap_reached: '{resets}', other: 'x' } },
      '{resets} in `lifetime_cap_reached`',
    ],
  ])('are refused for %s', (_, given, fault) => {
    const define = () => defineMessages(given as Messages);
    expect(define).toThrow(TypeError);
    expect(define).toThrow(fault);
  });
});
