import { CATEGORY_PATTERN, checkFields, invalidRequest, type OptionNames } from '@spendcap/core';
import type {
  CheckManyRequest,
  DecisionRequest,
  Player,
  PurchaseRequest,
  RecordRequest,
  ShelfProduct,
} from './types.ts';

/**
 * Ids of purchases and refunds: 1 to 128 of `A-Z a-z 0-9 . _ : -`, starting with a letter or digit.
 */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
export const APP_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
export const PROCESSOR_PATTERN = /^[a-z][a-z0-9_-]{0,31}$/;
/** Visible ASCII: what processors use, and safe in a header, a URL after encoding, and a log. */
export const PROCESSOR_REF_PATTERN = /^[\x21-\x7e]{1,512}$/;
/** Stored free text: no control characters, no lone surrogates. */
export const TEXT_PATTERN = /^[^\p{Cc}\p{Cs}]*$/u;
export const MAX_TEXT = 200;
export const MAX_METADATA = { entries: 20, key: 40, value: 200 } as const;
/** The duration of a hold, in seconds. */
export const HOLD_SECONDS = { min: 10, max: 30 * 24 * 60 * 60, default: 1_800 } as const;

/** `check` and `allowance` accept all of them, so that one object serves them and `reserve`. */
const REQUEST_FIELDS: OptionNames<PurchaseRequest> = {
  id: true,
  amount: true,
  currency: true,
  category: true,
  app: true,
  product: true,
  metadata: true,
  expiresInSeconds: true,
  onExpiry: true,
  guardianApproval: true,
  processor: true,
  processorRef: true,
  ageToken: true,
  proof: true,
  evidence: true,
};

const RECORD_FIELDS: OptionNames<RecordRequest> = {
  id: true,
  amount: true,
  currency: true,
  category: true,
  app: true,
  product: true,
  metadata: true,
  processor: true,
  processorRef: true,
  chargedAt: true,
  samePlayerAs: true,
  ageToken: true,
  proof: true,
  evidence: true,
};

const SHELF_FIELDS: OptionNames<CheckManyRequest> = {
  products: true,
  app: true,
  ageToken: true,
  proof: true,
  evidence: true,
};

const PRODUCT_FIELDS: OptionNames<ShelfProduct> = { amount: true, currency: true, category: true };

/** Products of one `checkMany`. */
export const MAX_PRODUCTS = 100;
/** Holds of one page of `overdue`. */
export const MAX_OVERDUE = 1_000;

/** ISO 8601 in UTC, to the millisecond at most. */
export const INSTANT_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

/** @throws SpendcapError `invalid_request` */
export function checkId(id: string, path = 'id'): void {
  if (typeof id !== 'string' || !ID_PATTERN.test(id)) {
    throw invalidRequest(path, 'must be 1 to 128 letters, digits or . _ : -');
  }
}

/**
 * Returns a copy of a request whose fields are valid, so that nothing changes them while evidence
 * is verified.
 *
 * @throws SpendcapError `invalid_request`, naming the first invalid field
 */
export function checkDecision<T extends Omit<DecisionRequest, 'amount' | 'currency'>>(given: T): T {
  const request = checkFields(given as object as PurchaseRequest, REQUEST_FIELDS);
  checkCategory(request.category);
  checkApp(request.app);
  checkText(request.guardianApproval, 'guardianApproval');
  return request as object as T;
}

/**
 * The same for money without a hold.
 *
 * @throws SpendcapError `invalid_request`, naming the first invalid field
 */
export function checkRecord(given: RecordRequest): RecordRequest {
  const request = checkDescription(checkFields(given, RECORD_FIELDS));
  checkCategory(request.category);
  checkApp(request.app);
  const { chargedAt, samePlayerAs } = request;
  if (chargedAt !== undefined) instantOf(chargedAt, 'chargedAt');
  if (samePlayerAs !== undefined) checkId(samePlayerAs, 'samePlayerAs');
  return request;
}

/**
 * Epoch milliseconds of an instant.
 *
 * @throws SpendcapError `invalid_request`, also for a day that no month has
 */
export function instantOf(text: string, path: string): number {
  const at = typeof text === 'string' && INSTANT_PATTERN.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text.slice(0, 10)) {
    throw invalidRequest(path, 'must be an instant in UTC, such as 2026-11-23T04:00:00Z');
  }
  return at;
}

/** @throws SpendcapError `invalid_request` for an unknown field */
export function checkPlayer(given: Player, path = ''): Player {
  return checkFields(given, { ageToken: true, proof: true, evidence: true }, path);
}

/**
 * The same for a shelf, whose amounts are checked later.
 *
 * @throws SpendcapError `invalid_request`, naming the first invalid field: `products.3.category`
 */
