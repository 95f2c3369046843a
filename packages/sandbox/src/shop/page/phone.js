import { devicePurchases } from '/client/device-purchases/index.js';
import { defineElements } from '/client/elements/index.js';
import { messages as english } from '/client/languages/en.js';
import { messages as chinese } from '/client/languages/zh-CN.js';
import { clientOf, json, post } from './account.js';
import { byId, el } from './elements.js';
import { phoneStore, succeeded } from './phone-device.js';
import { PHONE_TEXTS } from './phone-texts.js';
import { outsideView, requestsView, sheetView } from './phone-views.js';
import { saleView, showChoices, speech, unreadableView } from './views.js';

const CHINESE = 'zh-CN';
const { players, products, currency, methods, stores } = await json('/shop/catalogue');
const wanted = new URLSearchParams(location.search);
let locale = /^zh\b/i.test(wanted.get('lang') ?? navigator.language) ? CHINESE : 'en';
let player = players.find(({ id }) => id === wanted.get('player')) ?? players[1];
let store = stores.find(({ name }) => name === wanted.get('store')) ?? stores[0];
let words;
/** The app on the chosen phone: its player's client, and its purchases. */
let app;

const [checkout, allowance, shelf, sheet] = ['checkout', 'allowance', 'shelf', 'sheet'].map(byId);
const base = () => `/shop/players/${player.id}`;

defineElements({ languages: [chinese, english] });
checkout.pay = async (purchase, { id }) => {
  const report = await app.purchases.pay(id)(purchase);
  // The store says that it is pending; that a parent decides was chosen in the sheet.
  return report.payment === 'pending' ? { ...report, waitsFor: 'guardian' } : report;
};
for (const input of byId('languages').querySelectorAll('input')) {
  input.checked = input.value === locale;
  input.addEventListener('change', () => {
    locale = input.value;
    showAll();
    start();
  });
}
showAll();
await start();
document.body.classList.remove('opening');

/** The app starts: what an earlier start left unfinished is confirmed. */
async function start() {
  app?.purchases.stop();
  const path = `${base()}/stores/${store.name}`;
  let id;
  const device = phoneStore({
    path,
    openSheet,
    abandoned: () => succeeded(post(`${path}/app/abandon`, { id })),
    changed: () => showSales(),
  });
  // The App Store takes UUIDs only.
  const client = clientOf(player.id, () => crypto.randomUUID());
  app = {
    client,
    device,
    path,
    purchases: devicePurchases({
      store: device,
      async begin(purchase, product) {
        id = purchase.id;
        return post(`${path}/app/begin`, { id, product });
      },
      confirm: async (transaction) =>
        (await succeeded(post(`${path}/app/confirm`, transaction))).json(),
    }),
  };
  for (const element of [checkout, allowance, shelf]) element.client = client;
  await Promise.all([showSales(), client.refresh()]);
}

function showAll() {
  const spoken = speech(locale, currency);
  words = { ...spoken, t: { ...spoken.t, ...PHONE_TEXTS[locale] } };
  const { t, titleOf, labelOf } = words;
  document.documentElement.lang = locale;
  document.title = t.title;
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = t[element.dataset.text];
  }
  byId('shop').href = `/?lang=${locale}&player=${player.id}`;
  say('');
  const choice = (items, chosen, textOf) => ({
    items,
    isChosen: (each) => each === chosen,
    textOf,
  });
  showChoices('players', choice(players, player, titleOf), (chosen) => {
    player = chosen;
    return restart(t.playing(titleOf(chosen)));
  });
  showChoices('stores', choice(stores, store, labelOf), (chosen) => {
    store = chosen;
    return restart(labelOf(chosen));
  });
  byId('paid-with').textContent = t.paidWith(labelOf(store));
  shelf.products = products.map(({ title, price: amount, ...product }) => {
    return { ...product, name: words.textOf(title), amount };
  });
}

/** Nothing of another player or phone remains. */
async function restart(text) {
  for (const id of ['history', 'requests', 'outside']) byId(id).replaceChildren();
  showAll();
  say(text);
  await start();
}

/** What was bought, what waits for a parent, and what can be done around the phone. */
async function showSales() {
  const shown = app;
  const reads = [`${base()}/purchases`, `${app.path}/phone`].map(json);
  const [sales, phone] = await Promise.all(reads).catch(() => []);
  if (shown !== app) return;
  if (phone === undefined) {
    byId('history').replaceChildren(unreadableView(words, showSales));
    return;
  }
  const rows = sales.map((sale) => {
    const product = productOf(sale.product);
    const method = [...methods, ...stores].find(({ name }) => name === sale.method);
    return saleView({ ...sale, product, method }, words, () => refund(sale.purchase, product));
  });
  byId('history').replaceChildren(
    rows.length === 0 ? el('p', {}, words.t.nothing) : el('ul', { class: 'sales' }, ...rows),
  );
  const requests = phone.requests.map(({ id, product }) => ({ id, product: productOf(product) }));
  byId('requests').replaceChildren(requestsView(requests, words, answer));
  byId('outside').replaceChildren(...outsideView(products[0], words, { buyOutside, wait }));
  app.client.refresh();
}

function productOf(wantedId) {
  return products.find(({ id }) => id === wantedId);
}

/** The store's own sheet, above the game. Resolves to `buy`, `ask` or `cancel`. */
function openSheet(id) {
  const product = productOf(id);
  return new Promise((resolve) => {
    const choose = (act) => {
      resolve(act);
      sheet.close();
    };
    sheet.replaceChildren(...sheetView(product, words, { store, choose }));
    sheet.addEventListener('close', () => resolve('cancel'), { once: true });
    sheet.showModal();
    sheet.querySelector('h2').focus();
  });
}

/** A parent answers. The store gives what was approved to the app. */
async function answer({ id, product }, isApproved) {
  const { t, titleOf } = words;
  const request = { request: id, isApproved };
  const response = await post(`${app.path}/phone/answer`, request).catch(() => null);
  await app.device.deliver().catch(() => undefined);
  byId('parent-title').focus();
  const title = titleOf(product);
  const declined = store.name === 'app_store' ? t.declined : t.declinedKnown;
  if (response?.ok) say(isApproved ? t.approved(title) : declined(title));
  else say(response?.status === 409 ? t.requestEnded : t.noAnswer);
}

async function buyOutside(product) {
  const { t, titleOf, money } = words;
  const bought = { product: product.id };
  const response = await post(`${app.path}/phone/buy`, bought).catch(() => null);
  await app.device.deliver().catch(() => undefined);
  say(response?.ok ? t.boughtOutside(titleOf(product), money(product.price)) : t.noAnswer);
}

async function wait() {
  const response = await post('/shop/phone/clock', {}).catch(() => null);
  await showSales();
  say(response?.ok ? words.t.waited : words.t.unreadable);
}

async function refund({ id, amount }, product) {
  const { t, money, titleOf } = words;
  const response = await post(`${base()}/purchases/${id}/refund`, {}).catch(() => null);
  await showSales();
  // The button no longer exists, so focus moves to the heading of its section.
  byId('history-title').focus();
  say(response?.ok ? t.refundDone(titleOf(product), money(amount)) : t.refundFailed);
}

function say(text) {
  byId('status').textContent = text;
}
