import type { Decision } from '@spendcap/core/wire';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { LabelKey } from '../explain/messages.ts';
import { isAmount, isText } from '../fields.ts';
import type { Client } from '../index.ts';
import { allowanceOf, followPlayer, PLAYER_PROPERTIES, type Player } from './player.ts';
import { baseStyles, shelfStyles } from './styles.ts';
import type { ElementSettings, ShelfElement, ShopProduct } from './types.ts';

/** The event of a shelf's buttons. */
export const BUY_EVENT = 'spendcap-buy';

/** The detail of the event: the product, and the decision that the shelf shows. */
export interface BuyDetail {
  readonly product: ShopProduct;
  readonly decision: Decision | null;
}

export function shelfElement(settings: ElementSettings): CustomElementConstructor {
  return class extends LitElement implements ShelfElement {
    static override properties = { ...PLAYER_PROPERTIES, products: { attribute: false } };
    static override styles = [baseStyles, shelfStyles];
    declare client: ShelfElement['client'];
    declare locale: string | undefined;
    declare products: readonly ShopProduct[];
    readonly #player = followPlayer(this, settings);
    /** What the server decided, for which client, allowance and products. */
    #judged: Judged = { client: null, basis: '', decisions: new Map() };

    /** The products that have a price. One without must not take the others away. */
    #products: readonly ShopProduct[] = [];

    protected override willUpdate(changed: Map<string, unknown>): void {
      if (changed.has('products')) this.#products = (this.products ?? []).filter(isSound);
    }

    protected override render(): TemplateResult {
      const player = this.#player();
      return html`
        <ul part="shelf" lang=${player.lang} dir=${player.dir} aria-label=${player.label('shelf')}>
          ${this.#products.map((product) => this.#card(product, player))}
        </ul>`;
    }

    /** The server decides on the whole shelf whenever allowance or products have changed. */
    protected override updated(): void {
      const player = this.#player();
      const { client } = player;
      const allowance = allowanceOf(player);
      const products = this.#products;
      if (client === null || allowance === null || products.length === 0) return;
      const basis = JSON.stringify([allowance.limits, allowance.blocked, products]);
      const { client: before, decisions } = this.#judged;
      if (client === before && basis === this.#judged.basis) return;
      this.#judged = { client, basis, decisions: client === before ? decisions : new Map() };
      void this.#judge(this.#judged, products);
    }

    async #judge(judged: Judged, products: readonly ShopProduct[]): Promise<void> {
      const decisions = await judged.client?.affordable(products.map(priceOf)).catch(() => []);
      // Meanwhile there may be newer ones, or another player.
      if (judged !== this.#judged || decisions === undefined) return;
      const byId = products.map(({ id }, index) => [id, decisions[index] ?? null] as const);
      this.#judged = { ...judged, decisions: new Map(byId) };
      this.requestUpdate();
    }

    #card(product: ShopProduct, player: Player): TemplateResult {
      const { name, amount, currency, image } = product;
      const price = player.money(amount, currency);
      const decision = this.#decisionOn(product, player);
      const isRefused = decision?.allowed === false;
      const named = player.label(isRefused ? 'why_named' : 'buy_named', { product: name, price });
      const detail: BuyDetail = { product, decision };
      const buy = () =>
        this.dispatchEvent(new CustomEvent(BUY_EVENT, { detail, bubbles: true, composed: true }));
      return html`
        <li part="product">
          ${image === undefined ? nothing : html`<img part="image" src=${image} alt="">`}
          <h3 part="name"><bdi>${name}</bdi></h3>
          <p part="price">${price}</p>
          <p part="badge">${isRefused ? player.label(badgeOf(decision)) : nothing}</p>
          <button part="button ${isRefused ? 'why' : 'buy'}" type="button" aria-label=${named}
            @click=${buy}>${player.label(isRefused ? 'why' : 'buy')}</button>
        </li>`;
    }

    #decisionOn(product: ShopProduct, { client }: Player): Decision | null {
      const judged = this.#judged.client === client ? this.#judged.decisions.get(product.id) : null;
      return judged ?? client?.preview(priceOf(product)) ?? null;
    }
  };
}

interface Judged {
  readonly client: Client | null;
  readonly basis: string;
  readonly decisions: ReadonlyMap<string, Decision | null>;
}

/** @throws TypeError that names the first invalid field */
export function assertPrice({ id, amount, currency }: ShopProduct): void {
  if (isAmount(amount) && isText(currency)) return;
  throw new TypeError(`Product ${id}: invalid \`${isAmount(amount) ? 'currency' : 'amount'}\``);
}

function isSound(product: ShopProduct): boolean {
  try {
    assertPrice(product);
    return true;
  } catch (error) {
    reportError(error);
    return false;
  }
}

/** The part of a product that spendcap decides on. */
export function priceOf({ amount, currency, category }: ShopProduct) {
  return { amount, currency, ...(category === undefined ? {} : { category }) };
}

const BADGES: readonly (readonly [RegExp, LabelKey])[] = [
  [/^age_/, 'badge_proof'],
  [/^forbidden_/, 'badge_age'],
  [/^guardian_/, 'badge_guardian'],
  [/_cap_exceeded$/, 'badge_price'],
];

function badgeOf({ reasons }: Extract<Decision, { allowed: false }>): LabelKey {
  const found = BADGES.find(([codes]) => reasons.some(({ code }) => codes.test(code)));
  return found?.[1] ?? 'badge_other';
}
