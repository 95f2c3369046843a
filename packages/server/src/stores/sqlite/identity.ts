import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { misconfigured } from '../../ledger/store-kit.ts';

/** Which file a path named when it was opened. */
export interface FileIdentity {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/** The file of a database; `undefined` if it is in memory. */
export function fileOf(database: DatabaseSync): FileIdentity | undefined {
  const listed = database.prepare('PRAGMA database_list').all();
  const path = listed.find(({ name }) => name === 'main')?.file;
  return typeof path === 'string' && path !== '' ? identify(path) : undefined;
}

/** The write-ahead log of a database file, which stays the same while anybody has that open. */
export function logOf(file: FileIdentity | undefined): FileIdentity | undefined {
  return file === undefined ? undefined : identify(`${file.path}-wal`);
}

/**
 * Checks that a path still names the file that it named. SQLite goes on writing to a file that was
 * deleted or replaced, and a restart would find none of it.
 *
 * @throws SpendcapError `store_misconfigured`
 */
export function assertSameFile(file: FileIdentity | undefined): void {
  if (file === undefined) return;
  const now = identify(file.path);
  if (now?.inode === file.inode && now.device === file.device) return;
  throw misconfigured('The SQLite file was deleted or replaced while it was in use.');
}

function identify(path: string): FileIdentity | undefined {
  try {
    // Without the comment, Next.js takes every file of the package for one that may be read.
    const stats = statSync(/* turbopackIgnore: true */ path, { throwIfNoEntry: false });
    return stats && { path, device: stats.dev, inode: stats.ino };
  } catch {
    // A folder that cannot be read any more hides the file as a deletion would.
    return undefined;
  }
}
