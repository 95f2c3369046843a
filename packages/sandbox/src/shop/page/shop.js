import { defineElements } from '/client/elements/index.js';
import { messages as english } from '/client/languages/en.js';
import { messages as chinese } from '/client/languages/zh-CN.js';
import { clientOf, json, post } from './account.js';
import { byId, el } from './elements.js';
import { clockView, saleView, showChoices, speech, unreadableView } from './views.js';

const CHINESE = 'zh-CN';
/** While something is held, the page looks this often whether it still is. */
const LOOK_MS = 2_000;
const METHOD_KEY = 'star-garden.method';
const NOBODY = { id: 'nobody', title: { en: 'Not signed in', zh: '未登录' } };
const { players, products, currency, methods, stores, ...catalogue } =
  await json('/shop/catalogue');
let { minutesAhead } = catalogue;
const wanted = new URLSearchParams(location.search);
let locale = /^zh\b/i.test(wanted.get('lang') ?? navigator.language) ? CHINESE : 'en';
let player = [...players, NOBODY].find(({ id }) => id === wanted.get('player')) ?? players[1];
let method = methods.find(({ name }) => name === remembered()) ?? methods[0];
let words = speech(locale, currency);
let nextLook;

const [checkout, allowance, shelf] = ['checkout', 'allowance', 'shelf'].map(byId);
const base = () => `/shop/players/${player.id}`;
/** As the strictest processor takes it: at most 32 characters. */
const newId = () => crypto.randomUUID().replaceAll('-', '');
const clients = new Map(players.map(({ id }) => [id, clientOf(id, newId)]));

defineElements({ languages: [chinese, english] });
checkout.pay = ({ id }, product) =>
  post(`${base()}/purchases`, { id, product: product.id, method: method.name });
checkout.addEventListener('spendcap-outcome', async ({ detail: { outcome, isShown } }) => {
  if (outcome.status === 'pending' && isShown) {
    const { cashier } = await outcome.result.json();
    // The payment page replaces this one, unless the player has turned to something else.
    if (cashier !== null) return location.assign(`${cashier}?lang=${locale}`);
  }
  await showSales();
});

for (const input of byId('languages').querySelectorAll('input')) {
  input.checked = input.value === locale;
  input.addEventListener('change', () => {
    locale = input.value;
    showAll();
  });
}
// The browser's way back from a payment page may show this one as it was left.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
await showAll();
document.body.classList.remove('opening');

async function showAll() {
  words = speech(locale, currency);
  document.documentElement.lang = locale;
  document.title = words.t.brand;
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = words.t[element.dataset.text];
  }
  byId('phone').href = `/phone?lang=${locale}`;
  say('');
  showPlayers();
  showMethods();
  shelf.products = products.map(({ title, price: amount, ...product }) => {
    return { ...product, name: words.textOf(title), amount };
  });
  await showAccount();
}

function showPlayers() {
  const items = [...players, NOBODY];
  const isChosen = ({ id }) => id === player.id;
  showChoices('players', { items, isChosen, textOf: words.titleOf }, async (chosen) => {
    player = chosen;
    // Nothing of another player may remain, even if the new data cannot be read.
    for (const id of ['history', 'clock']) byId(id).replaceChildren();
    say(words.t.playing(words.titleOf(chosen)));
    await showAccount();
  });
}

function showMethods() {
  const isChosen = (each) => each === method;
  const choose = (chosen) => {
    method = chosen;
    remember(chosen.name);
    byId('paid-with').textContent = words.t.paidWith(words.labelOf(chosen));
  };
  choose(method);
  showChoices('methods', { items: methods, isChosen, textOf: words.labelOf }, choose);
}

/** Gives the player to the elements, and loads what the page shows of them. */
async function showAccount() {
  const client = clients.get(player.id) ?? null;
  for (const element of [checkout, allowance, shelf]) element.client = client;
  await Promise.all([showSales(), client?.refresh()]);
}

async function showSales() {
  const shown = player;
  clearTimeout(nextLook);
  const sales = shown === NOBODY ? [] : await readSales().catch(() => null);
  if (shown !== player) return;
  if (sales === null) byId('history').replaceChildren(unreadableView(words, showSales));
  else drawSales(sales);
}

async function readSales() {
  const sales = await json(`${base()}/purchases`);
  return sales.map((sale) => ({
    ...sale,
    product: products.find(({ id }) => id === sale.product),
    method: [...methods, ...stores].find(({ name }) => name === sale.method),
  }));
}

function drawSales(sales) {
  const rows = sales.map((sale) =>
    saleView(sale, words, () => refund(sale.purchase, sale.product)),
  );
  byId('history').replaceChildren(
    rows.length === 0 ? el('p', {}, words.t.nothing) : el('ul', { class: 'sales' }, ...rows),
  );
  const isHeld = sales.some(({ purchase }) => purchase.state === 'reserved');
  byId('clock').replaceChildren(...clockView(words, { minutesAhead, isHeld, leap }));
  if (isHeld) nextLook = setTimeout(look, LOOK_MS, sales);
}

/** Draws only what has changed, so that focus stays where it is. */
async function look(before) {
  const shown = player;
  const sales = await readSales().catch(() => before);
  if (shown !== player) return;
  const changed = sales.filter(
    ({ purchase }) => stateIn(before, purchase.id) === 'reserved' && purchase.state !== 'reserved',
  );
  if (changed.length === 0) {
    nextLook = setTimeout(look, LOOK_MS, before);
    return;
  }
  drawSales(sales);
  clients.get(player.id)?.refresh();
  const { t, titleOf } = words;
  const [{ purchase, product }] = changed;
  say((purchase.state === 'released' ? t.nowReleased : t.nowPaid)(titleOf(product)));
}

function stateIn(sales, id) {
  return sales.find(({ purchase }) => purchase.id === id)?.purchase.state;
}

/** Lets time pass: what nobody can pay any more is released. */
async function leap() {
  const response = await post('/shop/clock', {}).catch(() => null);
  if (response?.ok) ({ minutesAhead } = await response.json());
  await showSales();
  clients.get(player.id)?.refresh();
  // The button may no longer exist, so focus moves to the heading of its section.
  byId('history-title').focus();
  say(response?.ok ? words.t.ahead(minutesAhead) : words.t.unreadable);
}

async function refund(purchase, product) {
  const { t, money, titleOf } = words;
  const response = await post(`${base()}/purchases/${purchase.id}/refund`, {}).catch(() => null);
  await showSales();
  clients.get(player.id)?.refresh();
  // The button no longer exists, so focus moves to the heading of its section.
  byId('history-title').focus();
  const done = t.refundDone(titleOf(product), money(purchase.amount));
  say(response?.ok === true ? done : t.refundFailed);
}

function remembered() {
  try {
    return localStorage.getItem(METHOD_KEY);
  } catch {
    return null;
  }
}

function remember(name) {
  try {
    localStorage.setItem(METHOD_KEY, name);
  } catch {
    // The choice is then of this page only.
  }
}

function say(text) {
  byId('status').textContent = text;
}
