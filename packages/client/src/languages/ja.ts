import type { Messages } from '../explain/messages.ts';

/** Japanese. */
export const messages: Messages = {
  locale: 'ja',
  child: {
    transaction_cap_exceeded:
      '一度に使えるのは {cap} までです。{cap} 以下のものをえらんでください。',
    cap_exceeded:
      '今使えるのは {remaining} までです。もっと安いものをえらぶか、{resets}まで待ってください。',
    lifetime_cap_exceeded:
      '今使えるのは {remaining} までです。ここで使えるお金はこれで全部です。わからないときは、おうちの人に聞いてください。',
    cap_reached: '今使える分は全部使いました。{resets}からまた使えます。',
    lifetime_cap_reached:
      'ここで使える分は全部使いました。わからないときは、おうちの人に聞いてください。',
    category_limit: 'この上限は、この種類のものだけの上限です。',
    forbidden_for_age:
      'あなたの年齢では、ここで買い物ができません。わからないときは、おうちの人に聞いてください。',
    forbidden_category: 'あなたの年齢では、この種類のものは買えません。',
    something_else: 'ほかのものをさがしてみてください。',
    age_unverified:
      'まだあなたの年齢がわかりません。おうちの人に手伝ってもらって年齢をたしかめてから、もう一度ためしてください。',
    age_not_precise:
      'これを買うには、{age}歳以上だとわかるものが必要です。おうちの人に手伝ってもらってから、もう一度ためしてください。',
    guardian_approval_required:
      '買う前に、おうちの人が「いいよ」と言う必要があります。先に聞いてみてください。',
    frozen_by_guardian:
      'おうちの人が買い物を止めています。買いたいときは、おうちの人と話してください。',
    currency_not_supported:
      'ここで使えるお金は{currency}だけです。{currency}のねだんのものをえらんでください。',
    other: '今はこれを買えません。わからないときは、おうちの人に聞いてください。',
    paid: '買えました。お金もはらいました。ほかにすることはありません。',
    paid_late: '買えました。少し時間がかかりましたが、お金ははらい終わりました。',
    pending:
      'まだお金をはらい終わっていません。もう一度はらわないでください。終わったら、ここに出ます。',
    waiting_for_guardian:
      '先に、おうちの人の「いいよ」が必要です。まだお金ははらっていません。返事を待ってください。',
    refunded: 'お金がもどりました。今使えるお金を見てみてください。',
    partly_refunded: 'お金の一部がもどりました。今使えるお金を見てみてください。',
    not_paid: 'これは買っていません。お金ははらっていません。',
    failed: 'うまくはらえませんでした。お金は取られていないので、もう一度ためせます。',
    unknown:
      'お金をはらったかどうか、まだわかりません。もう一度はらわないでください。少し待ってから、また見てください。',
    unavailable:
      'お店につながりません。お金は取られていません。少し待ってから、もう一度ためしてください。',
    signed_out: 'あなたがだれか、まだわかりません。買い物をするには、ログインしてください。',
    allowance_unknown: '今使えるお金を表示できません。少し待ってから、もう一度ためしてください。',
    no_limit: 'あなたには上限がありません。',
  },
  adult: {
    transaction_cap_exceeded:
      '価格が1回の購入の上限を超えています。{cap} 以下であれば購入できます。',
    cap_exceeded:
      '価格が上限の残額を超えています（{period}）。上限 {cap}、残り {remaining} です。現在は {remaining} 以下であれば購入できます。上限は{resets}に更新されます。',
    lifetime_cap_exceeded:
      '価格が総額の上限の残額を超えています。上限 {cap}、残り {remaining} です。この上限は更新されません。{remaining} 以下であれば購入できます。',
    cap_reached: '上限 {cap} に達しました（{period}）。{resets}から再び購入できます。',
    lifetime_cap_reached:
      '総額の上限 {cap} に達しました。この上限は更新されないため、これ以上購入できません。',
    category_limit: 'この上限は一部の種類の商品だけを対象とします。',
    forbidden_for_age:
      '規則により、この年齢では購入できません。登録された年齢が誤っている場合は、再度確認してください。',
    forbidden_category: '規則により、この年齢ではこの種類の商品を購入できません。',
    something_else: 'ほかの商品は購入できます。',
    age_unverified:
      'プレイヤーの年齢が確認されていないか、確認方法の信頼性が足りません。年齢を確認してから、再度お試しください。',
    age_not_precise:
      'プレイヤーが{age}歳以上であることが証明されていません。証明があれば、この購入を再度試せます。',
    guardian_approval_required:
      'この購入には保護者の承認が必要です。承認を得てから、再度お試しください。',
    frozen_by_guardian:
      '保護者がこのアカウントの購入を停止しています。再開できるのは保護者だけです。',
    currency_not_supported:
      '上限の通貨は{currency}ですが、価格の通貨が異なります。{currency}の価格を選んでください。',
    other: '現在この購入はできません。理由はサポートで確認できます。',
    paid: '支払い済みです。金額は上限に算入されます。',
    paid_late: '保留の終了後に支払われました。金額は上限に算入され、上限を超える場合があります。',
    pending: '支払いは完了していません。完了まで金額は保留されます。再度支払わないでください。',
    waiting_for_guardian:
      'アプリストアが保護者の承認を待っています。支払いはまだで、金額は保留されています。',
    refunded: '全額返金されました。現在使える金額は残額の表示で確認できます。',
    partly_refunded: '一部返金されました。現在使える金額は残額の表示で確認できます。',
    not_paid: '支払われていません。請求はなく、金額の保留も終わりました。',
    failed: '支払いに失敗しました。請求はなく、再度お試しいただけます。',
    unknown:
      '請求されたかどうかは、まだ不明です。再度支払わず、まずこの購入の状態を確認してください。',
    unavailable: 'サーバーに接続できません。請求はありません。しばらくしてから再度お試しください。',
    signed_out: 'ログインしていません。購入するにはログインしてください。',
    allowance_unknown: '現在、残額を取得できません。しばらくしてから再度お試しください。',
    no_limit: 'このアカウントに上限はありません。',
  },
  labels: {
    allowance: '使えるお金',
    transaction: '1回',
    day: '今日',
    week: '今週',
    month: '今月',
    year: '今年',
    lifetime: '全部で',
    other_period: '上限',
    left: '残り {remaining}（{cap} のうち）',
    up_to: '{cap} まで',
    used: '使ったお金 {used}、残り {remaining}、上限 {cap}',
    resets: '{resets}からまた使えます',
    some_things: '一部のものだけ',
    loading: 'お待ちください…',
    stale: '古い数字かもしれません。',
    shelf: '買えるもの',
    buy: '買う',
    buy_named: '{product}を {price} で買う',
    why: 'どうして？',
    why_named: 'どうして？ {product}',
    confirm: '{product}を買いますか？',
    pay: '{price} をはらう',
    paying: 'お金をはらっています。このまどは、とじてもかまいません。',
    bought: '{product}を {price} で買いました。',
    cancel: '今はやめる',
    close: 'とじる',
    ok: 'わかりました',
    retry: 'もう一度ためす',
    check: 'もう一度見る',
    refused: '今はこれを買えません',
    failed: 'うまくいきませんでした',
    pending: 'まだ終わっていません',
    unknown: 'まだわかりません',
    no_money: 'お金は取られていません。',
    rule: '大人の方へ：この規則について',
    law: '法律',
    guidance: '公開された指針',
    operator: 'このお店の上限',
    unconfirmed: '未確認',
    badge_price: '今使えるお金より高いです',
    badge_age: 'あなたの年齢では買えません',
    badge_proof: '先に年齢をたしかめてください',
    badge_guardian: '先におうちの人に聞いてください',
    badge_other: '今は買えません',
  },
};
