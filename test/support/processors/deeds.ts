type Deed = (id: string, amount?: number) => unknown;
export type Deeds<Name extends string> = Readonly<Record<Name, Deed>>;

/**
 * Deeds by name. One outside of the shop that is not possible now is not done; what the guard
 * throws is its caller's. A deed that finds nothing to do it to returns `undefined` or `false`.
 */
export function performer(outside: Deeds<string>, guarded: Deeds<string>) {
  const isDone = (result: unknown): boolean => result !== undefined && result !== false;
  return async (name: string, id: string, amount?: number): Promise<boolean> => {
    const own = guarded[name];
    if (own !== undefined) return isDone(await own(id, amount));
    const deed = outside[name];
    if (deed === undefined) throw new TypeError(`there is no deed ${name}`);
    try {
      return isDone(await deed(id, amount));
    } catch {
      return false;
    }
  };
}

/** The fault of that name. */
export function faultIn<T>(faults: Readonly<Record<string, T>>, name: string): T {
  const fault = faults[name];
  if (fault === undefined) throw new TypeError(`there is no fault ${name}`);
  return fault;
}
