import type { Decision } from '@spendcap/core/wire';
import type { CallOptions } from './deadline.ts';
import type { Parts } from './parts.ts';
import { previewOf } from './preview.ts';
import type { DecisionRequest, Product } from './types.ts';

/** Products of one request. */
const MAX_BATCH = 100;

/** Decisions on products, remembered as long as the allowance that they were made with. */
export function createShelf({ requests, state, current }: Parts) {
  let known: { readonly allowance: unknown; readonly decisions: Map<string, Decision> } | undefined;

  function decisionsNow(): Map<string, Decision> {
    const { allowance } = state.get().allowance;
    if (known?.allowance !== allowance) known = { allowance, decisions: new Map() };
    return known.decisions;
  }

  return {
    async check(request: DecisionRequest, callOptions: CallOptions): Promise<Decision> {
      const decision = await requests.decision(request, callOptions);
      if (request.app === undefined) decisionsNow().set(keyOf(request), decision);
      return decision;
    },
    async affordable(products: readonly Product[], callOptions: CallOptions) {
      const { apply } = current.begin();
      const parts: Promise<readonly Decision[]>[] = [];
      for (let at = 0; at < products.length; at += MAX_BATCH) {
        const part = products.slice(at, at + MAX_BATCH);
        parts.push(
          requests.batch(part, callOptions).then(({ decisions, allowance }) => {
            if (at === 0) apply(allowance);
            return decisions;
          }),
        );
      }
      const decisions = (await Promise.all(parts)).flat();
      products.forEach((product, index) => {
        decisionsNow().set(keyOf(product), decisions[index] as Decision);
      });
      state.notify();
      return decisions;
    },
    preview(product: Product): Decision | null {
      const { allowance } = state.get().allowance;
      const known = decisionsNow().get(keyOf(product));
      if (known || !allowance) return known ?? null;
      const preview = previewOf(allowance, product);
      // The same object until something changes.
      if (preview) decisionsNow().set(keyOf(product), preview);
      return preview;
    },
  };
}

function keyOf({ amount, currency, category = '' }: Product): string {
  return `${amount} ${currency} ${category}`;
}
