/**
 * Rejects a value that is not an object, and unknown names: a misspelled option must not be
 * ignored.
 *
 * @param refuse makes the error, which names the unknown option and the known ones
 */
export function checkNames<T extends object>(
  given: T,
  names: readonly (keyof T)[],
  refuse: (fault: string) => Error,
): void {
  if (given === null || typeof given !== 'object' || Array.isArray(given))
    throw refuse('must be an object');
  for (const name in given) {
    if (!names.includes(name)) throw refuse(`has no "${name}", only ${names.join(', ')}`);
  }
}
