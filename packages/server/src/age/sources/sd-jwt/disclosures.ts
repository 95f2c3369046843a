import { hash } from 'node:crypto';
import { parseStrict } from '../../../jwt/json.ts';
import type { Claims } from '../../../jwt/verify.ts';
import { ageEvidenceInvalid } from '../evidence-fault.ts';

/**
 * The supported hash functions of IANA's registry (RFC 9901, section 4.1.1), by their names in
 * Node.js.
 */
const HASHES: Readonly<Record<string, string>> = {
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
  'sha3-256': 'sha3-256',
  'sha3-384': 'sha3-384',
  'sha3-512': 'sha3-512',
};

const MAX_DEPTH = 12;
const CANONICAL = /^(?:[\w-]{4})*(?:[\w-]{2}|[\w-]{3})?$/;

/** SD-JWT VC: what must be in the signed payload itself, so that no holder can hide it. */
const NEVER_DISCLOSED = 'iss nbf exp iat cnf vct vct#integrity status _sd_alg'.split(' ');
const RESERVED = ['_sd', '...', '__proto__'];

const utf8 = new TextDecoder('utf-8', { fatal: true });

interface Disclosure {
  /** Absent for an element of an array. */
  readonly name?: string;
  readonly value: unknown;
}

/**
 * The hash that a payload names, by its name in Node.js. Default SHA-256 (RFC 9901, section 4.1.1).
 */
export function hashOf(payload: Claims): string {
  const named = Object.hasOwn(payload, '_sd_alg') ? payload._sd_alg : 'sha-256';
  const known =
    typeof named === 'string' && Object.hasOwn(HASHES, named) ? HASHES[named] : undefined;
  if (known === undefined) throw ageEvidenceInvalid('algorithm_not_allowed');
  return known;
}

/**
 * Checks the disclosures by RFC 9901, section 7.1, step 3, and stricter than libraries do: each has
 * one digest in the signed payload or in another disclosure, no digest is repeated, and no
 * disclosed name is already present.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `disclosure_invalid`
 */
export function checkDisclosures(payload: Claims, disclosures: readonly string[]): void {
  const algorithm = hashOf(payload);
  const unused = new Map<string, Disclosure>();
  for (const encoded of disclosures) {
    const digest = hash(algorithm, encoded, 'base64url');
    if (unused.has(digest)) throw invalid();
    unused.set(digest, readDisclosure(encoded));
  }
  const seen = new Set<string>();

  /** The disclosure of a digest, if it was shown. */
  function take(digest: unknown): Disclosure | undefined {
    if (typeof digest !== 'string' || seen.has(digest)) throw invalid();
    seen.add(digest);
    const disclosure = unused.get(digest);
    unused.delete(digest);
    return disclosure;
  }

  function visit(value: unknown, depth: number): void {
    if (depth > MAX_DEPTH) throw invalid();
    if (Array.isArray(value)) for (const each of value) visitElement(each, depth + 1);
    else if (isObject(value)) visitObject(value, depth + 1);
  }

  function visitElement(value: unknown, depth: number): void {
    if (!isObject(value) || !Object.hasOwn(value, '...')) {
      visit(value, depth);
      return;
    }
    const disclosure = take(value['...']);
    if (Object.keys(value).length > 1 || disclosure?.name !== undefined) throw invalid();
    visit(disclosure?.value, depth);
  }

  function visitObject(value: Claims, depth: number): void {
    const digests = Object.hasOwn(value, '_sd') ? value._sd : [];
    const names = new Set(Object.keys(value));
    if (!Array.isArray(digests) || names.has('...')) throw invalid();
    for (const name of names) if (name !== '_sd') visit(value[name], depth);
    for (const digest of digests) {
      const disclosure = take(digest);
      if (disclosure === undefined) continue;
      const { name } = disclosure;
      if (name === undefined || names.has(name)) throw invalid();
      if (depth === 1 && NEVER_DISCLOSED.includes(name)) throw invalid();
      names.add(name);
      visit(disclosure.value, depth);
    }
  }

  visit(payload, 0);
  if (unused.size > 0) throw invalid();
}

function readDisclosure(encoded: string): Disclosure {
  const parts = decodeArray(encoded);
  const [salt, name] = parts;
  if (typeof salt !== 'string') throw invalid();
  if (parts.length === 2) return { value: parts[1] };
  if (parts.length !== 3 || typeof name !== 'string' || RESERVED.includes(name)) throw invalid();
  return { name, value: parts[2] };
}

/** Base64url without padding, and with zeroes in the unused bits. */
function decodeArray(encoded: string): readonly unknown[] {
  const bytes = Buffer.from(encoded, 'base64url');
  if (!CANONICAL.test(encoded) || bytes.toString('base64url') !== encoded) throw invalid();
  let parts: unknown;
  try {
    parts = parseStrict(utf8.decode(bytes));
  } catch {
    throw invalid();
  }
  if (!Array.isArray(parts)) throw invalid();
  return parts;
}

function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(): Error {
  return ageEvidenceInvalid('disclosure_invalid');
}
