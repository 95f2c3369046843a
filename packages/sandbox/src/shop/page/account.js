import { createClient } from '/client/index.js';

/** Nobody waits longer for the shop. The client has the same limit for its own calls. */
const TIMEOUT_MS = 10_000;

/** The client of a player. @param newId generates the ids of purchases */
export function clientOf(player, newId) {
  const path = `/shop/players/${player}`;
  return createClient({
    url: `${location.origin}/spendcap`,
    // Tokens are short-lived, so each call requests a new one.
    ageToken: async () => (await get(`${path}/age-token`)).text(),
    newId,
    lookUp: async (id) => {
      const response = await fetch(`${path}/purchases/${id}`);
      if (!response.ok) return response;
      const { state } = (await response.json()).purchase;
      const payments = { committed: 'paid', reserved: 'pending' };
      return { payment: payments[state] ?? 'failed' };
    },
  });
}

export function post(path, body) {
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body), signal });
}

async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

export async function json(path) {
  return (await get(path)).json();
}
