import { dirname, resolve } from 'node:path';
import { type AgeIssuer, ageTokens, type JwkSet } from '../age/token/index.ts';
import { readJsonFile } from './json-file.ts';
import type { Environment, ServeFlags } from './settings.ts';
import { UsageError } from './usage-error.ts';

export type AgeFlags = Pick<
  ServeFlags,
  'ageIssuer' | 'ageJwks' | 'ageAudience' | 'ageAssurance' | 'ageStatusLists' | 'ageIssuers'
>;

/** The fields of an issuer in a file: those of `AgeIssuer`. */
const FIELDS = 'issuer audience jwks algorithms typ claims assurance statusLists'.split(' ');

/**
 * The issuers whose age tokens are accepted: one from the options, or several from a file.
 *
 * @throws UsageError if a file or URL is invalid
 */
export function ageIssuersOf(flags: AgeFlags): readonly AgeIssuer[] {
  const { ageIssuers, ...single } = flags;
  if (typeof ageIssuers === 'string') return issuersOfFile(ageIssuers);
  if (ageIssuers !== undefined) return ageIssuers;
  // `completeFlags` has checked that these three are given.
  const { ageIssuer: issuer = '', ageAudience: audience = '', ageJwks = '' } = single;
  const { ageAssurance: assurance, ageStatusLists: lists } = single;
  const jwks = keySetOf(ageJwks, { name: '--age-jwks', folder: '.' });
  const level = assurance === undefined ? {} : { assurance };
  const statusLists =
    lists === undefined ? {} : { statusLists: urlOf(lists, '--age-status-lists') };
  return [{ issuer, audience, jwks, ...level, ...statusLists }];
}

/**
 * The verifier of their tokens.
 *
 * @throws UsageError that names an invalid issuer as the options or the file do
 */
export function verifierOf(
  issuers: readonly AgeIssuer[],
  flags: AgeFlags,
  { SPENDCAP_SUBJECT_KEY: subjectKey = '' }: Environment,
): ReturnType<typeof ageTokens> {
  try {
    return ageTokens({ issuers, ...(subjectKey === '' ? {} : { subjectKey }) });
  } catch (error) {
    // The key is no part of an issuer.
    if (!(error instanceof TypeError) || /^subjectKey\b/.test(error.message)) throw error;
    const message = error.message.replace(
      /a URL object, such as new URL\([^)]*\),/,
      'a URL, a file',
    );
    const { ageIssuers } = flags;
    if (ageIssuers === undefined) throw new UsageError(message.replace(/^\w+/, optionOf));
    const place = typeof ageIssuers === 'string' ? `'${ageIssuers}'` : 'ageIssuers';
    throw new UsageError(`${place}: ${message}`);
  }
}

/** The option that is a field of the only issuer: `--age-status-lists` of `statusLists`. */
function optionOf(field: string): string {
  return `--age-${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function issuersOfFile(file: string): readonly AgeIssuer[] {
  const list = readJsonFile(file, 'a list of age issuers in a JSON file');
  if (!Array.isArray(list) || list.length === 0) {
    throw new UsageError(`'${file}' must be a list of at least one issuer`);
  }
  return ageIssuersIn(list, { name: `'${file}'`, folder: dirname(file) });
}

/** Where a location was found: how a message names it, and the folder that it is relative to. */
interface Place {
  readonly name: string;
  readonly folder: string;
}

/**
 * The issuers of a list that was read as JSON.
 *
 * @throws UsageError that names the place
 */
export function ageIssuersIn(
  list: readonly unknown[],
  { name, folder }: Place,
): readonly AgeIssuer[] {
  return list.map((entry) => {
    if (typeof entry !== 'object' || entry === null) {
      throw new UsageError(`${name} must contain objects with issuer, audience and jwks`);
    }
    const unknown = Object.keys(entry).find((field) => !FIELDS.includes(field));
    // A misspelt `assurance` would otherwise be ignored.
    if (unknown !== undefined) throw new UsageError(`${name}: an issuer has no field '${unknown}'`);
    const { jwks, statusLists, ...rest } = entry as Record<string, unknown>;
    const lists = statusLists === undefined ? {} : { statusLists: urlOf(statusLists, name) };
    if (typeof jwks !== 'string' && (typeof jwks !== 'object' || jwks === null)) {
      throw new UsageError(`${name}: jwks must be a URL, a file or a JWK Set`);
    }
    const keys = typeof jwks === 'string' ? keySetOf(jwks, { name, folder }) : (jwks as JwkSet);
    // `ageTokens` checks every field.
    return { ...(rest as unknown as AgeIssuer), jwks: keys, ...lists };
  });
}

function urlOf(text: unknown, name: string): URL {
  if (typeof text === 'string' && URL.canParse(text)) return new URL(text);
  throw new UsageError(`${name}: not a valid URL`);
}

/** The URL of a key set, or the key set in a file. */
function keySetOf(location: string, { name, folder }: Place): URL | JwkSet {
  if (/^https?:\/\//.test(location)) return urlOf(location, name);
  const file = resolve(folder, location);
  const set = readJsonFile(file, 'a URL or a JSON file with a JWK Set');
  if (typeof set === 'object' && set !== null && 'keys' in set && Array.isArray(set.keys)) {
    return { keys: set.keys };
  }
  throw new UsageError(`'${location}' is not a JWK Set`);
}
