import { createCheckout } from './checkout.ts';
import { keepCurrent } from './current.ts';
import { assertOptions, checkFields, invalid } from './fields.ts';
import type { PaymentAnswer } from './outcome.ts';
import type { Parts } from './parts.ts';
import { createRequests, platform } from './requests.ts';
import { createShelf } from './shelf.ts';
import { createState } from './state.ts';
import type { CheckoutRequest, Client, ClientOptions, Pay } from './types.ts';

/**
 * Creates the player's side of spendcap. It is advisory: its data may be outdated, and only the
 * game's back end reserves.
 *
 * @throws TypeError for an unknown option, no `url`, no `ageToken`, or no `fetch` on this platform
 * @throws SpendcapClientError from methods that read, with `code`, `status` and `retryable`
 * @example
 * ```ts
 * import { createClient } from '@spendcap/client';
 * const limits = { currency: 'CNY', limits: [], blocked: [] };
 * const client = createClient({
 *   url: 'https://pay.example',
 *   ageToken: async () => 'token-of-the-signed-in-player',
 *   fetch: async () => Response.json(limits),
 * });
 * client.getSnapshot().allowance.status; // => 'loading'
 * await client.refresh();
 * client.getSnapshot().allowance.status; // => 'ready'
 * ```
 */
export function createClient(options: ClientOptions): Client {
  assertOptions(options, platform.fetch);
  const requests = createRequests(options);
  const state = createState(options.initialAllowance);
  const current = keepCurrent(state, () => requests.allowance({}, {}), options);
  const parts: Parts = { requests, state, current };
  const shelf = createShelf(parts);
  const { checkout, settle } = createCheckout(parts, options);
  return {
    async allowance(request = {}, callOptions = {}) {
      checkFields(request, { kind: 'allowance', callOptions });
      return requests.allowance(request, callOptions);
    },
    async check(request, callOptions = {}) {
      checkFields(request, { kind: 'decision', callOptions });
      return shelf.check(request, callOptions);
    },
    async affordable(products, callOptions = {}) {
      if (!Array.isArray(products)) throw invalid('`products` must be a list');
      products.forEach((product, index) => {
        checkFields(product, { kind: 'product', callOptions, path: `products[${index}].` });
      });
      return products.length === 0 ? [] : shelf.affordable(products, callOptions);
    },
    preview(product) {
      checkFields(product, { kind: 'product' });
      return shelf.preview(product);
    },
    async checkout<Result extends PaymentAnswer>(
      purchase: CheckoutRequest,
      pay: Pay<Result>,
      callOptions = {},
    ) {
      checkFields(purchase, { kind: 'checkout', callOptions });
      return checkout({ ...purchase, id: purchase.id ?? requests.newId() }, pay, callOptions);
    },
    settle,
    newId: requests.newId,
    refresh: current.refresh,
    subscribe: current.subscribe,
    getSnapshot: state.get,
    getServerSnapshot: () => state.server,
  };
}
