import { dirname, resolve } from 'node:path';
import type { AgeIssuer, JwkSet } from '../age/token/index.ts';
import { readJsonFile } from './policy.ts';
import type { ServeFlags } from './settings.ts';
import { UsageError } from './usage-error.ts';

type AgeFlags = Pick<
  ServeFlags,
  'ageIssuer' | 'ageJwks' | 'ageAudience' | 'ageAssurance' | 'ageStatusLists' | 'ageIssuers'
>;

/** The fields of an issuer in a file: those of `AgeIssuer`. */
const FIELDS = 'issuer audience jwks algorithms typ claims assurance statusLists'.split(' ');

/**
 * Whose age tokens are accepted: the one issuer of the options, or those of a file.
 *
 * @throws UsageError if it is neither or both, or the file is not a list of issuers
 */
export function ageIssuersOf(flags: AgeFlags): readonly AgeIssuer[] {
  const { ageIssuers: file, ageIssuer: issuer, ageAudience: audience, ageJwks: jwks } = flags;
  const { ageAssurance: assurance, ageStatusLists: lists } = flags;
  const single = [issuer, audience, jwks, assurance, lists].some((flag) => flag !== undefined);
  if (file !== undefined) {
    if (single) throw new UsageError('--age-issuers takes the place of the other --age options');
    return issuersOfFile(file);
  }
  if (issuer === undefined || audience === undefined || jwks === undefined) {
    throw new UsageError('--age-issuer, --age-jwks and --age-audience are needed');
  }
  const keys = keySetOf(jwks, { name: '--age-jwks', folder: '.' });
  // `ageTokens` refuses a level that there is not.
  const level = assurance === undefined ? {} : ({ assurance } as Pick<AgeIssuer, 'assurance'>);
  const statusLists =
    lists === undefined ? {} : { statusLists: urlOf(lists, '--age-status-lists') };
  return [{ issuer, audience, jwks: keys, ...level, ...statusLists }];
}

function issuersOfFile(file: string): readonly AgeIssuer[] {
  const list = readJsonFile(file, 'a list of age issuers in a JSON file');
  if (!Array.isArray(list) || list.length === 0) {
    throw new UsageError(`'${file}' must be a list of at least one issuer`);
  }
  return list.map((entry: unknown) => {
    const name = `'${file}'`;
    if (typeof entry !== 'object' || entry === null) {
      throw new UsageError(`${name} must hold objects with issuer, audience and jwks`);
    }
    const unknown = Object.keys(entry).find((field) => !FIELDS.includes(field));
    // A level that is misspelt would be a level that is not asked for.
    if (unknown !== undefined) throw new UsageError(`${name}: an issuer has no field '${unknown}'`);
    const { jwks, statusLists, ...rest } = entry as Record<string, unknown>;
    const lists = statusLists === undefined ? {} : { statusLists: urlOf(statusLists, name) };
    const keys =
      typeof jwks === 'string' ? keySetOf(jwks, { name, folder: dirname(file) }) : (jwks as JwkSet);
    // `ageTokens` checks every field.
    return { ...(rest as unknown as AgeIssuer), jwks: keys, ...lists };
  });
}

function urlOf(text: unknown, name: string): URL {
  if (typeof text === 'string' && URL.canParse(text)) return new URL(text);
  throw new UsageError(`${name}: not a valid URL`);
}

/** A key set by address, or read from a file. */
function keySetOf(
  location: string,
  { name, folder }: { readonly name: string; readonly folder: string },
): URL | JwkSet {
  if (/^https?:\/\//.test(location)) return urlOf(location, name);
  const file = resolve(folder, location);
  const set = readJsonFile(file, 'a URL or a JSON file with a JWK Set');
  if (typeof set === 'object' && set !== null && 'keys' in set && Array.isArray(set.keys)) {
    return { keys: set.keys };
  }
  throw new UsageError(`'${location}' is not a JWK Set`);
}
