import { explainRefusal, explainStatus, formatAmount, statusOf } from '@spendcap/client/explain';
import { messages as arabic } from '@spendcap/client/languages/ar';
import { messages as english } from '@spendcap/client/languages/en';
import { messages as indonesian } from '@spendcap/client/languages/id';
import { messages as chinese } from '@spendcap/client/languages/zh-CN';
import type { LimitAllowance, Period, Reason, RefusalCode } from '@spendcap/core/wire';
import { describe, expect, test } from 'vitest';
import { allowance } from './fake-api.ts';

const NOV_24 = '2026-11-23T16:00:00.000Z';
const DEC_1 = '2026-11-30T16:00:00.000Z';

/** A limit that a purchase exceeds. */
function over(period: Period, remaining: string, more: Partial<LimitAllowance> = {}): Reason {
  const ends: Partial<Record<Period, string>> = { day: NOV_24, month: DEC_1 };
  const resetsAt = ends[period] ?? null;
  const limit = { period, categories: null, cap: '50.00', used: '0.00', remaining, resetsAt };
  return { code: `${period}_cap_exceeded`, limit: { ...limit, ...more } };
}
const reason = (code: RefusalCode, more: Partial<Reason> = {}): Reason => ({ code, ...more });
const say = (locale: string, ...reasons: readonly Reason[]) =>
  explainRefusal({ reasons, allowance }, { locale, languages: [chinese] });

describe.each(['en', 'zh-CN'])('%s', (locale) => {
  test.each([undefined, null, 'no', {}, { reasons: {} }, { reasons: [null] }, { reasons: [5] }])(
    'what is no refusal, %j, has a text too',
    (given) => {
      const { child } = locale === 'en' ? english : chinese;
      const options = { locale, languages: [chinese] };
      expect(explainRefusal(given as never, options)).toBe(child.other);
    },
  );

  test('a code of a newer server, a missing value and no reason have the same text', () => {
    const { other } = (locale === 'en' ? english : chinese).child;
    const newer = reason('moon_phase' as RefusalCode);
    expect(say(locale, newer)).toBe(other);
    // What is not known may be stronger than a limit.
    expect(say(locale, newer, over('day', '16.00'))).toBe(other);
    expect(say(locale)).toBe(other);
    expect(say(locale, reason('day_cap_exceeded'))).toBe(other);
    expect(say(locale, over('day', '16.00', { resetsAt: 'soon' }))).toBe(other);
    expect(say(locale, over('day', 'lots'))).toBe(other);
    expect(say(locale, over('transaction', '0.00'))).toBe(other);
    const options = { locale, languages: [chinese] };
    const mute = explainRefusal({ reasons: undefined, allowance: undefined } as never, options);
    expect(mute).toBe(other);
  });
});

const PARENT = 'Ask a parent or guardian if you have questions.';
const UP_TO_16 =
  'You can spend up to CN¥16.00 now. Choose something that costs less, or wait until';
const SPENT = 'You have spent all you can for now. You can spend again from';
const KIND = 'This limit is only for this kind of thing.';
const BANNED_KIND = 'Players of your age cannot buy this kind of thing.';
const OLDER =
  'To buy this, you need to show that you are 16 or older. Ask a parent or guardian to help you, then try again.';
const APPROVAL = 'A parent or guardian has to say yes before you buy. Ask them first.';
const tip = { category: 'tip' } as const;

