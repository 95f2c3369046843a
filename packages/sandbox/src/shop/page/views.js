import { explainRefusal, formatAmount } from '/client/index.js';
import { el } from './elements.js';
import { TEXTS } from './texts.js';

/** Texts and formats of a locale and a currency. */
export function speech(locale, currency) {
  return {
    locale,
    t: TEXTS[locale],
    money: (amount) => formatAmount(amount, currency, locale),
    titleOf: ({ title }) => title[locale === 'en' ? 'en' : 'zh'],
  };
}

export function allowanceView(allowance, { locale, t, money }) {
  const { blocked: reasons } = allowance;
  if (reasons.length > 0) return [el('p', {}, explainRefusal({ reasons, allowance }, locale))];
  if (allowance.limits.length === 0) return [el('p', {}, t.noLimits)];
  const { timeZone } = allowance.policy;
  const when = dateIn(locale, timeZone);
  const isOnce = ({ period }) => period === 'transaction';
  const once = allowance.limits.filter(isOnce);
  const others = allowance.limits.filter((limit) => !isOnce(limit));
  return [
    ...once.map(({ cap }) =>
      el('p', { class: 'once' }, el('b', {}, t.transaction), t.atMost(money(cap))),
    ),
    el('div', { class: 'meters' }, ...others.map((limit) => limitView(limit, { t, money, when }))),
  ];
}

function limitView({ id, period, cap, used, remaining, resetsAt }, { t, money, when }) {
  const isFull = Number(remaining) === 0;
  const left = t.left(money(remaining), money(cap));
  const bar = el('div', { class: 'bar' });
  bar.style.inlineSize = `${Math.min(1, Number(used) / Number(cap)) * 100}%`;
  const meter = {
    class: isFull ? 'meter full' : 'meter',
    role: 'meter',
    'aria-labelledby': id,
    'aria-valuemin': '0',
    'aria-valuemax': cap,
    'aria-valuenow': used,
    'aria-valuetext': `${t.spent(money(used))}, ${left}`,
  };
  const notes = [isFull && t.full, t.spent(money(used)), resetsAt && t.resets(when(resetsAt))];
  return el(
    'div',
    {},
    el('div', { class: 'limit-head' }, el('b', { id }, t[period]), el('span', {}, left)),
    el('div', meter, bar),
    el('p', { class: 'small' }, notes.filter(Boolean).join(' · ')),
  );
}

function dateIn(locale, timeZone) {
  const parts = { weekday: 'long', month: 'long', day: 'numeric' };
  const format = new Intl.DateTimeFormat(locale, { timeZone, ...parts });
  return (instant) => format.format(new Date(instant));
}

export function productView(product, { t, money, titleOf }, onclick) {
  const price = money(product.price);
  const title = titleOf(product);
  const label = t.buyNamed(title, price);
  const button = { type: 'button', class: 'main', 'aria-label': label, onclick };
  return el(
    'li',
    { class: 'product' },
    el('span', { class: `art art-${product.id}`, 'aria-hidden': 'true' }),
    el('h3', {}, title),
    el('p', { class: 'price' }, price),
    el('button', { ...button, 'data-product': product.id }, t.buy),
  );
}

export function saleView({ purchase, product }, { t, money, titleOf }, onclick) {
  const title = titleOf(product);
  const isRefunded = Number(purchase.refunded) > 0;
  const button = { type: 'button', 'aria-label': t.refundNamed(title), onclick };
  return el(
    'li',
    { class: 'sale' },
    el('span', {}, title),
    el('span', {}, money(purchase.amount)),
    isRefunded ? el('span', { class: 'badge' }, `↩ ${t.refunded}`) : el('button', button, t.refund),
  );
}

/** In place of what the server did not send. */
export function unreadableView({ t }, retry) {
  const button = el('button', { type: 'button', onclick: retry }, t.again);
  return el('div', { class: 'unreadable' }, el('p', {}, t.unreadable), button);
}

/** The refusal in words, and the policy rows in a disclosure for adults. */
export function refusalView(refusal, { locale, t }) {
  const rules = refusal.reasons.flatMap(({ row }) =>
    row === undefined ? [] : [`${row.citation} (${t[row.status]})`],
  );
  return [
    el('p', {}, explainRefusal(refusal, locale)),
    el('p', { class: 'small' }, t.refusedNote),
    el(
      'details',
      {},
      el('summary', {}, t.rule),
      ...[...new Set(rules)].map((rule) => el('p', { class: 'small' }, rule)),
    ),
  ];
}
