import { formatAmount } from '/client/explain/index.js';
import { byId, el } from './elements.js';
import { TEXTS } from './texts.js';

/** Texts and formats of a locale and a currency. */
export function speech(locale, currency) {
  const textOf = (text) => text[locale === 'en' ? 'en' : 'zh'];
  return {
    locale,
    t: TEXTS[locale],
    money: (amount, code = currency) => formatAmount(amount, code, locale),
    textOf,
    titleOf: ({ title }) => textOf(title),
    labelOf: ({ label }) => textOf(label),
  };
}

/** Radio buttons in a fieldset, below its legend. */
export function showChoices(id, { items, isChosen, textOf }, choose) {
  const legend = byId(id).querySelector('legend');
  const choices = items.map((item) => {
    const radio = { type: 'radio', name: id, value: item.id ?? item.name };
    const input = el('input', { ...radio, checked: isChosen(item) });
    input.addEventListener('change', () => choose(item));
    return el('label', {}, input, el('span', {}, textOf(item)));
  });
  byId(id).replaceChildren(legend, ...choices);
}

/** One purchase: how it was paid, its state, and what can still be done. */
export function saleView(sale, { locale, t, money, titleOf, labelOf }, onclick) {
  const { purchase, product, method, cashier } = sale;
  const title = titleOf(product);
  const state = el('span', { class: 'small' }, `${labelOf(method)} · ${stateOf(purchase, t)}`);
  return el(
    'li',
    { class: 'sale' },
    el('span', {}, title, el('br'), state),
    el('span', {}, money(purchase.amount)),
    nextOf(),
  );

  function nextOf() {
    if (cashier !== null) {
      const href = `${cashier}?lang=${locale}`;
      return el('a', { class: 'button', href, 'aria-label': t.goOnNamed(title) }, t.goOn);
    }
    if (Number(purchase.refunded) > 0) return el('span', { class: 'badge' }, `↩ ${t.refunded}`);
    if (purchase.state !== 'committed') return el('span');
    return el('button', { type: 'button', 'aria-label': t.refundNamed(title), onclick }, t.refund);
  }
}

function stateOf({ state, late, reservedAt, expiresAt }, t) {
  // Money without a hold is recorded: such a purchase was never open.
  if (state === 'committed' && reservedAt === expiresAt) return t.paidOutside;
  if (state === 'committed') return late ? t.paidLate : t.paid;
  return state === 'reserved' ? t.held : t.released;
}

/** Lets time pass, while something is held; and how much has passed. */
export function clockView({ t }, { minutesAhead, isHeld, leap }) {
  const button = el('button', { type: 'button', onclick: leap }, t.leap);
  return [
    ...(isHeld ? [button, el('p', { class: 'small' }, t.leapHint)] : []),
    ...(minutesAhead > 0 ? [el('p', { class: 'small' }, t.ahead(minutesAhead))] : []),
  ];
}

/** In place of what the server did not send. */
export function unreadableView({ t }, retry) {
  const button = el('button', { type: 'button', onclick: retry }, t.again);
  return el('div', { class: 'unreadable' }, el('p', {}, t.unreadable), button);
}
