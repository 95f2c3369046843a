import type { Purchase } from '@spendcap/core';
import type { Limiter } from '@spendcap/server';
import type { SaleMethod } from './payments/method.ts';
import type { Product } from './products.ts';

/** What the shop itself knows of a purchase. The ledger knows the rest. */
export interface Sale {
  readonly id: string;
  readonly player: string;
  readonly product: Product;
  readonly method: SaleMethod;
}

/** A purchase as the page shows it. */
export interface ShownSale {
  readonly product: string;
  readonly method: string;
  readonly purchase: Purchase;
  /** Where it can still be paid, or `null`. */
  readonly cashier: string | null;
}

/** @throws Error for a sale without a purchase */
export async function shownSale(limiter: Limiter, sale: Sale): Promise<ShownSale> {
  const purchase = await limiter.get(sale.id);
  if (purchase === null) throw new Error('A sale has no purchase in the ledger.');
  const isOpen = purchase.state === 'reserved' && sale.method.cashier !== null;
  return {
    product: sale.product.id,
    method: sale.method.name,
    purchase,
    cashier: isOpen ? `/cashier/${sale.id}` : null,
  };
}
