import { createHmac, hkdfSync } from 'node:crypto';
import { decrypt, encrypt } from '../../../jwt/aes-gcm.ts';
import { unavailable } from './faults.ts';
import type { NppaStore } from './store.ts';

/**
 * What is stored of an account: of a minor the month of birth, without the day, of an adult only
 * that they are one. docs/age-sources/nppa.md gives the reasons.
 */
export type NppaRecord =
  | { readonly state: 'pending'; readonly since: number }
  | {
      readonly state: 'verified';
      readonly person: string;
      /** `2013-05`, or `null` for an adult. */
      readonly bornIn: string | null;
    };

/** A record with the exact text that it was read from, with which an update is compared. */
export interface StoredRecord {
  readonly record: NppaRecord | null;
  readonly text: string | null;
}

const MIN_KEY_BYTES = 16;

/**
 * The pseudonyms and the encryption that are derived from the caller's secret.
 *
 * @throws TypeError for a key of fewer than 16 bytes
 */
export function nppaRecords(store: NppaStore, personKey: Uint8Array | string) {
  const secret = typeof personKey === 'string' ? Buffer.from(personKey) : personKey;
  if (!(secret instanceof Uint8Array) || secret.length < MIN_KEY_BYTES) {
    throw new TypeError(`personKey must have at least ${MIN_KEY_BYTES} bytes`);
  }
  const subkey = (use: string) => new Uint8Array(hkdfSync('sha256', secret, '', use, 32));
  const [nameKey, recordKey] = [subkey('spendcap nppa names'), subkey('spendcap nppa records')];
  const hmac = (...name: readonly string[]) =>
    createHmac('sha256', nameKey).update(JSON.stringify(name));

  return {
    /** The same for one person in every game and enterprise that has this key. */
    person: (pi: string) => hmac('person', pi).digest('base64url'),
    /** The account's id at the system: 32 characters that reveal nothing about it. */
    ai: (bizId: string, account: string) => hmac('ai', bizId, account).digest('hex').slice(0, 32),
    /** The key of the account's record. */
    key: (bizId: string, account: string) => hmac('account', bizId, account).digest('base64url'),

    async read(key: string): Promise<StoredRecord> {
      const text = await guarded(() => store.get(key));
      if (text === null) return { record: null, text };
      const plain = decrypt(recordKey, Buffer.from(text, 'base64'), key);
      // Of another key or account, or modified.
      if (plain === null) throw unavailable('store_failed');
      return { record: JSON.parse(plain) as NppaRecord, text };
    },

    /** Durable when it resolves; `false` if the record has changed since it was read. */
    write(key: string, was: StoredRecord, record: NppaRecord | null): Promise<boolean> {
      const encrypted =
        record && encrypt(recordKey, JSON.stringify(record), { context: key }).toString('base64');
      return guarded(() => store.swap(key, was.text, encrypted));
    },
  };
}

export type NppaRecords = ReturnType<typeof nppaRecords>;

async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch {
    throw unavailable('store_failed');
  }
}
