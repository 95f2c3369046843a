import { byId, el } from './elements.js';

const dialog = byId('dialog');
const title = byId('dialog-title');
/** Called once when the player leaves a purchase in flight. */
let onLeave = null;

/**
 * Fills the only dialog. Focus moves to its heading; when it closes, the browser returns focus to
 * the element that opened it. Screen readers announce `alert` immediately. A button without
 * `onclick` closes the dialog.
 */
export function showDialog({ heading, body = [], alert = [], buttons }) {
  title.textContent = heading;
  byId('dialog-body').replaceChildren(...body);
  byId('dialog-actions').replaceChildren(
    ...buttons.map(({ label, kind = '', onclick }) => {
      const click = onclick === undefined ? leave : () => isBusy() || onclick();
      return el('button', { type: 'button', class: kind, onclick: click }, label);
    }),
  );
  if (!dialog.open) dialog.showModal();
  title.focus();
  byId('dialog-alert').replaceChildren(...alert);
}

/** While a purchase is in flight its first button is disabled. Its last one and Esc leave it. */
export function setBusy({ body = [], label, leaveLabel, leave }) {
  byId('dialog-body').replaceChildren(...body);
  byId('dialog-alert').replaceChildren();
  const { firstElementChild: first, lastElementChild: last } = byId('dialog-actions');
  first.textContent = label;
  first.setAttribute('aria-disabled', 'true');
  last.textContent = leaveLabel;
  dialog.setAttribute('aria-busy', 'true');
  onLeave = leave;
}

export function setIdle() {
  dialog.removeAttribute('aria-busy');
  onLeave = null;
}

export function closeDialog() {
  dialog.close();
}

function isBusy() {
  return dialog.hasAttribute('aria-busy');
}

function leave() {
  const run = onLeave;
  onLeave = null;
  run?.();
  if (dialog.open) dialog.close();
}

// Esc, or the gesture of a phone that goes back.
dialog.addEventListener('close', leave);
