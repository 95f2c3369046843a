import { byId, el } from './elements.js';
import { speech } from './views.js';

/** The pretend page of a processor: what the player does on it is requested of the fake. */
const CHINESE = 'zh-CN';
const TIMEOUT_MS = 10_000;
const locale = new URLSearchParams(location.search).get('lang') === CHINESE ? CHINESE : 'en';
const path = `/shop${location.pathname}`;
const { products, methods, currency } = await json('/shop/catalogue');
const { t, money, textOf, titleOf, labelOf } = speech(locale, currency);
const sale = await json(path).catch(() => null);

document.documentElement.lang = locale;
for (const element of document.querySelectorAll('[data-text]')) {
  element.textContent = t[element.dataset.text];
}
const method = sale === null ? null : methods.find(({ name }) => name === sale.method);
document.title = byId('method').textContent = method === null ? t.noPayment : labelOf(method);
if (sale === null) showEnd(t.noPaymentDetail);
else {
  byId('product').textContent = titleOf(products.find(({ id }) => id === sale.product));
  byId('amount').textContent = money(sale.purchase.amount);
  if (sale.cashier === null) showEnd(outcomeOf(sale));
  else showActs();
}

function showActs() {
  const { amount } = sale.purchase;
  const row = (control, hint) => el('li', {}, control, el('p', { class: 'small' }, hint));
  const button = (act, label, kind = '') =>
    el('button', { type: 'button', class: kind, onclick: () => run(act) }, label);
  byId('acts').replaceChildren(
    row(button('pay', t.yes(money(amount)), 'main'), t.payHint),
    row(button('cancel', t.cancelPay), textOf(method.whenCancelled)),
    row(el('a', { class: 'button', href: shopUrl() }, t.leaveOpen), t.leaveHint),
    row(button('late', t.payLate), t.payLateHint),
  );
}

async function run(act) {
  for (const button of byId('acts').querySelectorAll('button')) button.disabled = true;
  byId('status').textContent = t.paying;
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const init = { method: 'POST', headers, body: '{}', signal };
  const response = await fetch(`${path}/${act}`, init).catch(() => null);
  if (response?.ok) return showEnd(outcomeOf(await response.json()));
  if (response?.status === 409) {
    // It has ended before: in another tab, or by a request whose answer was lost.
    const now = await json(path).catch(() => null);
    return showEnd(now?.cashier === null ? outcomeOf(now) : t.paymentEnded);
  }
  byId('status').textContent = t.noAnswer;
  showActs();
  byId('acts').querySelector('button').focus();
}

/** What the ledger says now, and the only way on. */
function showEnd(text) {
  byId('status').textContent = text;
  const back = el('a', { class: 'button main', href: shopUrl() }, t.back);
  byId('acts').replaceChildren(el('li', {}, back));
  back.focus();
}

function outcomeOf({ purchase: { state, late } }) {
  if (state === 'committed') return late ? t.endedLate : t.endedPaid;
  return state === 'released' ? t.endedReleased : t.endedHeld;
}

function shopUrl() {
  const player = sale === null ? '' : `&player=${sale.player}`;
  return `/?lang=${locale}${player}`;
}

async function json(from) {
  const response = await fetch(from, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${from}: ${response.status}`);
  return response.json();
}
