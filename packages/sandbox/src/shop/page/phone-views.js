import { el } from './elements.js';

/** The sheet of a store: what is bought, and what the player can do. */
export function sheetView(product, { t, money, titleOf, labelOf }, { store, choose }) {
  const button = (act, label, kind = '') =>
    el('li', {}, el('button', { type: 'button', class: kind, onclick: () => choose(act) }, label));
  const price = money(product.price, product.currency);
  return [
    el('h2', { id: 'sheet-title', tabindex: '-1' }, labelOf(store)),
    el('p', { class: 'bill' }, el('span', {}, titleOf(product)), el('b', {}, price)),
    el('p', { class: 'small' }, t.sheetHint),
    el(
      'ul',
      { class: 'acts' },
      button('buy', t.buy(price), 'main'),
      button('ask', t.ask),
      button('cancel', t.cancel),
    ),
  ];
}

/** What waits for a parent, and the parent's answers. */
export function requestsView(requests, { t, money, titleOf }, answer) {
  if (requests.length === 0) return el('p', { class: 'small' }, t.nobodyWaits);
  const rows = requests.map((request) => {
    const title = titleOf(request.product);
    const button = (isApproved, label, named) => {
      const onclick = () => answer(request, isApproved);
      return el('button', { type: 'button', 'aria-label': named, onclick }, label);
    };
    return el(
      'li',
      { class: 'request' },
      el('b', {}, `${title} · ${money(request.product.price, request.product.currency)}`),
      button(true, t.approve, t.approveNamed(title)),
      button(false, t.decline, t.declineNamed(title)),
    );
  });
  return el('ul', { class: 'requests' }, ...rows);
}

/** What happens without the game, and the time that passes. */
export function outsideView(product, { t, money, titleOf }, { buyOutside, wait }) {
  const label = t.buyOutside(titleOf(product), money(product.price, product.currency));
  return [
    el('p', { class: 'small' }, t.outsideHint),
    el('button', { type: 'button', onclick: () => buyOutside(product) }, label),
    el('p', { class: 'small' }, t.waitHint),
    el('button', { type: 'button', onclick: wait }, t.wait),
  ];
}
