import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const folders: string[] = [];

/** A file name in a fresh folder, until `removeTemporaryFiles` or the end of the process. */
export function temporaryFile(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-test-'));
  folders.push(folder);
  return join(folder, name);
}

/** The bytes of a file and of all that lies beside it, as a database's log. */
export function filesBeside(path: string) {
  const folder = dirname(path);
  return readdirSync(folder).map((name) => ({
    where: name,
    bytes: readFileSync(join(folder, name)),
  }));
}

/** For `afterAll`: vitest kills its workers, so `exit` is not emitted in them. */
export function removeTemporaryFiles(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

process.once('exit', removeTemporaryFiles);
