import { css } from 'lit';

// Comments are outside of the texts, which no bundler makes smaller.

/** Adopted as a constructed style sheet, so that a strict content security policy allows it. */
export const baseStyles = css`
  :host {
    --own-accent: var(--spendcap-accent, light-dark(#14695d, #79d3c1));
    --own-on-accent: var(--spendcap-on-accent, light-dark(#fff, #0d211d));
    --own-text: var(--spendcap-text, light-dark(#22302d, #e8ece9));
    --own-soft: var(--spendcap-soft, light-dark(#56635f, #a9b5b1));
    --own-line: var(--spendcap-line, light-dark(#dcd7ca, #38424a));
    --own-card: var(--spendcap-card, light-dark(#fffdf8, #1d2327));
    --own-fill: var(--spendcap-fill, light-dark(#e9e3d3, #2b3338));
    --own-warn: var(--spendcap-warn, light-dark(#9a5b00, #f0b967));
    --own-radius: var(--spendcap-radius, 14px);
    display: block;
    color: var(--own-text);
  }
  :host([hidden]) {
    display: none;
  }
  * {
    box-sizing: border-box;
    overflow-wrap: anywhere;
  }
  h2,
  h3,
  p,
  ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  h2 {
    font-size: 1.15rem;
    line-height: 1.3;
  }
  h3 {
    font-size: 1rem;
  }
  h2:focus {
    outline: none;
  }
  :focus-visible {
    outline: 3px solid var(--own-warn);
    outline-offset: 2px;
  }
  button {
    min-block-size: 2.5rem;
    padding: 0.35rem 1rem;
    border: 1.5px solid var(--own-accent);
    border-radius: 99px;
    background: transparent;
    color: var(--own-accent);
    font: inherit;
    font-weight: 600;
    cursor: pointer;
  }
  [part~='main'] {
    background: var(--own-accent);
    color: var(--own-on-accent);
  }
  [aria-disabled='true'] {
    opacity: 0.6;
    cursor: default;
  }
  summary {
    min-block-size: 1.5rem;
    cursor: pointer;
  }
  details,
  details p,
  [part='note'] {
    color: var(--own-soft);
    font-size: 0.875rem;
  }
  details p {
    margin-block-start: 0.5rem;
  }
  [part='allowance'],
  [part='product'],
  dialog {
    border: 1px solid var(--own-line);
    border-radius: var(--own-radius);
    background: var(--own-card);
  }
  [part='head'],
  [part='bill'] {
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    column-gap: 1rem;
    font-variant-numeric: tabular-nums;
  }
  [part='refusal'],
  [part~='done'] {
    display: grid;
    gap: 0.6rem;
  }
`;

/**
 * The body has room for two limits from the start, so that nothing below it moves. The bar of a
 * full limit is striped as well, so that the colour is not the only sign.
 */
export const allowanceStyles = css`
  [part='allowance'] {
    padding: 1.1rem 1.25rem 1.25rem;
  }
  [part='body'] {
    display: grid;
    align-content: start;
    justify-items: start;
    gap: 0.75rem;
    min-block-size: var(--spendcap-allowance-size, 8.5rem);
    margin-block-start: 0.75rem;
  }
  [part='limits'] {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr));
    gap: 0.75rem 2rem;
    inline-size: 100%;
  }
  [part='meter'] {
    block-size: 0.75rem;
    margin-block: 0.35rem;
    overflow: hidden;
    border: 1px solid var(--own-line);
    border-radius: 99px;
    background: var(--own-fill);
  }
  [part='bar'] {
    block-size: 100%;
    background: var(--own-accent);
    transition: inline-size 0.3s;
  }
  [part~='full'] [part='bar'] {
    background: repeating-linear-gradient(-45deg, var(--own-warn) 0 8px, transparent 8px 12px);
  }
  @media (forced-colors: active) {
    [part='bar'] {
      background: CanvasText;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    [part='bar'] {
      transition: none;
    }
  }
`;

/** The badge has its room before there is a decision. */
export const shelfStyles = css`
  [part='shelf'] {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(max(min(100%, 9rem), (100% - 2.7rem) / 4), 1fr));
    gap: 0.9rem;
  }
  [part='product'] {
    display: grid;
    grid-template-rows: auto 1fr auto auto auto;
    gap: 0.35rem;
    padding: 0.9rem;
  }
  [part='image'] {
    inline-size: 100%;
    block-size: 5.5rem;
    padding: 0.6rem;
    object-fit: contain;
    border-radius: 10px;
    background: var(--own-fill);
  }
  [part='name'] {
    grid-row: 2;
  }
  [part='price'] {
    grid-row: 3;
    color: var(--own-soft);
    font-variant-numeric: tabular-nums;
  }
  [part='badge'] {
    grid-row: 4;
    min-block-size: 2lh;
    color: var(--own-warn);
    font-size: 0.8125rem;
    line-height: 1.35;
  }
  [part~='button'] {
    grid-row: 5;
  }
  [part~='why'] {
    border-style: dashed;
  }
`;

/**
 * The message is where the player looks, wherever the page is scrolled to. The second half of a
 * double click must not press what has appeared under it: buttons rest.
 */
export const checkoutStyles = css`
  dialog {
    inline-size: min(28rem, calc(100vw - 2rem));
    padding: 1.5rem;
    color: var(--own-text);
  }
  dialog::backdrop {
    background: rgb(10 20 18 / 55%);
  }
  dialog > * + * {
    margin-block-start: 0.75rem;
  }
  [part~='result']:empty {
    margin: 0;
  }
  [part~='done'] {
    padding: 0.8rem 1rem;
    border-inline-start: 4px solid var(--own-warn);
    border-radius: 6px;
    background: var(--own-fill);
  }
  [part~='result']:not([part~='busy']) + [part='actions'] {
    animation: rest 500ms;
  }
  @keyframes rest {
    from,
    to {
      pointer-events: none;
    }
  }
  [part='actions'] {
    display: flex;
    flex-wrap: wrap;
    gap: 0.6rem;
    margin-block-start: 1.25rem;
  }
  [part='actions'] button {
    flex: 1 1 auto;
  }
  [part~='message'] {
    position: fixed;
    z-index: 1;
    inset-block-end: 1rem;
    inset-inline: 1rem;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 0.5rem 1rem;
    max-inline-size: 40rem;
    margin-inline: auto;
    padding: 0.6rem 1rem;
    border: 1px solid var(--own-line);
    border-inline-start: 4px solid var(--own-accent);
    border-radius: 6px;
    background: var(--own-card);
  }
  [part~='empty'] {
    display: block;
    inline-size: 1px;
    block-size: 1px;
    padding: 0;
    border: 0;
    overflow: hidden;
    clip-path: inset(50%);
  }
`;
