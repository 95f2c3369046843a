import { createClient } from '/client/index.js';
import { closeDialog, setBusy, setIdle, showDialog } from './dialog.js';
import { byId, el } from './elements.js';
import {
  allowanceView,
  productView,
  refusalView,
  saleView,
  speech,
  unreadableView,
} from './views.js';

const CHINESE = 'zh-CN';
/** Nobody waits longer for the shop. The client has the same limit for its own calls. */
const TIMEOUT_MS = 10_000;
const { personas, products, currency } = await json('/shop/catalogue');
const wanted = new URLSearchParams(location.search);
let locale = /^zh\b/i.test(wanted.get('lang') ?? navigator.language) ? CHINESE : 'en';
let player = personas.find(({ id }) => id === wanted.get('player')) ?? personas[1];
let words = speech(locale, currency);

const base = () => `/shop/players/${player.id}`;
const client = createClient({
  url: `${location.origin}/spendcap`,
  // Tokens are short-lived, so each call requests a new one.
  ageToken: async () => (await get(`${base()}/age-token`)).text(),
});

for (const input of byId('languages').querySelectorAll('input')) {
  input.checked = input.value === locale;
  input.addEventListener('change', () => {
    locale = input.value;
    showAll();
  });
}
await showAll();

async function showAll() {
  words = speech(locale, currency);
  document.documentElement.lang = locale;
  document.title = words.t.brand;
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = words.t[element.dataset.text];
  }
  say('');
  showPersonas();
  byId('products').replaceChildren(
    ...products.map((product) => productView(product, words, () => ask(product))),
  );
  await showAccount();
}

function showPersonas() {
  const legend = byId('personas').querySelector('legend');
  const choices = personas.map((persona) => {
    const radio = { type: 'radio', name: 'persona', value: persona.id };
    const input = el('input', { ...radio, checked: persona.id === player.id });
    input.addEventListener('change', async () => {
      player = persona;
      // Nothing of another player may remain, even if the new data cannot be read.
      byId('allowance').replaceChildren();
      byId('history').replaceChildren();
      say(words.t.playing(words.titleOf(persona)));
      await showAccount();
    });
    return el('label', {}, input, el('span', {}, words.titleOf(persona)));
  });
  byId('personas').replaceChildren(legend, ...choices);
}

/** Loads allowance and purchases from the server, after everything that may have changed them. */
async function showAccount() {
  const shown = player;
  try {
    const [allowance, sales] = await Promise.all([client.allowance(), json(`${base()}/purchases`)]);
    if (shown !== player) return;
    byId('allowance').replaceChildren(...allowanceView(allowance, words));
    const rows = sales.map((sale) => {
      const product = products.find(({ id }) => id === sale.product);
      return saleView({ ...sale, product }, words, () => refund(sale.purchase, product));
    });
    byId('history').replaceChildren(
      rows.length === 0 ? el('p', {}, words.t.nothing) : el('ul', { class: 'sales' }, ...rows),
    );
  } catch {
    if (shown !== player) return;
    // Outdated amounts would be wrong.
    for (const id of ['allowance', 'history']) {
      byId(id).replaceChildren(unreadableView(words, showAccount));
    }
  }
}

/** Shows the price before the purchase; the buyer can still cancel. */
function ask(product) {
  const { t, money, titleOf } = words;
  say('');
  // One id per intended purchase, so that repeated clicks and retries charge once.
  const purchase = {
    id: crypto.randomUUID(),
    amount: product.price,
    currency,
    ...(product.category === undefined ? {} : { category: product.category }),
  };
  showDialog({
    heading: t.ask(titleOf(product)),
    body: [el('p', {}, t.askDetail(money(product.price)))],
    buttons: [
      { label: t.yes(money(product.price)), kind: 'main', onclick: () => buy(product, purchase) },
      { label: t.no },
    ],
  });
}

async function buy(product, purchase) {
  const { t, money, titleOf } = words;
  const title = titleOf(product);
  const check = new AbortController();
  let hasLeft = false;
  let isPaying = false;
  const leave = () => {
    hasLeft = true;
    check.abort();
  };
  setBusy({ label: t.paying, leaveLabel: t.no, leave });
  const pay = ({ id }) => {
    isPaying = true;
    // The payment goes on without the dialog; the status says how it ended.
    const body = [el('p', {}, t.payingDetail)];
    setBusy({ body, label: t.paying, leaveLabel: t.close, leave });
    return post(`${base()}/purchases`, { id, product: product.id });
  };
  const { signal } = check;
  const outcome = await client.checkout(purchase, pay, { signal }).catch(() => null);
  if (!hasLeft) setIdle();

  if (outcome?.status === 'paid') {
    if (!hasLeft) closeDialog();
    await showAccount();
    say(t.bought(title, money(product.price)));
  } else if (hasLeft) {
    await showAccount();
    say(isPaying && outcome?.status !== 'refused' ? t.leftUnknown(title) : t.notBought(title));
  } else if (outcome?.status === 'refused') {
    const buttons = [{ label: t.ok, kind: 'main' }];
    showDialog({ heading: t.refusedTitle, alert: refusalView(outcome, words), buttons });
  } else {
    // The outcome may be unknown, so the retry uses the same purchase id.
    const again = { label: t.again, kind: 'main', onclick: () => buy(product, purchase) };
    const text = isPaying ? t.maybePaid : t.notPaid;
    const buttons = [again, { label: t.no }];
    showDialog({ heading: t.failedTitle, alert: [el('p', {}, text)], buttons });
    await showAccount();
  }
}

async function refund(purchase, product) {
  const { t, money, titleOf } = words;
  const response = await post(`${base()}/purchases/${purchase.id}/refund`, {}).catch(() => null);
  await showAccount();
  // The button no longer exists, so focus moves to the heading of its section.
  byId('history-title').focus();
  const done = t.refundDone(titleOf(product), money(purchase.amount));
  say(response?.ok === true ? done : t.refundFailed);
}

function say(text) {
  byId('status').textContent = text;
}

function post(path, body) {
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body), signal });
}

async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

async function json(path) {
  return (await get(path)).json();
}
