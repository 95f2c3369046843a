import { json, post } from './account.js';

/**
 * The store of a phone for `devicePurchases`: a bridge of one's own, since the phone is a fake. It
 * gives the app every transaction until it is finished.
 */
export function phoneStore({ path, openSheet, abandoned, changed }) {
  let events = null;
  async function deliver() {
    const { unfinished } = await json(`${path}/phone`);
    // The newest first: what is not accepted stays, and must not pass for the open sheet's.
    for (const { product, token } of unfinished.toReversed()) {
      if (await events?.confirm({ product, token })) await post(`${path}/phone/finish`, { token });
    }
    await changed();
  }
  return {
    deliver,
    watch(given) {
      events = given;
      deliver().catch(() => undefined);
      return () => {
        events = null;
      };
    },
    async buy(product, tokens) {
      const act = await openSheet(product);
      if (act === 'cancel') {
        await abandoned();
        events?.ended(product, 'failed');
        return changed();
      }
      await succeeded(post(`${path}/phone/${act}`, { product, tokens }));
      if (act === 'ask') {
        events?.ended(product, 'pending');
        return changed();
      }
      return deliver();
    },
  };
}

/** @throws Error if it was not answered, or not with success */
export async function succeeded(answer) {
  const response = await answer;
  if (!response.ok) throw new Error(`The shop responded with ${response.status}.`);
  return response;
}
