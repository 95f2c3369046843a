import { CATEGORY_PATTERN, checkFields, invalidRequest, type OptionNames } from '@spendcap/core';
import type { DecisionRequest, PurchaseRequest } from './types.ts';

/** Ids of purchases and refunds: 1 to 128 of `A-Z a-z 0-9 . _ : -`, starting with a letter or digit. */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
export const APP_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
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
  ageToken: true,
  proof: true,
  evidence: true,
};

/** @throws SpendcapError `invalid_request` */
export function checkId(id: string, path = 'id'): void {
  if (typeof id !== 'string' || !ID_PATTERN.test(id)) {
    throw invalidRequest(path, 'must be 1 to 128 letters, digits or . _ : -');
  }
}

/** @throws SpendcapError `invalid_request`, naming the first invalid field */
export function checkDecision(request: Omit<DecisionRequest, 'amount' | 'currency'>): void {
  checkFields(request as PurchaseRequest, REQUEST_FIELDS);
  checkCategory(request.category);
  checkApp(request.app);
  checkText(request.guardianApproval, 'guardianApproval');
}

/** @throws SpendcapError `invalid_request`, naming the first invalid field */
export function checkPurchase(request: PurchaseRequest): void {
  checkDecision(request);
  checkId(request.id);
  checkText(request.product, 'product');
  const { metadata, expiresInSeconds, onExpiry } = request;
  if (metadata !== undefined) checkMetadata(metadata);
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
}

function checkCategory(category: string | undefined): void {
  if (category === undefined) return;
  if (typeof category !== 'string' || !CATEGORY_PATTERN.test(category)) {
    throw invalidRequest('category', 'must be 1 to 64 lower-case letters, digits or . _ : -');
  }
}

function checkApp(app: string | undefined): void {
  if (app === undefined) return;
  if (typeof app !== 'string' || !APP_PATTERN.test(app)) {
    throw invalidRequest('app', 'must be 1 to 64 letters, digits or . _ : -');
  }
}

export function checkText(text: string | undefined, path: string): void {
  if (text === undefined) return;
  if (typeof text !== 'string' || text === '' || !isText(text, MAX_TEXT)) {
    throw invalidRequest(path, `must be 1 to ${MAX_TEXT} characters, without control characters`);
  }
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const { entries, key, value } = MAX_METADATA;
  const plain = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  if (!plain) throw invalidRequest('metadata', 'must be an object of strings');
  const pairs = Object.entries(metadata);
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
}

function isText(text: string, max: number): boolean {
  return text.length <= max && TEXT_PATTERN.test(text);
}
