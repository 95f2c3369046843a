import { byId, el } from './elements.js';

const dialog = byId('dialog');
const title = byId('dialog-title');

/**
 * Fills the only dialog. Focus moves to its heading; when it closes, the browser returns focus to the
 * element that opened it. Screen readers announce `alert` immediately.
 */
export function showDialog({ heading, body = [], alert = [], buttons }) {
  title.textContent = heading;
  byId('dialog-body').replaceChildren(...body);
  byId('dialog-actions').replaceChildren(
    ...buttons.map(({ label, kind = '', onclick }) =>
      el('button', { type: 'button', class: kind, onclick: () => isBusy() || onclick() }, label),
    ),
  );
  if (!dialog.open) dialog.showModal();
  title.focus();
  byId('dialog-alert').replaceChildren(...alert);
}

/** While a purchase is in flight all buttons and Esc are disabled. */
export function setBusy(label) {
  const [button] = byId('dialog-actions').children;
  button.textContent = label;
  for (const each of byId('dialog-actions').children) each.setAttribute('aria-disabled', 'true');
  dialog.setAttribute('aria-busy', 'true');
}

function isBusy() {
  return dialog.hasAttribute('aria-busy');
}

export function closeDialog() {
  dialog.close();
}

export function setIdle() {
  dialog.removeAttribute('aria-busy');
}

dialog.addEventListener('cancel', (event) => {
  if (isBusy()) event.preventDefault();
});
