import type { Messages } from '../explain/messages.ts';
import type { ExplainedRefusal } from '../explain/refusal.ts';
import type { CheckedPurchase, CheckoutOutcome, Client, Pay } from '../index.ts';

/** What all elements of a page share. */
export interface ElementSettings {
  /** The signed-in player's client; `null` while nobody is signed in. */
  readonly client?: Client | null;
  /**
   * At least one: `messages` of `@spendcap/client/languages/en`, for example. The last one is for
   * locales whose language is not here.
   */
  readonly languages: readonly Messages[];
}

/** A product of the shop's own catalogue. Its name is shown as text, never as markup. */
export interface ShopProduct {
  readonly id: string;
  readonly name: string;
  /** Decimal string in `currency`, for example `"48.00"`. */
  readonly amount: string;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** A category of the policy: `tip`, `loot_box`, ... */
  readonly category?: string;
  /** URL of a picture, which needs no text: the name is beside it. */
  readonly image?: string;
}

/** What every element has. */
export interface PlayerElement extends HTMLElement {
  /** In place of the client of `defineElements`; `null`: nobody is signed in. */
  client: Client | null | undefined;
  /** BCP 47. Default: the nearest `lang` attribute, then the browser's language. */
  locale: string | undefined;
}

/** `<spendcap-allowance>`: what the player may still spend. */
export interface AllowanceElement extends PlayerElement {}

/**
 * `<spendcap-shelf>`: products, each with its price and either a button to buy it or the reason why
 * not. Dispatches `spendcap-buy` with the product, which the `<spendcap-checkout>` around it takes.
 */
export interface ShelfElement extends PlayerElement {
  /** One whose price is no decimal string with a currency is reported as an error, not shown. */
  products: readonly ShopProduct[];
}

/** `<spendcap-refusal>`: why a purchase was refused, and the rule for adults. */
export interface RefusalElement extends PlayerElement {
  refusal: ExplainedRefusal | null;
}

/** The detail of the event `spendcap-outcome`. */
export interface OutcomeDetail {
  readonly product: ShopProduct;
  readonly outcome: CheckoutOutcome<unknown>;
  /** False if the player has closed the dialog: the outcome is a message below the page. */
  readonly isShown: boolean;
}

/**
 * `<spendcap-checkout>`: confirms, pays, and shows what became of it in a dialog. Dispatches
 * `spendcap-outcome` after each attempt. The slot `confirm` is below the price.
 */
export interface CheckoutElement extends PlayerElement {
  /** Calls the game's back end, as `pay` of `client.checkout`. */
  pay: ((purchase: CheckedPurchase, product: ShopProduct) => ReturnType<Pay>) | null;
  /**
   * Starts the purchase of a product: for a button of your own, or a canvas. While an earlier one
   * of the same product and price is under way, shows that.
   *
   * @throws TypeError for a price that is no decimal string with a currency
   */
  open(product: ShopProduct): void;
  /** Closes the dialog, whatever it shows. */
  close(): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'spendcap-allowance': AllowanceElement;
    'spendcap-shelf': ShelfElement;
    'spendcap-checkout': CheckoutElement;
    'spendcap-refusal': RefusalElement;
  }
}
