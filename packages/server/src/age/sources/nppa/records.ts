import { createHmac, hkdfSync } from 'node:crypto';
import { decrypt, encrypt } from '../../../jwt/aes-gcm.ts';
import { unavailable } from './faults.ts';
import type { NppaStore } from './store.ts';

/**
 * What is kept of an account. Of a minor the month of birth, without the day, of an adult nothing but
 * that: see docs/age-sources/nppa.md for why it is that and no more.
 */
export type NppaRecord =
  | { readonly state: 'pending'; readonly since: number }
  | {
      readonly state: 'verified';
      readonly person: string;
      /** `2013-05`, or `null` for an adult. */
      readonly bornIn: string | null;
    };

/** A record with the very text it was read from, which is what a change of it is compared with. */
export interface Kept {
  readonly record: NppaRecord | null;
  readonly text: string | null;
}

const MIN_KEY_BYTES = 16;

/**
 * The names and the sealing that are made of the caller's one secret.
 *
 * @throws TypeError for a key of fewer than 16 bytes
 */
export function nppaRecords(store: NppaStore, personKey: Uint8Array | string) {
  const secret = typeof personKey === 'string' ? Buffer.from(personKey) : personKey;
  if (!(secret instanceof Uint8Array) || secret.length < MIN_KEY_BYTES) {
    throw new TypeError(`personKey must have at least ${MIN_KEY_BYTES} bytes`);
  }
  const subkey = (use: string) => new Uint8Array(hkdfSync('sha256', secret, '', use, 32));
  const [nameKey, sealKey] = [subkey('spendcap nppa names'), subkey('spendcap nppa records')];
  const hmac = (...name: readonly string[]) =>
    createHmac('sha256', nameKey).update(JSON.stringify(name));

  return {
    /** The same for one person in every game and enterprise that has this key. */
    person: (pi: string) => hmac('person', pi).digest('base64url'),
    /** The account's own id at the system: 32 characters that say nothing about it. */
    ai: (bizId: string, account: string) => hmac('ai', bizId, account).digest('hex').slice(0, 32),
    /** Under which the account's record is kept. */
    key: (bizId: string, account: string) => hmac('account', bizId, account).digest('base64url'),

    async read(key: string): Promise<Kept> {
      const text = await guarded(() => store.get(key));
      if (text === null) return { record: null, text };
      const plain = decrypt(sealKey, Buffer.from(text, 'base64'), key);
      // Of another key, of another account, or changed by someone.
      if (plain === null) throw unavailable('store_failed');
      return { record: JSON.parse(plain) as NppaRecord, text };
    },

    /** Durable when it resolves, to `false` if the record is no longer what was read. */
    write(key: string, was: Kept, record: NppaRecord | null): Promise<boolean> {
      const sealed =
        record && encrypt(sealKey, JSON.stringify(record), { context: key }).toString('base64');
      return guarded(() => store.swap(key, was.text, sealed));
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
