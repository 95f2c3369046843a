import type { CallOptions } from './deadline.ts';
import { failure } from './errors.ts';
import { checkNames } from './option-names.ts';
import { MAX_TIMEOUT_MS } from './timers.ts';
import type { ClientOptions, Product } from './types.ts';

const SELECTION = ['category', 'app'] as const;
const PRICE = ['amount', 'currency'] as const;
/** The fields of each kind of request. */
const FIELDS = {
  allowance: SELECTION,
  product: [...PRICE, 'category'],
  decision: [...PRICE, ...SELECTION],
  checkout: [...PRICE, ...SELECTION, 'id'],
} as const;

interface CheckOptions {
  readonly kind: keyof typeof FIELDS;
  readonly callOptions?: CallOptions;
  /** Where in the call the request is, such as `products[3].` */
  readonly path?: string;
}

/** @throws SpendcapClientError `invalid_request`, naming the first invalid field */
export function checkFields<T extends object>(request: T, options: CheckOptions): void {
  const { kind, callOptions = {}, path = '' } = options;
  const names: readonly string[] = FIELDS[kind];
  const refuse = (fault: string) => invalid(`The request ${fault}`);
  checkNames(request, names as readonly (keyof T)[], refuse);
  checkNames(callOptions, ['signal'], refuse);
  if (!names.includes('amount')) return;
  const { amount, currency } = request as Partial<Product>;
  if (!isAmount(amount)) throw invalid(`\`${path}amount\` must be a string such as "48.00"`);
  if (!isText(currency)) throw invalid(`\`${path}currency\` must be a string such as "CNY"`);
}

export function invalid(fault: string) {
  return failure('invalid_request', `${fault}.`);
}

export function isAmount(value: unknown): value is string {
  return typeof value === 'string' && /^\d+(\.\d+)?$/.test(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

const OPTIONS = [
  ...(['url', 'ageToken', 'signer', 'app', 'fetch', 'timeoutMs', 'newId'] as const),
  ...(['initialAllowance', 'lookUp', 'onFocus', 'now'] as const),
];

/** @throws TypeError for an unknown, missing or unusable option */
export function assertOptions(options: ClientOptions, platformFetch: unknown): void {
  const refuse = (fault: string) => new TypeError(`createClient ${fault}`);
  const need = (isMet: boolean, what: string) => {
    if (!isMet) throw refuse(`needs ${what}`);
  };
  checkNames(options, OPTIONS, refuse);
  const { url, ageToken, fetch = platformFetch, timeoutMs = 1 } = options;
  need(isText(url), '`url`');
  need(isText(ageToken) || typeof ageToken === 'function', '`ageToken`: a string or a function');
  need(typeof fetch === 'function', '`fetch` on this platform');
  need(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS, '`timeoutMs` in (0, 2^31)');
}
