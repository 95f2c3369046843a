import type { CheckoutOutcome, Client, PaymentAnswer } from '../index.ts';
import type { CheckoutStep } from './checkout-view.ts';
import { priceOf } from './shelf.ts';
import type { CheckoutElement, OutcomeDetail } from './types.ts';

/** What a checkout shows, and what it can reach. */
export interface Flow {
  /** What the dialog shows; `null`: it is closed. */
  step: CheckoutStep | null;
  /** The ids of purchases that may have been paid, by client, product and price. */
  readonly unknown: WeakMap<Client, Map<string, string>>;
  /** Ends a check whose dialog was closed. */
  check: AbortController;
  readonly client: () => Client | null;
  readonly pay: () => CheckoutElement['pay'];
  /** Shows a step in the dialog, with focus on its heading. */
  readonly show: (step: CheckoutStep) => void;
  /** Shows a step in the dialog that is open, and leaves focus where it is. */
  readonly redraw: (step: CheckoutStep | null) => void;
  /** An outcome was reached; the player sees it in the dialog, or in a message. */
  readonly report: (detail: OutcomeDetail) => void;
}

type Ended = Pick<OutcomeDetail, 'product' | 'outcome'>;

/** Pays for the product that is shown. */
export async function runCheckout(flow: Flow): Promise<void> {
  const client = flow.client();
  const { step } = flow;
  if (client === null || step === null || step.kind === 'busy') return;
  const { product } = step;
  flow.check = new AbortController();
  let busy: CheckoutStep = { kind: 'busy', product, isPaying: false };
  flow.show(busy);
  // Paid again under another id, it could be paid twice.
  const unknown = flow.unknown.get(client) ?? new Map<string, string>();
  flow.unknown.set(client, unknown);
  const key = JSON.stringify([product.id, priceOf(product)]);
  const id = unknown.get(key) ?? '';
  const isUnknown = client.getSnapshot().purchases[id]?.status === 'unknown';
  const outcome = await client.checkout<PaymentAnswer>(
    { ...priceOf(product), ...(isUnknown && { id }) },
    (purchase) => {
      const isShown = flow.step === busy;
      busy = { kind: 'busy', product, isPaying: true };
      if (isShown) flow.redraw(busy);
      const pay = flow.pay();
      if (pay) return pay(purchase, product);
      reportError(new TypeError('<spendcap-checkout> needs `pay`'));
      return { payment: 'failed' };
    },
    { signal: flow.check.signal },
  );
  if (outcome.status === 'unknown') unknown.set(key, outcome.id);
  endCheckout(flow, { product, outcome }, busy);
  if (outcome.status === 'pending') await followCheckout(flow, { product, outcome });
}

/** Looks again what became of a purchase. */
export async function settleCheckout(flow: Flow): Promise<void> {
  const { step } = flow;
  if (step?.kind !== 'done' || !('settled' in step.outcome)) return;
  const { product } = step;
  const busy: CheckoutStep = { kind: 'busy', product, isPaying: true };
  flow.show(busy);
  endCheckout(flow, { product, outcome: await step.outcome.settled() }, busy);
}

/** The dialog was closed, by a button, Esc or the gesture that goes back. */
export function leaveCheckout(flow: Flow): void {
  if (flow.step?.kind === 'busy' && !flow.step.isPaying) flow.check.abort();
  flow.redraw(null);
}

/** A payment that waits for a bank or a parent is reported when it has ended. */
async function followCheckout(flow: Flow, { product, outcome }: Ended): Promise<void> {
  if (!('settled' in outcome)) return;
  const settled = await outcome.settled();
  if (settled.status === 'pending' || settled.status === 'unknown') return;
  const { step } = flow;
  const isShown = step?.kind === 'done' && step.outcome === outcome;
  endCheckout(flow, { product, outcome: settled }, isShown ? step : null);
}

/** Shows the outcome where the player is: in the dialog, or beside what they turned to. */
function endCheckout(flow: Flow, ended: Ended, shown: CheckoutStep | null): void {
  const isShown = shown !== null && flow.step === shown;
  if (isShown) flow.show({ kind: 'done', ...ended });
  flow.report({ ...ended, isShown });
}

/** The status of a purchase whose dialog is closed: a refusal has no room for its reasons. */
export function messageStatus({ status }: CheckoutOutcome<unknown>): string {
  return status === 'refused' || status === 'failed' ? 'not_paid' : status;
}
