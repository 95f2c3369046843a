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
  const unknown = unknownName(options, names);
  if (unknown === null) throw new TypeError(`${owner} takes an object of options`);
  if (unknown === undefined) return;
  const known = Object.keys(names).join(', ');
  const only = known === '' ? '' : `, only ${known}`;
  throw new TypeError(`${owner} has no option "${unknown}"${only}`);
}

/**
 * The same for the fields of a call. Returns a copy of them, each read once: what is checked later
 * is then also what is used, even if the caller changes the object meanwhile.
 *
 * @throws SpendcapError `invalid_request` whose `errors` name the unknown field
 * @example
 * ```ts
 * import { checkFields } from '@spendcap/core';
 * checkFields({ id: 'order-1' }, { id: true }); // => { id: 'order-1' }
 * ```
 */
export function checkFields<T extends object>(request: T, names: OptionNames<T>, path = ''): T {
  const unknown = unknownName(request, names);
  if (unknown === undefined) {
    const fields = copyOf(request, names);
    if (fields !== null) return fields;
  }
  if (unknown == null) throw invalidRequest(path || 'request', 'must be an object');
  throw invalidRequest(path === '' ? unknown : `${path}.${unknown}`, 'is not a known field');
}

/**
 * The first name that can be read and is not known: enumerable names, inherited ones included, and
 * getters of a class. `null` for what is no object of options: a list, a `Map`, a promise, or a
 * proxy that throws.
 */
function unknownName(given: object, names: object): string | undefined | null {
  try {
    const isPlain = Object.getPrototypeOf(given) === Object.prototype;
    if (!isPlain && !/^\[object (?:Object|Module)]$/.test(toText(given))) return null;
    for (const name in given) {
      if (!Object.hasOwn(names, name)) return name;
    }
    // Fast path: most calls pass an object literal.
    return isPlain ? undefined : gettersOf(given).find((name) => !Object.hasOwn(names, name));
  } catch {
    return null;
  }
}

const toText = (value: unknown): string => Object.prototype.toString.call(value);

/** Of the classes of an object: they are not enumerable. `Object.prototype` has `__proto__`. */
function gettersOf(given: object): readonly string[] {
  const found: string[] = [];
  let type: object | null = Object.getPrototypeOf(given);
  while (type !== null && Object.getPrototypeOf(type) !== null) {
    const members = Object.entries(Object.getOwnPropertyDescriptors(type));
    found.push(...members.flatMap(([name, { get }]) => (get === undefined ? [] : [name])));
    type = Object.getPrototypeOf(type);
  }
  return found;
}

/** The known fields that are not `undefined`; `null` if one cannot be read. */
function copyOf<T extends object>(given: T, names: OptionNames<T>): T | null {
  const copy: Partial<T> = {};
  try {
    for (const name in names) {
      const value = given[name];
      if (value !== undefined) copy[name] = value;
    }
  } catch {
    return null;
  }
  return copy as T;
}