test.each<{ name: string; reasons: readonly Reason[]; text: string }>([
  {
    name: 'the tightest limit: what is left today, not what one purchase may cost',
    reasons: [over('transaction', '50.00'), over('day', '16.00'), over('month', '40.00')],
    text: `${UP_TO_16} Tuesday, November 24.`,
  },
  {
    name: 'the tightest limit by value, not by its text',
    reasons: [over('day', '9.00'), over('transaction', '50.00'), over('month', '100.00')],
    text: 'You can spend up to CN¥9.00 now. Choose something that costs less, or wait until Tuesday, November 24.',
  },
  {
    name: 'one purchase, if that is the tightest',
    reasons: [over('transaction', '50.00'), over('day', '80.00')],
    text: 'You can spend up to CN¥50.00 in one go. Choose something that costs CN¥50.00 or less.',
  },
  {
    name: 'of two limits that leave the same, the one that starts again later',
    reasons: [over('day', '16.00'), over('month', '16.00')],
    text: `${UP_TO_16} Tuesday, December 1.`,
  },
  {
    name: 'nothing left',
    reasons: [over('transaction', '50.00'), over('day', '0.00'), over('month', '0.00')],
    text: `${SPENT} Tuesday, December 1.`,
  },
  {
    name: 'a limit that never starts again',
    reasons: [over('lifetime', '16.00'), over('month', '16.00')],
    text: `You can spend up to CN¥16.00 now. That is all you have left here. ${PARENT}`,
  },
  {
    name: 'one that never starts again, even if it counts some categories only',
    reasons: [over('lifetime', '16.00', { categories: ['tip'] }), over('month', '16.00')],
    text: `You can spend up to CN¥16.00 now. That is all you have left here. ${PARENT} ${KIND}`,
  },
  {
    name: 'nothing left of it',
    reasons: [over('month', '0.00'), over('lifetime', '0.00')],
    text: `You have spent all you can here. ${PARENT}`,
  },
  {
    name: 'a limit that counts some categories only',
    reasons: [over('day', '16.00', { categories: ['tip'] }), over('month', '30.00')],
    text: `${UP_TO_16} Tuesday, November 24. ${KIND}`,
  },
  {
    name: 'no such note if a limit of everything leaves the same',
    reasons: [over('day', '16.00', { categories: ['tip'] }), over('day', '16.00')],
    text: `${UP_TO_16} Tuesday, November 24.`,
  },
  {
    name: 'nothing but the ban, if everything is banned',
    reasons: [
      reason('forbidden_for_age'),
      reason('forbidden_category', tip),
      reason('guardian_approval_required'),
      over('day', '16.00'),
    ],
    text: `Players of your age cannot buy things here. ${PARENT}`,
  },
  {
    name: 'a banned category',
    reasons: [reason('forbidden_category', tip)],
    text: `${BANNED_KIND} You can look for something else.`,
  },
  {
    name: 'a banned category, without its own limits',
    reasons: [reason('forbidden_category', tip), over('day', '0.00', { categories: ['tip'] })],
    text: `${BANNED_KIND} You can look for something else.`,
  },
  {
    name: 'no other thing, if nothing is left for one',
    reasons: [reason('forbidden_category', tip), over('day', '0.00')],
    text: `${BANNED_KIND} ${SPENT} Tuesday, November 24.`,
  },
  {
    name: 'what another thing may cost',
    reasons: [reason('forbidden_category', tip), over('day', '16.00')],
    text: `${BANNED_KIND} ${UP_TO_16} Tuesday, November 24.`,
  },
  {
    name: 'the proof that lifts a ban, not the ban',
    reasons: [reason('age_not_precise', { provableAge: 16 }), reason('forbidden_for_age')],
    text: OLDER,
  },
  {
    name: 'the proof that lifts the ban of a category',
    reasons: [
      reason('age_not_precise', { provableAge: 16 }),
      reason('forbidden_category', tip),
      over('day', '16.00'),
    ],
    text: OLDER,
  },
  {
    name: 'a proof, or less money',
    reasons: [reason('age_not_precise', { provableAge: 16 }), over('day', '16.00')],
    text: `${OLDER} ${UP_TO_16} Tuesday, November 24.`,
  },
  {
    name: 'an age that cannot be proved is one to confirm',
    reasons: [reason('age_not_precise')],
    text: english.child.age_unverified,
  },
  {
    name: 'approval, and first what it cannot lift',
    reasons: [reason('guardian_approval_required'), over('day', '16.00')],
    text: `${UP_TO_16} Tuesday, November 24. ${APPROVAL}`,
  },
  {
    name: 'a freeze alone',
    reasons: [over('day', '0.00'), reason('frozen_by_guardian')],
    text: english.child.frozen_by_guardian,
  },
  {
    name: 'another currency alone',
    reasons: [reason('currency_not_supported', { currency: 'CNY' }), over('day', '0.00')],
    text: 'You can only pay in Chinese Yuan here. Choose a price in Chinese Yuan.',
  },
])('a refusal names $name', ({ reasons, text }) => {
  expect(say('en', ...reasons)).toBe(text);
  // The order of reasons is the server's business.
  expect(say('en', ...reasons.toReversed())).toBe(text);
});

test('sentences of Chinese follow each other without spaces', () => {
  expect(say('zh-CN', reason('guardian_approval_required'), over('day', '16.00'))).toBe(
    '你现在最多可以花 ¥16.00。可以选便宜一点的，或者等到11月24日星期二。买东西要先得到爸爸妈妈或监护人的同意。请先问问他们。',
  );
});

test('dates are in the time zone of the policy', () => {
  const policy = { ...allowance.policy, timeZone: 'America/Los_Angeles' };
  const refusal = { reasons: [over('day', '16.00')], allowance: { ...allowance, policy } };
  expect(explainRefusal(refusal, { locale: 'en' })).toContain('Monday, November 23');
});

const ENGLISH = `${UP_TO_16} Tuesday, November 24.`;
const CHINESE = '你现在最多可以花 ¥16.00。可以选便宜一点的，或者等到11月24日星期二。';

