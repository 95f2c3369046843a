/**
 * Stores the results of the real-name system, which deletes them 300 seconds after it has returned
 * them. Keys and records are opaque strings: a key is an HMAC of the account, a record is encrypted
 * for it.
 */
export interface NppaStore {
  /** The record under a key, `null` if there is none. */
  get(key: string): Promise<string | null>;
  /**
   * Compare-and-set: replaces `from` by `to`, where `null` is no record, and resolves to whether it
   * did. Of several concurrent calls with one `from`, one succeeds. Durable when it resolves.
   */
  swap(key: string, from: string | null, to: string | null): Promise<boolean>;
}

/**
 * Records in the memory of this process: after a restart accounts must register again. For tests.
 */
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
