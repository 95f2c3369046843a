'use client';
import { createClient } from '@spendcap/client';
import { explainRefusal, explainStatus, formatAmount } from '@spendcap/client/explain';
import {
  AllowanceMeter,
  PurchaseGate,
  RefusalDialog,
  SpendcapProvider,
} from '@spendcap/client/react';
import { useState } from 'react';

const item = { currency: 'CNY', category: 'item' };
const PRODUCTS = [
  { id: 'gems-60', name: '60 gems', price: { amount: '6.00', ...item } },
  { id: 'greenhouse', name: 'Glass greenhouse', price: { amount: '60.00', ...item } },
];
const inWords = { locale: 'en' };
const SILENT = ['idle', 'checking', 'paying', 'refused'];
const announce = ({ status }) => (SILENT.includes(status) ? '' : explainStatus(status, inWords));
const newId = () => crypto.randomUUID().replaceAll('-', '');

/** It makes its own client: on a server a module is shared by all players. */
export function Shop({ player, ...initial }) {
  const ageToken = async () => (await fetch(`${player}/age-token`)).text();
  const [client] = useState(() => createClient({ url: '/spendcap', ageToken, newId, ...initial }));
  return (
    <SpendcapProvider client={client}>
      <h1>Seed shop</h1>
      <AllowanceMeter label="Spent this month" />
      {PRODUCTS.map((product) => (
        <Product key={product.id} player={player} {...product} />
      ))}
    </SpendcapProvider>
  );
}

function Product({ player, id: product, name, price }) {
  const headers = { 'content-type': 'application/json' };
  const pay = ({ id }) => {
    const body = JSON.stringify({ id, product, method: 'card' });
    return fetch(`${player}/purchases`, { method: 'POST', headers, body });
  };
  const text = `${name} ${formatAmount(price.amount, price.currency, inWords.locale)}`;
  return (
    <PurchaseGate purchase={price} pay={pay} announce={announce}>
      {({ state, decision, buy, isBusy, reset }) => (
        <div key={product}>
          <button type="button" disabled={isBusy} onClick={buy}>
            {decision?.allowed === false ? `Why not? ${text}` : `Buy ${text}`}
          </button>
          <RefusalDialog
            refusal={state.status === 'refused' ? state : null}
            title="Not now"
            closeLabel="OK"
            onClose={reset}
          >
            {state.status === 'refused' && <p>{explainRefusal(state, inWords)}</p>}
          </RefusalDialog>
        </div>
      )}
    </PurchaseGate>
  );
}
