import { explain, formatAmount, MESSAGES } from '@spendcap/client';
import { REFUSAL_CODES, type Reason, type RefusalCode } from '@spendcap/core/wire';
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
const reasonOf = (code: RefusalCode): Reason => ({ code, limit, provableAge: 16, currency: 'CNY' });

describe.each(['en', 'zh-CN'])('%s', (locale) => {
  test.each(REFUSAL_CODES)('%s says why and what now, with every blank filled', (code) => {
    const text = explain(reasonOf(code), allowance, locale);
    expect(text).not.toMatch(/[{}]|undefined|NaN|Invalid/);
    // Two sentences: why, and what to do now.
    expect(text.match(/[.。](?=\s|$|[^\d])/g)?.length).toBeGreaterThanOrEqual(2);
    expect(/\p{Script=Han}/u.test(text)).toBe(locale === 'zh-CN');
  });
});

test('both languages have a message for exactly the codes of the wire, and one for newer codes', () => {
  for (const language of ['en', 'zh'] as const) {
    expect(Object.keys(MESSAGES[language]).sort()).toEqual([...REFUSAL_CODES, 'other'].sort());
  }
  const newer = { code: 'moon_phase' as RefusalCode };
  expect(explain(newer, allowance, 'en')).toBe(MESSAGES.en.other);
  expect(explain(newer, allowance, 'zh-CN')).toBe(MESSAGES.zh.other);
});

test('figures and dates are written the reader’s way, in the time zone of the policy', () => {
  expect(explain(reasonOf('day_cap_exceeded'), allowance, 'en')).toBe(
    'You have ¥12.00 left today. Your limit starts again on November 24 at 00:00.',
  );
  expect(explain(reasonOf('day_cap_exceeded'), allowance, 'zh-CN')).toBe(
    '你今天还可以花 ¥12.00。到11月24日 00:00，额度会重新开始计算。',
  );
  const pacific = {
    ...allowance,
    policy: { ...allowance.policy, timeZone: 'America/Los_Angeles' },
  };
  expect(explain(reasonOf('day_cap_exceeded'), pacific, 'en')).toContain('November 23 at 08:00');
  expect(explain(reasonOf('age_not_precise'), allowance, 'zh-Hans-CN')).toContain('已满 16 岁');
});

test.each([
  { amount: '9007199254740993.07', currency: 'CNY', text: '¥9,007,199,254,740,993.07' },
  { amount: '0.10', currency: 'CNY', text: '¥0.10' },
  { amount: '500', currency: 'JPY', text: '¥500' },
  { amount: '1.005', currency: 'KWD', text: 'KWD 1.005' },
])('$amount $currency is exactly $text', ({ amount, currency, text }) => {
  expect(formatAmount(amount, currency, 'en').replace(/\s/gu, ' ')).toBe(text);
});
