import type { Decision } from '@spendcap/core/wire';
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { CheckoutOutcome, PaymentAnswer } from '../outcome.ts';
import type { AllowanceState, PurchaseState, Snapshot } from '../state.ts';
import type { CheckoutRequest, Client, Pay, Product } from '../types.ts';
import { useSpendcap } from './context.ts';

// React keeps no state: it subscribes to the client's own. Nothing here knows the DOM.

/** A part of the client's state, on the server and in the first render as it was created. */
function useClientState<T>(part: (snapshot: Snapshot) => T): T {
  const client = useSpendcap();
  return useSyncExternalStore(
    client.subscribe,
    () => part(client.getSnapshot()),
    () => part(client.getServerSnapshot()),
  );
}

const allowanceIn = ({ allowance }: Snapshot) => allowance;

/** What the player may still spend, kept current while it is shown. */
export function useAllowance(): AllowanceState {
  return useClientState(allowanceIn);
}

/** `client.preview`, again after each change. */
export function usePreview(product: Product): Decision | null {
  const client = useSpendcap();
  return useClientState(() => client.preview(product));
}

/** What `usePurchase` returns. */
export interface PurchaseHook {
  readonly state: { readonly status: 'idle' } | PurchaseState;
  /**
   * `client.checkout`. While a purchase is under way, and after an `unknown` outcome, the same
   * price is the same purchase, so that the player pays once.
   */
  readonly buy: <Result extends PaymentAnswer>(
    purchase: CheckoutRequest,
    pay: Pay<Result>,
  ) => Promise<CheckoutOutcome<Result>>;
  /** Forgets an outcome: `idle` again. */
  readonly reset: () => void;
}

const IDLE = { status: 'idle' } as const;

/** One purchase after another, such as those of one button. */
export function usePurchase(): PurchaseHook {
  const client = useSpendcap();
  const [last, setLast] = useState<CheckoutRequest & { readonly id: string }>();
  // Two clicks may come before React renders.
  const latest = useRef(last);
  const state = useClientState(({ purchases }) => (last && purchases[last.id]) ?? IDLE);
  const buy = useCallback<PurchaseHook['buy']>(
    (purchase, pay) => {
      const before = latest.current;
      const status = before && client.getSnapshot().purchases[before.id]?.status;
      const isOpen = status === 'checking' || status === 'paying' || status === 'unknown';
      const isSame = before && isOpen && keyOf(before) === keyOf(purchase);
      const id = purchase.id ?? (isSame ? before.id : client.newId());
      latest.current = { ...purchase, id };
      setLast(latest.current);
      return client.checkout({ ...purchase, id }, pay);
    },
    [client],
  );
  const reset = useCallback(() => {
    latest.current = undefined;
    setLast(undefined);
  }, []);
  return useMemo(() => ({ state, buy, reset }), [state, buy, reset]);
}

function keyOf({ amount, currency, category, app }: CheckoutRequest): string {
  return [amount, currency, category, app].join();
}

/**
 * The decision on each product of a shelf, in their order. `null` where there is none yet; before
 * the server has decided they are those of `client.preview`.
 */
export type AffordableState =
  | { readonly status: 'loading' | 'stale'; readonly decisions: readonly (Decision | null)[] }
  | { readonly status: 'ready'; readonly decisions: readonly Decision[] }
  | {
      readonly status: 'unavailable';
      readonly decisions: readonly (Decision | null)[];
      readonly error: unknown;
    };

interface Judged {
  readonly client: Client;
  readonly key: string;
  /** The allowance that it is about. */
  readonly allowance: unknown;
  readonly decisions?: readonly Decision[];
  readonly error?: unknown;
}

/** What of a shelf the player may buy now; decided again when the allowance changes. */
export function useAffordable(products: readonly Product[]): AffordableState {
  const client = useSpendcap();
  const key = JSON.stringify(products);
  const [judged, setJudged] = useState<Judged>();
  const isBusy = useRef(false);
  const allowance = useAllowance();
  useEffect(() => {
    const isMine = judged?.client === client && judged.key === key;
    if (isBusy.current || (isMine && judged.allowance === allowance.allowance)) return;
    isBusy.current = true;
    const settle = (found: Pick<Judged, 'decisions' | 'error'>) => {
      isBusy.current = false;
      setJudged({ client, key, allowance: client.getSnapshot().allowance.allowance, ...found });
    };
    const wanted: readonly Product[] = JSON.parse(key);
    client.affordable(wanted).then(
      (decisions) => settle({ decisions }),
      (error) => settle({ error }),
    );
  }, [client, key, judged, allowance]);
  return useMemo(() => {
    // Another player's decisions are not those of this one.
    const known = judged?.client === client && judged.key === key ? judged : undefined;
    if (known?.decisions) {
      const isCurrent = allowance.status === 'ready' && known.allowance === allowance.allowance;
      return { status: isCurrent ? 'ready' : 'stale', decisions: known.decisions };
    }
    const wanted: readonly Product[] = JSON.parse(key);
    const decisions = wanted.map((product) => allowance.allowance && client.preview(product));
    if (known === undefined) return { status: 'loading', decisions };
    return { status: 'unavailable', decisions, error: known.error };
  }, [client, key, judged, allowance]);
}
