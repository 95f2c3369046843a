import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import type { AgeEvidence } from '@spendcap/core';

const MIN_KEY_BYTES = 16;
const KEY_BYTES = 32;
/** Of 48 bytes, which are the 64 characters that Google takes. */
const TAG_BYTES = 15;
const MAX_SUBJECT_BYTES = 32;
const IV_BYTES = 16;
const CIPHER = 'aes-256-ctr';

/** A pseudonym of `ageTokens`: its 43 characters are 32 bytes. */
const PSEUDONYM = /^sub_([A-Za-z0-9_-]{43})$/;
const KINDS = { pseudonym: 0, text: 1 } as const;

/** Names the player of a purchase to Google and back, see `accountTokens`. */
export interface AccountTokens {
  /** `null` for a subject that is too long. */
  tokenOf(subject: string): string | null;
  /** The player of a token; `null` if it is none of ours. */
  playerOf(token: string): AgeEvidence | null;
}

/**
 * `obfuscatedAccountId` as a token of the player's subject, so that a purchase without a hold is
 * still counted for its player: the same for every purchase of a player, as Google requires, and
 * meaningless to Google. The subject is encrypted under a synthetic IV, which is an HMAC of it and
 * authenticates it (the construction of RFC 5297, with HMAC-SHA256 and AES-256-CTR, because
 * Node.js has no AES-SIV).
 *
 * @throws TypeError for a key of fewer than 16 bytes
 */
export function accountTokens(secret: Uint8Array | string): AccountTokens {
  const bytes = typeof secret === 'string' ? Buffer.from(secret) : secret;
  if (!(bytes instanceof Uint8Array) || bytes.length < MIN_KEY_BYTES) {
    throw new TypeError(`accountKey must have at least ${MIN_KEY_BYTES} bytes`);
  }
  const [macKey, cipherKey] = ['mac', 'cipher'].map((purpose) =>
    createSecretKey(
      Buffer.from(hkdfSync('sha256', bytes, '', `spendcap play account ${purpose}`, KEY_BYTES)),
    ),
  ) as [KeyObject, KeyObject];
  const tagOf = (plain: Uint8Array) =>
    createHmac('sha256', macKey).update(plain).digest().subarray(0, TAG_BYTES);
  const ivOf = (tag: Uint8Array) => Buffer.concat([tag], IV_BYTES);
  return {
    tokenOf(subject) {
      const plain = plainOf(subject);
      if (plain === null) return null;
      const tag = tagOf(plain);
      const cipher = createCipheriv(CIPHER, cipherKey, ivOf(tag));
      return Buffer.concat([tag, cipher.update(plain), cipher.final()]).toString('base64url');
    },
    playerOf(token) {
      const sealed = Buffer.from(token, 'base64url');
      const tag = sealed.subarray(0, TAG_BYTES);
      if (sealed.length <= TAG_BYTES || sealed.toString('base64url') !== token) return null;
      const decipher = createDecipheriv(CIPHER, cipherKey, ivOf(tag));
      const plain = Buffer.concat([decipher.update(sealed.subarray(TAG_BYTES)), decipher.final()]);
      return timingSafeEqual(tagOf(plain), tag) ? evidenceOf(subjectIn(plain)) : null;
    },
  };
}

function plainOf(subject: string): Buffer | null {
  const [, pseudonym] = PSEUDONYM.exec(subject) ?? [];
  const bytes = Buffer.from(pseudonym ?? subject, pseudonym === undefined ? 'utf8' : 'base64url');
  const kind = pseudonym === undefined ? KINDS.text : KINDS.pseudonym;
  return bytes.length > MAX_SUBJECT_BYTES ? null : Buffer.concat([Buffer.of(kind), bytes]);
}

function subjectIn(plain: Buffer): string {
  const bytes = plain.subarray(1);
  return plain[0] === KINDS.pseudonym ? `sub_${bytes.toString('base64url')}` : bytes.toString();
}

/** It says who paid, and nothing of the age. */
function evidenceOf(subject: string): AgeEvidence {
  const kind = 'google_play_account';
  return { subject, statements: [], kind, assurance: 'client_claim', expiresAt: Infinity };
}
