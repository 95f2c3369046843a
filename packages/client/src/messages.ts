import type { RefusalCode } from '@spendcap/core/wire';

/** The languages of `MESSAGES`. */
export type Language = 'en' | 'zh';

/**
 * Why a purchase was refused and what to do next, written for a ten-year-old. `explain` replaces
 * `{cap}`, `{remaining}`, `{resets}`, `{age}` and `{currency}`. `other` is for unknown codes of a
 * newer server.
 */
export const MESSAGES: Readonly<Record<Language, Readonly<Record<RefusalCode | 'other', string>>>> =
  {
    en: {
      transaction_cap_exceeded:
        'You can spend at most {cap} in one go. Choose something that costs {cap} or less.',
      day_cap_exceeded: 'You have {remaining} left today. Your limit starts again on {resets}.',
      week_cap_exceeded:
        'You have {remaining} left this week. Your limit starts again on {resets}.',
      month_cap_exceeded:
        'You have {remaining} left this month. Your limit starts again on {resets}.',
      year_cap_exceeded:
        'You have {remaining} left this year. Your limit starts again on {resets}.',
      lifetime_cap_exceeded:
        'You have {remaining} left to spend here. Ask a parent or guardian if you have questions.',
      forbidden_for_age:
        'Players of your age cannot buy things here. Ask a parent or guardian if you have questions.',
      forbidden_category:
        'Players of your age cannot buy this kind of thing. You can look for something else.',
      age_unverified:
        'We do not know your age yet. Ask a parent or guardian to help you confirm it, then try again.',
      age_not_precise:
        'You need to show that you are {age} or older. Ask a parent or guardian to help you, then try again.',
      guardian_approval_required:
        'A parent or guardian has to say yes first. Ask them to approve this purchase.',
      frozen_by_guardian:
        'Your parent or guardian has paused buying. Talk to them if you would like to buy this.',
      currency_not_supported: 'You can only pay in {currency} here. Choose a price in {currency}.',
      other: 'You cannot buy this now. Ask a parent or guardian if you have questions.',
    },
    zh: {
      transaction_cap_exceeded: '一次最多可以花 {cap}。请选一个不超过 {cap} 的东西。',
      day_cap_exceeded: '你今天还可以花 {remaining}。到{resets}，额度会重新开始计算。',
      week_cap_exceeded: '你这一周还可以花 {remaining}。到{resets}，额度会重新开始计算。',
      month_cap_exceeded: '你这个月还可以花 {remaining}。到{resets}，额度会重新开始计算。',
      year_cap_exceeded: '你今年还可以花 {remaining}。到{resets}，额度会重新开始计算。',
      lifetime_cap_exceeded: '你在这里一共还可以花 {remaining}。有问题可以问问爸爸妈妈或监护人。',
      forbidden_for_age: '你这个年龄还不能在这里买东西。有问题可以问问爸爸妈妈或监护人。',
      forbidden_category: '你这个年龄还不能买这一类东西。可以看看别的。',
      age_unverified: '我们还不知道你的年龄。请爸爸妈妈或监护人帮你确认年龄，然后再试一次。',
      age_not_precise: '需要先确认你已满 {age} 岁。请爸爸妈妈或监护人帮忙，然后再试一次。',
      guardian_approval_required: '要先得到爸爸妈妈或监护人的同意。请他们同意这次购买。',
      frozen_by_guardian: '你的爸爸妈妈或监护人暂停了购买。想买的话，先和他们商量一下。',
      currency_not_supported: '这里只能用{currency}付款。请选用{currency}标价的东西。',
      other: '现在还不能买这个。有问题可以问问爸爸妈妈或监护人。',
    },
  };
