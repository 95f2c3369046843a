import type { Messages } from '../messages/format.ts';

/** English. */
export const messages: Messages = {
  locale: 'en',
  texts: {
    transaction_cap_exceeded:
      'You can spend up to {cap} in one go. Choose something that costs {cap} or less.',
    cap_exceeded: 'You can spend up to {remaining} now. Your limit starts again on {resets}.',
    lifetime_cap_exceeded:
      'You can spend up to {remaining} now. That is all you have left here. Ask a parent or guardian if you have questions.',
    cap_reached: 'You have spent all you can for now. You can spend again from {resets}.',
    lifetime_cap_reached:
      'You have spent all you can here. Ask a parent or guardian if you have questions.',
    category_limit: 'This limit is only for this kind of thing.',
    forbidden_for_age:
      'Players of your age cannot buy things here. Ask a parent or guardian if you have questions.',
    forbidden_category: 'Players of your age cannot buy this kind of thing.',
    something_else: 'You can look for something else.',
    age_unverified:
      'We do not know your age yet. Ask a parent or guardian to help you confirm it, then try again.',
    age_not_precise:
      'To buy this, you need to show that you are {age} or older. Ask a parent or guardian to help you, then try again.',
    guardian_approval_required:
      'A parent or guardian has to say yes before you buy. Ask them first.',
    frozen_by_guardian:
      'Your parent or guardian has paused buying. Talk to them if you would like to buy this.',
    currency_not_supported: 'You can only pay in {currency} here. Choose a price in {currency}.',
    other: 'You cannot buy this now. Ask a parent or guardian if you have questions.',
  },
};