export function checkShelf(given: CheckManyRequest): CheckManyRequest {
  const request = checkFields(given, SHELF_FIELDS);
  checkApp(request.app);
  const { products } = request;
  if (!Array.isArray(products) || products.length < 1 || products.length > MAX_PRODUCTS) {
    throw invalidRequest('products', `must be a list of 1 to ${MAX_PRODUCTS}`);
  }
  return {
    ...request,
    products: products.map((each, index) => {
      const product = checkFields(each as ShelfProduct, PRODUCT_FIELDS, `products.${index}`);
      checkCategory(product.category, `products.${index}.category`);
      return product;
    }),
  };
}

/** What is stored of a purchase beside its amount. */
function checkDescription<T extends PurchaseRequest | RecordRequest>(request: T): T {
  checkId(request.id);
  checkText(request.product, 'product');
  checkProcessor(request);
  if (request.metadata === undefined) return request;
  return { ...request, metadata: checkMetadata(request.metadata) };
}

/**
 * The same for a purchase.
 *
 * @throws SpendcapError `invalid_request`, naming the first invalid field
 */
export function checkPurchase(given: PurchaseRequest): PurchaseRequest {
  const request = checkDescription(checkDecision(given));
  const { expiresInSeconds, onExpiry } = request;
  if (expiresInSeconds !== undefined) {
    const { min, max } = HOLD_SECONDS;
    const inRange = expiresInSeconds >= min && expiresInSeconds <= max;
    if (!Number.isInteger(expiresInSeconds) || !inRange) {
      throw invalidRequest('expiresInSeconds', `must be a whole number from ${min} to ${max}`);
    }
  }
  if (onExpiry !== undefined && onExpiry !== 'release' && onExpiry !== 'reconcile') {
    throw invalidRequest('onExpiry', 'must be release or reconcile');
  }
  return request;
}

function checkCategory(category: string | undefined, path = 'category'): void {
  if (category === undefined) return;
  if (typeof category !== 'string' || !CATEGORY_PATTERN.test(category)) {
    throw invalidRequest(path, 'must be 1 to 64 lower-case letters, digits or . _ : -');
  }
}

function checkApp(app: string | undefined): void {
  if (app === undefined) return;
  if (typeof app !== 'string' || !APP_PATTERN.test(app)) {
    throw invalidRequest('app', 'must be 1 to 64 letters, digits or . _ : -');
  }
}

/** @throws SpendcapError `invalid_request`, also for a reference without a processor */
export function checkProcessor({
  processor,
  processorRef,
}: {
  readonly processor?: string | undefined;
  readonly processorRef?: string | undefined;
}): void {
  if (processor === undefined) {
    if (processorRef === undefined) return;
    throw invalidRequest('processorRef', 'requires processor');
  }
  if (typeof processor !== 'string' || !PROCESSOR_PATTERN.test(processor)) {
    throw invalidRequest('processor', 'must be 1 to 32 lower-case letters, digits, _ or -');
  }
  if (processorRef === undefined) return;
  if (typeof processorRef !== 'string' || !PROCESSOR_REF_PATTERN.test(processorRef)) {
    throw invalidRequest('processorRef', 'must be 1 to 512 visible ASCII characters');
  }
}

export function checkText(text: string | undefined, path: string): void {
  if (text === undefined) return;
  if (typeof text !== 'string' || text === '' || !isText(text, MAX_TEXT)) {
    throw invalidRequest(path, `must be 1 to ${MAX_TEXT} characters, without control characters`);
  }
}

function checkMetadata(
  metadata: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { entries, key, value } = MAX_METADATA;
  const pairs = pairsOf(metadata);
  if (pairs === null) throw invalidRequest('metadata', 'must be an object of strings');
  if (pairs.length > entries)
    throw invalidRequest('metadata', `must have at most ${entries} entries`);
  for (const [name, text] of pairs) {
    if (name === '' || !isText(name, key) || typeof text !== 'string' || !isText(text, value)) {
      throw invalidRequest(
        'metadata',
        `must map keys of 1 to ${key} to strings of at most ${value} characters`,
      );
    }
  }
  return Object.fromEntries(pairs);
}

/** Each read once; `null` for what is no object, or cannot be read. */
function pairsOf(metadata: object): readonly (readonly [string, string])[] | null {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return null;
  try {
    return Object.entries(metadata);
  } catch {
    return null;
  }
}

/** Characters are code points, as in JSON Schema: a text of emoji has twice the `length`. */
function isText(text: string, max: number): boolean {
  if (!TEXT_PATTERN.test(text)) return false;
  return text.length <= max || (text.length <= 2 * max && [...text].length <= max);
}
