/**
 * Where the results of the real-name system are kept: the system forgets them 300 seconds after it has
 * told them. Keys and records are texts without meaning: a key is an HMAC of the account, a record is
 * encrypted for it.
 */
export interface NppaStore {
  /** The record under a key, `null` if there is none. */
  get(key: string): Promise<string | null>;
  /**
   * Compare-and-set: puts `to` in the place of `from`, where `null` is no record, and resolves to
   * whether it did. Of several calls at once with one `from`, one succeeds. Durable when it resolves.
   */
  swap(key: string, from: string | null, to: string | null): Promise<boolean>;
}

/** Records that end with the process: every account has to register again. For tests and demos. */
export function memoryNppaStore(): NppaStore {
  const records = new Map<string, string>();
  return {
    get: async (key) => records.get(key) ?? null,
    swap: async (key, from, to) => {
      if ((records.get(key) ?? null) !== from) return false;
      if (to === null) records.delete(key);
      else records.set(key, to);
      return true;
    },
  };
}
