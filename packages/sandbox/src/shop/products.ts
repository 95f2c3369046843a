/** A product. The server's price counts, not one from a page. */
export interface Product {
  readonly id: string;
  readonly price: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly category: string;
  /** Path of its picture. */
  readonly image: string;
  readonly title: { readonly en: string; readonly zh: string };
}

export const SHOP_CURRENCY = 'CNY';

/** A product with one of the pictures. */
function product(
  [id, price, category]: readonly [id: string, price: string, category: string],
  image: string,
  title: Product['title'],
): Product {
  const picture = `/page/art-${image}.svg`;
  return { id, price, currency: SHOP_CURRENCY, category, image: picture, title };
}

/** Prices below all caps and above each, two categories forbidden for minors, another currency. */
export const PRODUCTS: readonly Product[] = [
  product(['gems-60', '6.00', 'item'], 'gem', { en: '60 gems', zh: '60 颗宝石' }),
  product(['gems-300', '30.00', 'item'], 'gem', { en: '300 gems', zh: '300 颗宝石' }),
  product(['gems-480', '48.00', 'item'], 'gem', { en: '480 gems', zh: '480 颗宝石' }),
  product(['greenhouse', '60.00', 'item'], 'greenhouse', {
    en: 'Glass greenhouse',
    zh: '玻璃温室',
  }),
  product(['moon-bridge', '118.00', 'item'], 'bridge', { en: 'Moon bridge', zh: '月亮桥' }),
  product(['collector', '648.00', 'item'], 'collector', {
    en: 'Collector’s garden',
    zh: '典藏花园',
  }),
  product(['blind-box', '10.00', 'loot_box'], 'box', { en: 'Blind box of seeds', zh: '种子盲盒' }),
  product(['tip', '20.00', 'tip'], 'tip', { en: 'Tip for a streamer', zh: '打赏主播' }),
  {
    ...product(['gems-usd', '0.99', 'item'], 'gem', {
      en: 'Gems in dollars',
      zh: '美元宝石',
    }),
    currency: 'USD',
  },
];
