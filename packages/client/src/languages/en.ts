import type { Messages } from '../explain/messages.ts';

/** English. */
export const messages: Messages = {
  locale: 'en',
  child: {
    transaction_cap_exceeded:
      'You can spend up to {cap} in one go. Choose something that costs {cap} or less.',
    cap_exceeded:
      'You can spend up to {remaining} now. Choose something that costs less, or wait until {resets}.',
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
    paid: 'You bought this, and it is paid. You do not need to do anything else.',
    paid_late: 'You bought this. The payment took a little longer, but it is done.',
    pending:
      'Your payment is not finished yet. Do not pay again: we will show here when it is done.',
    waiting_for_guardian:
      'Your parent or guardian has to say yes first. Nothing is paid yet. Wait for their answer.',
    refunded: 'You got your money back. Look at what you can spend now.',
    partly_refunded: 'You got part of your money back. Look at what you can spend now.',
    not_paid: 'You did not buy this. No money was taken.',
    failed: 'The payment did not work. No money was taken, so you can try again.',
    unknown: 'We do not know yet if money was taken. Do not pay again. Look again in a moment.',
    unavailable: 'We cannot reach the shop. No money was taken. Try again in a moment.',
    signed_out: 'We do not know who you are yet. Sign in to buy things here.',
    allowance_unknown: 'We cannot show what you can spend right now. Try again in a moment.',
    no_limit: 'No limit applies to you.',
  },
  adult: {
    transaction_cap_exceeded:
      'The price exceeds the limit for one purchase. A purchase of {cap} or less is possible.',
    cap_exceeded:
      'The price exceeds what is left of the limit ({period}): {remaining} of {cap}. A purchase of {remaining} or less is possible now. The limit starts again on {resets}.',
    lifetime_cap_exceeded:
      'The price exceeds what is left of the total limit: {remaining} of {cap}. This limit never starts again. A purchase of {remaining} or less is possible.',
    cap_reached:
      'The limit of {cap} is used up ({period}). Purchases are possible again from {resets}.',
    lifetime_cap_reached:
      'The total limit of {cap} is used up and never starts again. No further purchase is possible under this rule.',
    category_limit: 'This limit counts only some kinds of products.',
    forbidden_for_age:
      'The rules allow no purchases at this age. If the recorded age is wrong, verify it again.',
    forbidden_category: 'The rules do not allow this kind of product at this age.',
    something_else: 'Other products are possible.',
    age_unverified:
      'The player’s age is not verified, or not reliably enough. Verify the age, then try again.',
    age_not_precise:
      'It is not proved that the player is {age} or older. With such a proof, this purchase can be tried again.',
    guardian_approval_required:
      'A parent or guardian has to approve this purchase. Get the approval, then try again.',
    frozen_by_guardian:
      'A parent or guardian has paused purchases for this account. Only they can end the pause.',
    currency_not_supported:
      'The limits are in {currency}, and the price is not. Choose a price in {currency}.',
    other: 'This purchase is not possible now. Support can look up the reason.',
    paid: 'Paid. The amount counts towards the limits.',
    paid_late:
      'Paid late, after the hold had ended. The amount counts towards the limits and may exceed them.',
    pending: 'The payment is not finished. The amount is held until it is. Do not pay again.',
    waiting_for_guardian:
      'The app store is waiting for a parent or guardian to approve. Nothing is paid yet, and the amount is held.',
    refunded: 'Refunded in full. What is available now is shown in the allowance.',
    partly_refunded: 'Refunded in part. What is available now is shown in the allowance.',
    not_paid: 'Not paid. No money was taken, and the amount is no longer held.',
    failed: 'The payment failed. No money was taken, and it can be tried again.',
    unknown:
      'It is not known yet whether money was taken. Do not pay again; check this purchase before anything else.',
    unavailable: 'The server cannot be reached. No money was taken. Try again later.',
    signed_out: 'Nobody is signed in. Sign in to buy.',
    allowance_unknown: 'The allowance cannot be read at the moment. Try again later.',
    no_limit: 'No limit applies to this account.',
  },
  labels: {
    allowance: 'What you can spend',
    transaction: 'In one go',
    day: 'Today',
    week: 'This week',
    month: 'This month',
    year: 'This year',
    lifetime: 'In total',
    other_period: 'Limit',
    left: '{remaining} left of {cap}',
    up_to: 'Up to {cap}',
    used: '{used} spent, {remaining} left of {cap}',
    resets: 'Starts again on {resets}',
    some_things: 'Only for some things',
    loading: 'One moment …',
    stale: 'This may be out of date.',
    shelf: 'Things to buy',
    buy: 'Buy',
    buy_named: 'Buy {product} for {price}',
    why: 'Why not?',
    why_named: 'Why not? {product}',
    confirm: 'Buy {product}?',
    pay: 'Pay {price}',
    paying: 'Your payment is being made. You can close this window.',
    bought: 'You bought {product} for {price}.',
    cancel: 'Not now',
    close: 'Close',
    ok: 'OK',
    retry: 'Try again',
    check: 'Look again',
    refused: 'You can’t buy this right now',
    failed: 'That did not work',
    pending: 'Not finished yet',
    unknown: 'We are not sure yet',
    no_money: 'No money was taken.',
    rule: 'The rule, for grown-ups',
    law: 'law',
    guidance: 'published guidance',
    operator: 'limit of this shop',
    unconfirmed: 'not confirmed',
    badge_price: 'Costs more than you can spend now',
    badge_age: 'Not for your age',
    badge_proof: 'Confirm your age first',
    badge_guardian: 'A grown-up has to say yes first',
    badge_other: 'Not now',
  },
};