describe('a locale', () => {
  test.each([
    'zh-CN',
    'zh',
    'zh_CN',
    'ZH-cn',
    'zh-Hans',
    'zh-Hans-CN',
    'zh_CN_#Hans',
    'zh_CN.UTF-8',
  ])('%s is Chinese', (locale) => expect(say(locale, over('day', '16.00'))).toBe(CHINESE));

  test.each(['cmn-Hans-CN', 'zh-SG', 'zh-Hans-HK', 'zh_HK_#Hans'])(
    '%s is Chinese in simplified characters',
    (locale) => expect(say(locale, over('day', '16.00'))).toMatch(/^你现在最多可以花 \S*16\.00。/),
  );

  test.each([
    ...['en', 'en-US', 'en_US', 'en_US.UTF-8', 'en_US_POSIX', '', 'C', 'POSIX', 'C.UTF-8'],
    ...['ja-JP', 'de-DE', 'fr', 'ar-EG', 'fa', 'hi-IN', 'xx', 'x-private', '123', '*', '??'],
    ...[undefined, null, 7],
  ])('%s is English, amounts and dates too', (locale) => {
    expect(say(locale as string, over('day', '16.00'))).toBe(ENGLISH);
  });

  test('of another English formats as there', () => {
    expect(say('en-GB', over('day', '16.00'))).toContain('wait until Tuesday 24 November.');
    expect(say('en_GB', over('day', '16.00'))).toContain('wait until Tuesday 24 November.');
  });

  test('whose language is not passed is English', () => {
    const refusal = { reasons: [over('day', '16.00')], allowance };
    expect(explainRefusal(refusal, { locale: 'zh-CN' })).toBe(ENGLISH);
  });

  // Readers of traditional characters are not given simplified ones without notice.
  test.each(['zh-TW', 'zh_TW', 'zh-HK', 'zh-MO', 'zh-Hant', 'zh-Hant-TW', 'zh_TW_#Hant', 'yue'])(
    '%s is English, because the messages are in simplified characters',
    (locale) => expect(say(locale, over('day', '16.00'))).toBe(ENGLISH),
  );
});

test.each([
  {
    amount: '9007199254740993.07',
    currency: 'CNY',
    locale: 'zh-CN',
    text: '¥9,007,199,254,740,993.07',
  },
  {
    amount: '9007199254740993.07',
    currency: 'CNY',
    locale: 'en',
    text: 'CN¥9,007,199,254,740,993.07',
  },
  { amount: '0.10', currency: 'CNY', locale: 'zh_CN', text: '¥0.10' },
  { amount: '500', currency: 'JPY', locale: 'en', text: '¥500' },
  { amount: '500', currency: 'JPY', locale: 'zh-CN', text: 'JP¥500' },
  // Not the sign of the yen.
  { amount: '12.00', currency: 'CNY', locale: 'ja-JP', text: '元 12.00' },
  { amount: '1.005', currency: 'KWD', locale: 'en', text: 'KWD 1.005' },
  { amount: '12.00', currency: 'CNY', locale: 'de-DE', text: '12,00 CN¥' },
  { amount: '12.00', currency: 'CNY', locale: '', text: 'CN¥12.00' },
  { amount: '12.00', currency: 'CNY', locale: 'C', text: 'CN¥12.00' },
  { amount: '12.00', currency: 'not a currency', locale: 'en', text: '12.00 not a currency' },
])('$amount $currency in "$locale" is $text', ({ amount, currency, locale, text }) => {
  expect(formatAmount(amount, currency, locale).replace(/\s/gu, ' ')).toBe(text);
});

describe('a status', () => {
  const purchase = {
    state: 'committed',
    committed: '48.00',
    refunded: '0.00',
    late: false,
  } as const;

  test.each([
    [{}, 'paid'],
    [{ late: true }, 'paid_late'],
    [{ refunded: '6.00' }, 'partly_refunded'],
    [{ refunded: '48.00', late: true }, 'refunded'],
    [{ state: 'reserved', committed: '0.00' }, 'pending'],
    [{ state: 'released', committed: '0.00' }, 'not_paid'],
    [{ state: 'expired', committed: '0.00' }, 'not_paid'],
    [{ state: 'disputed' }, 'unknown'],
  ])('of a purchase with %j is %s', (more, status) => {
    expect(statusOf({ ...purchase, ...more } as typeof purchase)).toBe(status);
  });

  test('answers whether money was taken, also for a word of a newer shop', () => {
    const say = (status: string) => explainStatus(status, { locale: 'en' });
    expect(say('failed')).toContain('No money was taken');
    expect(say('unknown')).toContain('We do not know yet if money was taken. Do not pay again.');
    expect(say('evaporated')).toBe(say('unknown'));
    // Not a text of a refusal, and nothing that every object has.
    expect(say('other')).toBe(say('unknown'));
    expect(say('toString')).toBe(say('unknown'));
    expect(explainStatus('pending', { locale: 'en', audience: 'adult' })).toContain('is held');
  });
});

test('values in Arabic keep the order of their signs', () => {
  const options = { locale: 'ar', languages: [arabic] };
  const text = explainRefusal({ reasons: [over('transaction', '50.00')], allowance }, options);
  const isolated = text.match(/\u2066[^\u2069]*50[^\u2069]*CN¥\u2069/g);
  expect(isolated).toHaveLength(2);
});

test.each([
  ['in-ID', 'Sekarang kamu bisa memakai paling banyak'],
  ['zh_HK', 'You can spend up to'],
])('%s speaks the language that the platform means', (locale, start) => {
  const refusal = { reasons: [over('day', '16.00')], allowance };
  expect(explainRefusal(refusal, { locale, languages: [chinese, indonesian] })).toMatch(start);
});
