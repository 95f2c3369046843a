import { sqliteNppaStore } from '@spendcap/server/age/sources/nppa/sqlite';
import { filesBeside, temporaryFile } from '../temporary.ts';

/** What sources remember, in a file, and the bytes of that file. */
export function recordsInFile() {
  const path = temporaryFile('nppa.db');
  const store = sqliteNppaStore({ path });
  return { store, dump: () => filesBeside(path), close: () => store.close() };
}
