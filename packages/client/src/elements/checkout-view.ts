import { html, nothing, type TemplateResult } from 'lit';
import type { LabelKey } from '../explain/messages.ts';
import type { CheckoutOutcome } from '../index.ts';
import type { Player } from './player.ts';
import { refusalView } from './refusal.ts';
import type { ShopProduct } from './types.ts';

/** What the dialog shows. */
export type CheckoutStep =
  | { readonly kind: 'signed_out'; readonly product: ShopProduct }
  | { readonly kind: 'confirm'; readonly product: ShopProduct }
  | {
      readonly kind: 'busy';
      readonly product: ShopProduct;
      /** Ends the check before the payment; `null` as soon as that has begun. */
      check: AbortController | null;
    }
  | {
      readonly kind: 'done';
      readonly product: ShopProduct;
      readonly steps: Steps;
      readonly outcome: CheckoutOutcome<unknown>;
    };

/** Of one player: purchases that are under way or may have been paid, by product and price. */
export type Steps = Map<string, CheckoutStep>;

/** What the buttons do. */
export interface StepActions {
  readonly pay: () => void;
  readonly check: () => void;
  readonly close: () => void;
}

interface Shown {
  readonly heading: string;
  readonly body: TemplateResult | typeof nothing;
  /** A result, which a screen reader says when it comes. */
  readonly result?: TemplateResult;
  readonly main?: { readonly text: string; readonly act?: () => void };
  readonly leave?: LabelKey;
}

export function stepView(
  step: CheckoutStep | null,
  player: Player,
  actions: StepActions,
): TemplateResult | typeof nothing {
  if (step === null) return nothing;
  const { heading, body, result, main, leave } = shownOf(step, player, actions);
  return html`
    <h2 part="title" id="title" tabindex="-1">${heading}</h2>
    ${body}
    <div part="result ${step.kind}" role="alert">${result ?? nothing}</div>
    <div part="actions">
      ${
        main &&
        html`
        <button part="button main" type="button" aria-disabled=${main.act === undefined}
          @click=${() => main.act?.()}>${main.text}</button>`
      }
      ${
        leave &&
        html`
        <button part="button" type="button" @click=${actions.close}>${player.label(leave)}</button>`
      }
    </div>`;
}

function shownOf(step: CheckoutStep, player: Player, actions: StepActions): Shown {
  const { label, money, status } = player;
  const { name, amount, currency } = step.product;
  const price = money(amount, currency);
  const heading = label('confirm', { product: name });
  const bill = html`<p part="bill"><bdi>${name}</bdi> <b part="price">${price}</b></p>`;
  if (step.kind === 'signed_out') {
    return { heading, body: html`<p>${status('signed_out')}</p>`, leave: 'close' };
  }
  if (step.kind === 'confirm') {
    const body = html`${bill}<slot name="confirm"></slot>`;
    const main = { text: label('pay', { price }), act: actions.pay };
    return { heading, body, main, leave: 'cancel' };
  }
  if (step.kind === 'busy') {
    const body = html`${bill}<p>${step.check ? nothing : label('paying')}</p>`;
    const leave = step.check ? 'cancel' : 'close';
    return { heading, body, main: { text: label('loading') }, leave };
  }
  return { body: bill, ...endOf(step, player, actions) };
}

/** An outcome: its text says whether money was taken. */
function endOf(
  { product, outcome }: Extract<CheckoutStep, { kind: 'done' }>,
  player: Player,
  actions: StepActions,
): Omit<Shown, 'body'> {
  const { label, money, status } = player;
  const text = (key: string) => html`<p>${status(key)}</p>`;
  switch (outcome.status) {
    case 'paid': {
      const values = { product: product.name, price: money(product.amount, product.currency) };
      const main = { text: label('ok'), act: actions.close };
      return { heading: label('bought', values), result: text('paid'), main };
    }
    case 'refused': {
      const main = { text: label('ok'), act: actions.close };
      return { heading: label('refused'), result: refusalView(outcome, player), main };
    }
    case 'pending':
      return {
        heading: label('pending'),
        result: text(isForGuardian(outcome.result) ? 'waiting_for_guardian' : 'pending'),
        main: { text: label('ok'), act: actions.close },
      };
    case 'failed': {
      const key = outcome.error === undefined ? 'failed' : 'unavailable';
      const main = { text: label('retry'), act: actions.pay };
      return { heading: label('failed'), result: text(key), main, leave: 'cancel' };
    }
    default: {
      const main = { text: label('check'), act: actions.check };
      return { heading: label('unknown'), result: text('unknown'), main, leave: 'close' };
    }
  }
}

/** `pay` may say who a pending payment waits for. */
function isForGuardian(result: unknown): boolean {
  return (result as { readonly waitsFor?: unknown } | undefined)?.waitsFor === 'guardian';
}
