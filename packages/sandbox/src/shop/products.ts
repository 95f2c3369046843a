/** A product. The server's price counts, not one from a page. */
export interface Product {
  readonly id: string;
  readonly price: string;
  readonly category?: string;
  readonly title: { readonly en: string; readonly zh: string };
}

export const SHOP_CURRENCY = 'CNY';

/** Prices below all caps and above each of them, and two categories forbidden for minors. */
export const PRODUCTS: readonly Product[] = [
  { id: 'gems-60', price: '6.00', title: { en: '60 gems', zh: '60 颗宝石' } },
  { id: 'gems-300', price: '30.00', title: { en: '300 gems', zh: '300 颗宝石' } },
  { id: 'gems-480', price: '48.00', title: { en: '480 gems', zh: '480 颗宝石' } },
  { id: 'greenhouse', price: '60.00', title: { en: 'Glass greenhouse', zh: '玻璃温室' } },
  { id: 'moon-bridge', price: '118.00', title: { en: 'Moon bridge', zh: '月亮桥' } },
  { id: 'collector', price: '648.00', title: { en: 'Collector’s garden', zh: '典藏花园' } },
  {
    id: 'blind-box',
    price: '10.00',
    category: 'loot_box',
    title: { en: 'Blind box of seeds', zh: '种子盲盒' },
  },
  {
    id: 'tip',
    price: '20.00',
    category: 'tip',
    title: { en: 'Tip for a streamer', zh: '打赏主播' },
  },
];
