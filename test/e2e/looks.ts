/**
 * Runs in the gallery: how every visible part of the open dialog, or of all items, looks. One line
 * each: its part, colours, size of the text, frame, and its own text. Boxes are left out, because
 * they depend on the machine's fonts. After an intended change run `vitest run test/e2e/gallery -u`
 * and read the difference.
 */
export const LOOKS = `(() => {
  const NONE = 'rgba(0, 0, 0, 0)';
  const dialog = document.querySelector('spendcap-checkout')
    ?.shadowRoot.querySelector('dialog[open]');
  const ownText = (element) => [...element.childNodes]
    .filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
    .map(({ data }) => data.trim().replaceAll(/\\s+/g, ' ')).join(' ').trim();
  const lookOf = (element) => {
    const style = getComputedStyle(element);
    const text = ownText(element);
    if (text === '' && !element.part?.length) return [];
    if (style.display === 'none' || style.visibility !== 'visible') return [];
    const frame = style.borderBlockEndStyle === 'none' || style.borderBlockEndWidth === '0px'
      ? [] : ['frame ' + style.borderBlockEndStyle + ' ' + style.borderBlockEndColor];
    const background = style.backgroundColor === NONE ? [] : ['on ' + style.backgroundColor];
    const letters = text === '' ? [] : [style.color, style.fontSize, style.fontWeight];
    const name = element.localName + (element.part?.length ? '[' + element.part.value + ']' : '');
    const look = [name, ...letters, ...background, ...frame].join(' ');
    return ['  ' + look + (text === '' ? '' : ' «' + text + '»')];
  };
  const looksIn = (root) => [...root.querySelectorAll('*:not(style)')].flatMap(lookOf);
  if (dialog) return [...lookOf(dialog), ...looksIn(dialog)].join('\\n');
  return [...document.querySelectorAll('[data-item]')].flatMap((item) => [
    item.dataset.item, ...looksIn(item.lastElementChild.shadowRoot),
  ]).join('\\n');
})()`;
