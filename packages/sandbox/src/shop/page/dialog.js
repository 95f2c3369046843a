import { byId, el } from './elements.js';

const dialog = byId('dialog');
const title = byId('dialog-title');

/**
 * Fills the one dialog. Focus goes to its heading; when it closes, the browser gives it back to what
 * opened it. `alert` is read out at once, wherever the focus is.
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

/** While a purchase is on its way nothing can be pressed, and Esc waits for the outcome. */
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
