import type { Messages } from '../explain/messages.ts';

/** Korean. */
export const messages: Messages = {
  locale: 'ko',
  child: {
    transaction_cap_exceeded:
      '한 번에 {cap}까지 쓸 수 있어요. 가격이 {cap} 이하인 것을 골라 보세요.',
    cap_exceeded:
      '지금은 {remaining}까지 쓸 수 있어요. 더 싼 것을 고르거나 {resets}까지 기다려 주세요.',
    lifetime_cap_exceeded:
      '지금은 {remaining}까지 쓸 수 있어요. 여기서 쓸 수 있는 돈은 이것이 전부예요. 궁금한 점은 부모님이나 보호자에게 물어보세요.',
    cap_reached: '지금 쓸 수 있는 돈을 다 썼어요. {resets}부터 다시 쓸 수 있어요.',
    lifetime_cap_reached:
      '여기서 쓸 수 있는 돈을 다 썼어요. 궁금한 점은 부모님이나 보호자에게 물어보세요.',
    category_limit: '이 한도는 이런 종류의 물건에만 있어요.',
    forbidden_for_age:
      '지금 나이에는 여기서 물건을 살 수 없어요. 궁금한 점은 부모님이나 보호자에게 물어보세요.',
    forbidden_category: '지금 나이에는 이런 종류의 물건을 살 수 없어요.',
    something_else: '다른 것을 찾아보세요.',
    age_unverified:
      '아직 나이를 알 수 없어요. 부모님이나 보호자의 도움을 받아 나이를 확인한 다음, 다시 해 보세요.',
    age_not_precise:
      '이것을 사려면 {age}세 이상인지 확인해야 해요. 부모님이나 보호자의 도움을 받은 다음, 다시 해 보세요.',
    guardian_approval_required: '물건을 사려면 부모님이나 보호자가 허락해야 해요. 먼저 물어보세요.',
    frozen_by_guardian:
      '부모님이나 보호자가 구매를 잠시 멈춰 두었어요. 사고 싶다면 함께 이야기해 보세요.',
    currency_not_supported:
      '여기서 쓸 수 있는 돈은 한 가지예요: {currency}. 그 돈으로 가격이 적힌 것을 골라 보세요.',
    other: '지금은 이것을 살 수 없어요. 궁금한 점은 부모님이나 보호자에게 물어보세요.',
    paid: '구매했고 결제도 끝났어요. 더 할 일은 없어요.',
    paid_late: '구매했어요. 결제가 조금 늦었지만 잘 끝났어요.',
    pending: '결제가 아직 끝나지 않았어요. 다시 결제하지 마세요. 끝나면 여기에 표시돼요.',
    waiting_for_guardian:
      '먼저 부모님이나 보호자가 허락해야 해요. 아직 돈을 내지 않았어요. 답을 기다려 주세요.',
    refunded: '돈을 돌려받았어요. 지금 얼마를 쓸 수 있는지 확인해 보세요.',
    partly_refunded: '돈의 일부를 돌려받았어요. 지금 얼마를 쓸 수 있는지 확인해 보세요.',
    not_paid: '이것을 사지 않았어요. 돈은 나가지 않았어요.',
    failed: '결제가 되지 않았어요. 돈은 나가지 않았으니 다시 해 볼 수 있어요.',
    unknown: '돈이 나갔는지 아직 알 수 없어요. 다시 결제하지 마세요. 잠시 후에 다시 확인해 보세요.',
    unavailable: '상점에 연결할 수 없어요. 돈은 나가지 않았어요. 잠시 후에 다시 해 보세요.',
    signed_out: '아직 누구인지 알 수 없어요. 물건을 사려면 로그인해 주세요.',
    allowance_unknown: '지금은 얼마를 쓸 수 있는지 보여 줄 수 없어요. 잠시 후에 다시 해 보세요.',
    no_limit: '정해진 한도가 없어요.',
  },
  adult: {
    transaction_cap_exceeded:
      '가격이 1회 구매 한도를 초과합니다. {cap} 이하의 상품은 구매할 수 있습니다.',
    cap_exceeded:
      '가격이 남은 한도를 초과합니다({period}). 한도 {cap}, 잔액 {remaining}. 지금은 {remaining} 이하의 상품을 구매할 수 있습니다. 한도는 {resets}부터 다시 시작됩니다.',
    lifetime_cap_exceeded:
      '가격이 남은 총한도를 초과합니다. 한도 {cap}, 잔액 {remaining}. 이 한도는 다시 시작되지 않습니다. {remaining} 이하의 상품은 구매할 수 있습니다.',
    cap_reached: '{cap} 한도를 모두 사용했습니다({period}). {resets}부터 다시 구매할 수 있습니다.',
    lifetime_cap_reached:
      '{cap} 총한도를 모두 사용했으며 다시 시작되지 않습니다. 이 규칙에서는 더 구매할 수 없습니다.',
    category_limit: '이 한도는 일부 종류의 상품에만 적용됩니다.',
    forbidden_for_age:
      '규칙에 따라 이 나이에는 구매할 수 없습니다. 등록된 나이가 잘못되었다면 다시 확인해 주세요.',
    forbidden_category: '규칙에 따라 이 나이에는 이런 종류의 상품을 구매할 수 없습니다.',
    something_else: '다른 상품은 구매할 수 있습니다.',
    age_unverified:
      '플레이어의 나이가 확인되지 않았거나 확인 방법의 신뢰도가 부족합니다. 나이를 확인한 후 다시 시도해 주세요.',
    age_not_precise:
      '플레이어가 {age}세 이상임이 증명되지 않았습니다. 증명이 있으면 이 구매를 다시 시도할 수 있습니다.',
    guardian_approval_required:
      '이 구매에는 부모나 보호자의 승인이 필요합니다. 승인을 받은 후 다시 시도해 주세요.',
    frozen_by_guardian:
      '부모나 보호자가 이 계정의 구매를 일시 중지했습니다. 해제는 그들만 할 수 있습니다.',
    currency_not_supported:
      '한도의 통화와 가격의 통화가 다릅니다. 다음 통화의 가격을 선택해 주세요: {currency}.',
    other: '지금은 이 구매를 할 수 없습니다. 고객 지원에서 사유를 확인할 수 있습니다.',
    paid: '결제되었습니다. 금액은 한도에 포함됩니다.',
    paid_late: '보류가 끝난 뒤에 결제되었습니다. 금액은 한도에 포함되며 한도를 초과할 수 있습니다.',
    pending: '결제가 완료되지 않았습니다. 완료될 때까지 금액이 보류됩니다. 다시 결제하지 마세요.',
    waiting_for_guardian:
      '앱 스토어가 부모나 보호자의 승인을 기다리고 있습니다. 아직 결제되지 않았으며 금액은 보류 중입니다.',
    refunded: '전액 환불되었습니다. 현재 사용할 수 있는 금액은 한도 화면에 표시됩니다.',
    partly_refunded: '일부 환불되었습니다. 현재 사용할 수 있는 금액은 한도 화면에 표시됩니다.',
    not_paid: '결제되지 않았습니다. 청구된 금액은 없으며 보류도 끝났습니다.',
    failed: '결제에 실패했습니다. 청구된 금액은 없으며 다시 시도할 수 있습니다.',
    unknown:
      '청구되었는지 아직 알 수 없습니다. 다시 결제하지 말고 먼저 이 구매의 상태를 확인해 주세요.',
    unavailable: '서버에 연결할 수 없습니다. 청구된 금액은 없습니다. 나중에 다시 시도해 주세요.',
    signed_out: '로그인하지 않았습니다. 구매하려면 로그인해 주세요.',
    allowance_unknown: '지금은 한도를 읽을 수 없습니다. 나중에 다시 시도해 주세요.',
    no_limit: '이 계정에는 한도가 없습니다.',
  },
  labels: {
    allowance: '쓸 수 있는 돈',
    transaction: '한 번에',
    day: '오늘',
    week: '이번 주',
    month: '이번 달',
    year: '올해',
    lifetime: '모두 합쳐서',
    other_period: '한도',
    left: '{cap} 중 {remaining} 남음',
    up_to: '{cap}까지',
    used: '{used} 사용, {cap} 중 {remaining} 남음',
    resets: '{resets}부터 다시 시작',
    some_things: '일부 물건만',
    loading: '잠시만요…',
    stale: '최신 정보가 아닐 수 있어요.',
    shelf: '살 수 있는 것',
    buy: '구매',
    buy_named: '구매: {product}, {price}',
    why: '왜 안 돼요?',
    why_named: '왜 안 돼요? {product}',
    confirm: '{product} — 살까요?',
    pay: '{price} 결제',
    paying: '결제하는 중이에요. 이 창은 닫아도 돼요.',
    bought: '구매 완료: {product}, {price}.',
    cancel: '나중에',
    close: '닫기',
    ok: '확인',
    retry: '다시 해 보기',
    check: '다시 확인',
    refused: '지금은 살 수 없어요',
    failed: '잘되지 않았어요',
    pending: '아직 끝나지 않았어요',
    unknown: '아직 확실하지 않아요',
    no_money: '돈은 나가지 않았어요.',
    rule: '어른을 위한 규칙 설명',
    law: '법률',
    guidance: '공개된 지침',
    operator: '이 상점의 한도',
    unconfirmed: '확인되지 않음',
    badge_price: '지금 쓸 수 있는 돈보다 비싸요',
    badge_age: '지금 나이에는 살 수 없어요',
    badge_proof: '먼저 나이를 확인해 주세요',
    badge_guardian: '먼저 어른의 허락이 필요해요',
    badge_other: '지금은 안 돼요',
  },
};
