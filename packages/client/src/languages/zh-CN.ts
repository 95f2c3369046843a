import type { Messages } from '../messages/format.ts';

/** Chinese in simplified characters. */
export const messages: Messages = {
  locale: 'zh-CN',
  texts: {
    transaction_cap_exceeded: '一次最多可以花 {cap}。请选一个不超过 {cap} 的东西。',
    cap_exceeded: '你现在最多可以花 {remaining}。到{resets}，额度会重新开始计算。',
    lifetime_cap_exceeded:
      '你现在最多可以花 {remaining}，这是你在这里剩下的全部额度。有问题可以问问爸爸妈妈或监护人。',
    cap_reached: '你的额度已用完。从{resets}起可以再买。',
    lifetime_cap_reached: '你在这里的额度已全部用完。有问题可以问问爸爸妈妈或监护人。',
    category_limit: '这个额度只限这一类东西。',
    forbidden_for_age: '你这个年龄还不能在这里买东西。有问题可以问问爸爸妈妈或监护人。',
    forbidden_category: '你这个年龄还不能买这一类东西。',
    something_else: '可以看看别的。',
    age_unverified: '我们还不知道你的年龄。请爸爸妈妈或监护人帮你确认年龄，然后再试一次。',
    age_not_precise: '想买这个，需要先确认你已满 {age} 岁。请爸爸妈妈或监护人帮忙，然后再试一次。',
    guardian_approval_required: '买东西要先得到爸爸妈妈或监护人的同意。请先问问他们。',
    frozen_by_guardian: '你的爸爸妈妈或监护人暂停了购买。想买的话，先和他们商量一下。',
    currency_not_supported: '这里只能用{currency}付款。请选用{currency}标价的东西。',
    other: '现在还不能买这个。有问题可以问问爸爸妈妈或监护人。',
  },
};
