import { checkNames } from '../option-names.ts';
import { allowanceElement } from './allowance.ts';
import { checkoutElement } from './checkout.ts';
import { refusalElement } from './refusal.ts';
import { shelfElement } from './shelf.ts';
import type { ElementSettings } from './types.ts';

/**
 * Defines `<spendcap-allowance>`, `<spendcap-shelf>`, `<spendcap-checkout>` and
 * `<spendcap-refusal>`. Call it once for a page; on a server it does nothing.
 *
 * @throws TypeError for an unknown option, and without a language
 * @throws DOMException if the elements are defined already
 */
export function defineElements(settings: ElementSettings): void {
  checkNames(settings, ['client', 'languages'], refuse);
  if (!settings.languages?.[0]) throw refuse('needs `languages`');
  if (typeof customElements === 'undefined') return;
  customElements.define('spendcap-allowance', allowanceElement(settings));
  customElements.define('spendcap-shelf', shelfElement(settings));
  customElements.define('spendcap-checkout', checkoutElement(settings));
  customElements.define('spendcap-refusal', refusalElement(settings));
}

function refuse(fault: string): TypeError {
  return new TypeError(`defineElements ${fault}`);
}
