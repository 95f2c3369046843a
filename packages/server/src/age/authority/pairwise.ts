import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { invalidRequest } from '@spendcap/core';

const MIN_SUBJECT_KEY_BYTES = 16;
/** 1 to 255 characters, without control characters and lone surrogates. */
export const TEXT: RegExp = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

/**
 * Maps an audience to its enterprise. Without `audiences` each audience is its own.
 *
 * @throws TypeError for an audience of two enterprises
 */
export function audienceGroups(
  audiences: Readonly<Record<string, readonly string[]>> | undefined,
): (audience: string) => string {
  if (audiences === undefined) {
    return (audience) => {
      if (typeof audience === 'string' && TEXT.test(audience)) return audience;
      throw invalidRequest('audience', 'must be a string of 1 to 255 characters');
    };
  }
  const groups = new Map<string, string>();
  for (const [group, members] of Object.entries(audiences)) {
    for (const audience of members) {
      if (typeof audience !== 'string' || !TEXT.test(audience) || groups.has(audience)) {
        throw new TypeError('audiences must list strings, each in one enterprise only');
      }
      groups.set(audience, group);
    }
  }
  return (audience) => {
    const group = groups.get(audience);
    if (group === undefined)
      throw invalidRequest('audience', 'is not configured for this authority');
    return group;
  };
}

/** The kind of name, and the name. */
export type Name = readonly string[];

/**
 * Makes the pairwise `sub` of a person for one enterprise (OpenID Connect Core, section 8.1).
 * Without the key, two of them cannot be linked.
 */
export function pairwise(subjectKey: Uint8Array | string): (group: string, name: Name) => string {
  const bytes = typeof subjectKey === 'string' ? Buffer.from(subjectKey) : subjectKey;
  if (!(bytes instanceof Uint8Array) || bytes.length < MIN_SUBJECT_KEY_BYTES) {
    throw new TypeError(`subjectKey must have at least ${MIN_SUBJECT_KEY_BYTES} bytes`);
  }
  const secret: KeyObject = createSecretKey(bytes);
  // As JSON, so that no two lists of strings concatenate to the same one.
  return (group, name) =>
    createHmac('sha256', secret)
      .update(JSON.stringify([group, ...name]))
      .digest('base64url');
}
