import type { CheckoutOutcome, Client, PaymentAnswer } from '../index.ts';
import type { CheckoutStep, Steps } from './checkout-view.ts';
import { priceOf } from './shelf.ts';
import type { CheckoutElement, OutcomeDetail, ShopProduct } from './types.ts';

/** What a checkout shows, and what it can reach. */
export interface Flow {
  /** What the dialog shows; `null`: it is closed. */
  step: CheckoutStep | null;
  readonly steps: WeakMap<Client, Steps>;
  readonly client: () => Client | null;
  readonly pay: () => CheckoutElement['pay'];
  /** Shows a step in the dialog, with focus on its heading. */
  readonly show: (step: CheckoutStep) => void;
  /** Shows a step in the dialog that is open, and leaves focus where it is. */
  readonly redraw: (step: CheckoutStep | null) => void;
  /** An outcome was reached; the player sees it in the dialog, or in a message. */
  readonly report: (detail: OutcomeDetail) => void;
}

type Ended = Extract<CheckoutStep, { kind: 'done' }>;

/** The purchase of a product that is under way, or may have been paid. */
export function earlierStep(flow: Flow, product: ShopProduct): CheckoutStep | undefined {
  const client = flow.client();
  const step = client ? stepsOf(flow, client).get(keyOf(product)) : undefined;
  if (step?.kind !== 'done') return step;
  // The game may have settled it itself.
  const { id, status } = step.outcome;
  return client?.getSnapshot().purchases[id]?.status === status ? step : undefined;
}

/** The id of a purchase that may have been paid: under another one it could be paid twice. */
export function unknownId(step: CheckoutStep | undefined): string | undefined {
  return step?.kind === 'done' && step.outcome.status === 'unknown' ? step.outcome.id : undefined;
}

/** Pays for the product that is shown. */
export async function runCheckout(flow: Flow): Promise<void> {
  const client = flow.client();
  const { step } = flow;
  if (step === null || step.kind === 'busy') return;
  const { product } = step;
  if (client === null) return flow.show({ kind: 'signed_out', product });
  const id = unknownId(earlierStep(flow, product));
  const check = new AbortController();
  const busy: CheckoutStep = { kind: 'busy', product, check };
  const steps = stepsOf(flow, client);
  steps.set(keyOf(product), busy);
  flow.show(busy);
  const outcome = await client.checkout<PaymentAnswer>(
    { ...priceOf(product), ...(id !== undefined && { id }) },
    (purchase) => {
      busy.check = null;
      flow.redraw(flow.step);
      const pay = flow.pay();
      if (pay) return pay(purchase, product);
      reportError(new TypeError('<spendcap-checkout> needs `pay`'));
      return { payment: 'failed' };
    },
    { signal: check.signal },
  );
  await endCheckout(flow, { kind: 'done', product, outcome, steps }, busy);
}

/** Looks again what became of a purchase. */
export async function settleCheckout(flow: Flow): Promise<void> {
  const { step } = flow;
  if (step?.kind !== 'done' || !('settled' in step.outcome)) return;
  const { product, steps } = step;
  const busy: CheckoutStep = { kind: 'busy', product, check: null };
  steps.set(keyOf(product), busy);
  flow.show(busy);
  await endCheckout(flow, { ...step, outcome: await step.outcome.settled() }, busy);
}

/** The dialog was closed, by a button, Esc or the gesture that goes back. */
export function leaveCheckout(flow: Flow): void {
  if (flow.step?.kind === 'busy') flow.step.check?.abort();
  flow.redraw(null);
}

/**
 * Shows the outcome where the player is: in the dialog, or beside what they turned to. A payment
 * that waits for a bank or a parent is reported again when it has ended.
 */
async function endCheckout(flow: Flow, ended: Ended, shown: CheckoutStep): Promise<void> {
  const { product, outcome, steps } = ended;
  const key = keyOf(product);
  if (steps.get(key) === shown) {
    if ('settled' in outcome) steps.set(key, ended);
    else steps.delete(key);
  }
  const isShown = flow.step === shown;
  if (isShown) flow.show(ended);
  flow.report({ product, outcome, isShown });
  if (outcome.status !== 'pending') return;
  const settled = await outcome.settled();
  if (!('settled' in settled)) return endCheckout(flow, { ...ended, outcome: settled }, ended);
  // It may take days: the player may buy another one.
  if (steps.get(key) === ended) steps.delete(key);
}

function stepsOf(flow: Flow, client: Client): Steps {
  const steps = flow.steps.get(client) ?? new Map();
  flow.steps.set(client, steps);
  return steps;
}

function keyOf(product: ShopProduct): string {
  return JSON.stringify([product.id, priceOf(product)]);
}

/** The status of a purchase whose dialog is closed: a refusal has no room for its reasons. */
export function messageStatus({ status }: CheckoutOutcome<unknown>): string {
  return status === 'refused' || status === 'failed' ? 'not_paid' : status;
}
