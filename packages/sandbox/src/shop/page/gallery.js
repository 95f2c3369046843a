import { defineElements } from '/client/elements/index.js';
import { byId, el } from './elements.js';
import { DIALOGS, ITEMS, PRODUCTS } from './gallery-states.js';

const LANGUAGES = 'en ar de es fr id ja ko pt-BR th vi zh-CN zh-TW'.split(' ');
const wanted = new URLSearchParams(location.search);
const lang = LANGUAGES.find((name) => name === wanted.get('lang')) ?? 'en';
const { messages } = await import(`/client/languages/${lang}.js`);
defineElements({ languages: [messages] });

byId('languages').replaceChildren(
  ...LANGUAGES.map((name) => {
    const current = name === lang ? { 'aria-current': 'page' } : {};
    return el('li', {}, el('a', { href: `?lang=${name}`, ...current }, name));
  }),
);
byId('buttons').replaceChildren(
  ...DIALOGS.map((dialog) =>
    el(
      'button',
      { type: 'button', 'data-state': dialog.state, onclick: () => open(dialog) },
      dialog.state,
    ),
  ),
);
byId('gallery').replaceChildren(
  ...ITEMS.map(({ element: name, state, properties }) => {
    const title = `${name.replace('spendcap-', '')}: ${state}`;
    const element = Object.assign(el(name, { locale: lang }), properties);
    return el('section', { 'data-item': title }, el('h2', {}, title), element);
  }),
);
document.body.classList.remove('opening');

/** Plays the player up to the state. */
async function open({ client, pays }) {
  document.querySelector('spendcap-checkout')?.remove();
  const checkout = el('spendcap-checkout', { locale: lang });
  checkout.client = client;
  // Of a payment that is under way.
  checkout.pay = () => new Promise(() => undefined);
  document.body.append(checkout);
  checkout.open(PRODUCTS[0]);
  await checkout.updateComplete;
  if (pays) checkout.shadowRoot.querySelector('[part~="main"]').click();
}
