import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

/** A file name in a fresh folder, until `removeTemporaryFiles` or the end of the process. */
export function temporaryFile(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-test-'));
  folders.push(folder);
  return join(folder, name);
}

/** For `afterAll`: the runner kills its workers, so that they see no end. */
export function removeTemporaryFiles(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

process.once('exit', removeTemporaryFiles);
