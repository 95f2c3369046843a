import { createClient } from '@spendcap/client';
import {
  AllowanceMeter,
  PurchaseGate,
  RefusalDialog,
  SpendcapProvider,
  useAffordable,
} from '@spendcap/client/react';
import * as React from 'react';
import { createElement as h, StrictMode, useState } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';

const PRODUCTS = ['48.00', '60.00'].map((amount) => ({ amount, currency: 'CNY' }));

const pay = (purchase) => fetch('/buy', { method: 'POST', body: JSON.stringify(purchase) });
const announce = ({ status }) => (status === 'paid' ? 'said: paid' : '');

function Shelf() {
  const { decisions } = useAffordable(PRODUCTS);
  return decisions.map((decision, index) => {
    const { amount } = PRODUCTS[index];
    return h('p', { key: amount }, `${amount}: ${decision?.allowed ? 'yes' : 'no'}`);
  });
}

function Buy({ purchase }) {
  const parts = ({ state, buy, reset }) => {
    const refusal = state.status === 'refused' ? state : null;
    return h(
      'div',
      { key: 'buy' },
      h('button', { type: 'button', onClick: buy }, `Buy ${purchase.amount}`),
      h(
        RefusalDialog,
        { refusal, title: 'Not today', closeLabel: 'Not now', onClose: reset },
        h('p', null, refusal?.reasons.map(({ code }) => code).join()),
      ),
    );
  };
  return h(PurchaseGate, { purchase, pay, announce }, parts);
}

function Shop({ options, ids = [] }) {
  const [client, setClient] = useState(() => createClient(options));
  const [isOpen, setOpen] = useState(true);
  globalThis.signIn = (url) => setClient(createClient({ ...options, url }));
  globalThis.setOpen = setOpen;
  globalThis.statuses = () => Object.values(client.getSnapshot().purchases).map((p) => p.status);
  if (!isOpen) return null;
  return h(
    SpendcapProvider,
    { client },
    h(AllowanceMeter, { label: 'This month' }),
    h(Shelf),
    ...PRODUCTS.map((price, index) => {
      const purchase = ids[index] ? { ...price, id: ids[index] } : price;
      return h(Buy, { key: price.amount, purchase });
    }),
  );
}

globalThis.React = React;
globalThis.mutations = [];
globalThis.start = ({ initial, hydrate, ids }) => {
  const options = {
    url: location.origin,
    ageToken: 'a.b.c',
    ...(initial && { initialAllowance: initial }),
  };
  const shop = h(StrictMode, null, h(Shop, { options, ids }));
  const main = document.querySelector('main');
  if (!hydrate) {
    const root = createRoot(main);
    globalThis.unmount = () => root.unmount();
    root.render(shop);
    return;
  }
  main.innerHTML = renderToString(shop);
  const seen = (records) => globalThis.mutations.push(...records.map(({ type }) => type));
  const watched = { subtree: true, childList: true, characterData: true };
  new MutationObserver(seen).observe(main, watched);
  hydrateRoot(main, shop);
};
