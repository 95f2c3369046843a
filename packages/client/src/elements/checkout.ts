import { html, LitElement, nothing, type TemplateResult } from 'lit';
import {
  earlierStep,
  type Flow,
  leaveCheckout,
  messageStatus,
  runCheckout,
  settleCheckout,
  unknownId,
} from './checkout-flow.ts';
import { type CheckoutStep, type StepActions, stepView } from './checkout-view.ts';
import { followPlayer, PLAYER_PROPERTIES, type Player } from './player.ts';
import { assertPrice, BUY_EVENT, type BuyDetail } from './shelf.ts';
import { baseStyles, checkoutStyles } from './styles.ts';
import type { CheckoutElement, ElementSettings, OutcomeDetail, ShopProduct } from './types.ts';

export function checkoutElement(settings: ElementSettings): CustomElementConstructor {
  return class extends LitElement implements CheckoutElement {
    static override properties = { ...PLAYER_PROPERTIES, pay: { attribute: false } };
    static override styles = [baseStyles, checkoutStyles];
    declare client: CheckoutElement['client'];
    declare locale: string | undefined;
    declare pay: CheckoutElement['pay'];
    readonly #player = followPlayer(this, settings);
    readonly #flow = flowOf(this, this.#player, (text) => this.#say(text));
    #message = '';

    constructor() {
      super();
      this.addEventListener(BUY_EVENT, (event) => {
        const { product, decision } = (event as CustomEvent<BuyDetail>).detail;
        if (decision?.allowed !== false) return this.open(product);
        this.#say('');
        const outcome = { status: 'refused', id: '', ...decision } as const;
        const refused: CheckoutStep = { kind: 'done', product, outcome, steps: new Map() };
        // What it has spent itself may be what is missing now.
        this.#flow.show(earlierStep(this.#flow, product) ?? refused);
      });
    }

    open(product: ShopProduct): void {
      assertPrice(product);
      this.#say('');
      const kind = this.#player().client === null ? 'signed_out' : 'confirm';
      const earlier = earlierStep(this.#flow, product);
      const isOpen = earlier !== undefined && unknownId(earlier) === undefined;
      this.#flow.show(isOpen ? earlier : { kind, product });
    }

    close(): void {
      this.renderRoot.querySelector('dialog')?.close();
      leaveCheckout(this.#flow);
    }

    protected override render(): TemplateResult {
      const player = this.#player();
      // The event comes later, when the dialog may be open again.
      const leave = ({ target }: Event) =>
        (target as HTMLDialogElement).open || leaveCheckout(this.#flow);
      const actions: StepActions = {
        pay: () => runCheckout(this.#flow),
        check: () => settleCheckout(this.#flow),
        close: () => this.close(),
      };
      return html`
        <slot></slot>
        <dialog part="dialog" lang=${player.lang} dir=${player.dir} aria-labelledby="title"
          @close=${leave}>
          ${stepView(this.#flow.step, player, actions)}
        </dialog>
        ${messageView(this.#message, player, () => this.#say(''))}`;
    }

    #say(text: string): void {
      this.#message = text;
      this.requestUpdate();
    }
  };
}

/** @param say shows a message beside the page, without the dialog */
function flowOf(
  host: LitElement & CheckoutElement,
  player: () => Player,
  say: (text: string) => void,
): Flow {
  const flow: Flow = {
    step: null,
    steps: new WeakMap(),
    client: () => player().client,
    pay: () => host.pay,
    redraw(step) {
      flow.step = step;
      host.requestUpdate();
    },
    show(step) {
      flow.redraw(step);
      void host.updateComplete.then(() => focusOn(flow, step, host.renderRoot));
    },
    report(detail) {
      const { product, outcome, isShown } = detail;
      if (!isShown) say(`${product.name}: ${player().status(messageStatus(outcome))}`);
      const options = { detail, bubbles: true, composed: true };
      host.dispatchEvent(new CustomEvent<OutcomeDetail>('spendcap-outcome', options));
    },
  };
  return flow;
}

function focusOn(flow: Flow, step: CheckoutStep, root: LitElement['renderRoot']): void {
  const dialog = root.querySelector('dialog');
  if (dialog === null || flow.step !== step) return;
  if (!dialog.open) dialog.showModal();
  dialog.querySelector('h2')?.focus();
}

/** The live region exists before its text. */
function messageView(text: string, { lang, dir, label }: Player, close: () => void) {
  return html`
    <div part="message ${text === '' ? 'empty' : ''}" lang=${lang} dir=${dir}>
      <p role="status">${text}</p>
      ${
        text === ''
          ? nothing
          : html`<button part="button" type="button" @click=${close}>${label('close')}</button>`
      }
    </div>`;
}
