/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
export { defineElements } from './define.ts';
export type {
  AllowanceElement,
  CheckoutElement,
  ElementSettings,
  OutcomeDetail,
  PlayerElement,
  RefusalElement,
  ShelfElement,
  ShopProduct,
} from './types.ts';
