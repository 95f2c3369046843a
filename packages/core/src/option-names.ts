import { invalidRequest } from './errors.ts';

/** Every name of `T`, so that the compiler keeps the list complete. */
export type OptionNames<T> = { readonly [K in keyof T]-?: true };

/**
 * Rejects options that are not an object and names that `owner` does not have, because a misspelled
 * option must not be ignored if it was meant to lower a cap.
 *
 * @throws TypeError naming the unknown option and the known ones
 * @example
 * ```ts
 * import { assertOptions } from '@spendcap/core';
 * interface Options { readonly limit?: number }
 * const create = (options: Options) => assertOptions('create', options, { limit: true });
 * create({ limit: 5 });
 * ```
 */
export function assertOptions<T extends object>(
  owner: string,
  options: T,
  names: OptionNames<T>,
): void {
  if (!isPlain(options)) throw new TypeError(`${owner} takes an object of options`);
  const unknown = unknownName(options, names);
  if (unknown === undefined) return;
  const known = Object.keys(names).join(', ');
  throw new TypeError(`${owner} has no option "${unknown}", only ${known}`);
}

/**
 * The same for the fields of a call.
 *
 * @throws SpendcapError `invalid_request` whose `errors` name the unknown field
 */
export function checkFields<T extends object>(request: T, names: OptionNames<T>, path = ''): void {
  if (!isPlain(request)) throw invalidRequest(path || 'request', 'must be an object');
  const unknown = unknownName(request, names);
  if (unknown === undefined) return;
  throw invalidRequest(path === '' ? unknown : `${path}.${unknown}`, 'is not a known field');
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first unknown enumerable name, inherited ones included because they are read, too. */
function unknownName<T extends object>(given: T, names: OptionNames<T>): string | undefined {
  for (const name in given) {
    if (!Object.hasOwn(names, name)) return name;
  }
  return undefined;
}
