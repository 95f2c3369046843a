/**
 * Runs in the page: names every text that sticks out of its element's host or of the page, is cut
 * off, or overlaps another one. Fonts differ between machines, so boxes are compared with each
 * other and not with stored pictures.
 */
export const LAYOUT_FAULTS = `(() => {
  const SLACK = 1.5;
  const faults = [];
  const named = (node) => node.parentElement.localName + ' ' + node.data.trim().slice(0, 40);
  const dialog = [...document.querySelectorAll('spendcap-checkout')]
    .map((checkout) => checkout.shadowRoot.querySelector('dialog[open]')).find(Boolean);
  const roots = dialog
    ? [dialog]
    : [...document.querySelectorAll('#gallery *')].flatMap((host) => host.shadowRoot ?? []);
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is too wide');
  // What is disclosed on demand has to fit as well.
  for (const root of roots) for (const more of root.querySelectorAll('details')) more.open = true;
  for (const root of roots) {
    const frame = (root.host ?? root).getBoundingClientRect();
    const texts = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.data.trim() === '' || node.parentElement.closest('[part~=empty], style')) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter(({ width, height }) => width && height);
      for (const box of boxes) {
        if (box.left < frame.left - SLACK || box.right > frame.right + SLACK ||
            box.top < frame.top - SLACK || box.bottom > frame.bottom + SLACK) {
          faults.push(named(node) + ' sticks out');
        }
      }
      let around = node.parentElement;
      for (; around && around !== root; around = around.parentElement) {
        const style = getComputedStyle(around);
        const isCut = style.overflowX !== 'visible' && around.scrollWidth > around.clientWidth + 1;
        const button = around.localName === 'button' ? around.getBoundingClientRect() : null;
        const leaves = button && boxes.some((box) =>
          box.left < button.left || box.right > button.right ||
          box.top < button.top - SLACK || box.bottom > button.bottom + SLACK);
        if (isCut || leaves) faults.push(named(node) + ' is cut off');
      }
      texts.push({ node, boxes });
    }
    for (const [index, one] of texts.entries()) {
      for (const other of texts.slice(index + 1)) {
        const overlaps = one.boxes.some((a) => other.boxes.some((b) => {
          const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
          // Line boxes of fallback fonts are taller than their lines.
          const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
          return width > SLACK && height > Math.min(a.height, b.height) / 2;
        }));
        if (overlaps) faults.push(named(one.node) + ' overlaps ' + named(other.node));
      }
    }
  }
  return faults;
})()`;
