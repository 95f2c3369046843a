import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, expect, it, vi } from 'vitest';
import { newKeyFile, rotateKeys } from '../../../packages/server/src/cli/keys.ts';
import { removeTemporaryFiles, temporaryFile } from '../../support/temporary.ts';

const LOCK_OF_ANOTHER = 'the lock of another call';

// Another call begins in the very instant in which this one has put its file in place.
vi.mock('node:fs', async (load) => {
  const fs = await load<typeof import('node:fs')>();
  const renameSync: typeof fs.renameSync = (from, to) => {
    fs.renameSync(from, to);
    writeFileSync(from, LOCK_OF_ANOTHER);
  };
  return { ...fs, renameSync };
});

afterAll(removeTemporaryFiles);

it('rotating takes no lock away but its own', async () => {
  const file = temporaryFile('keys.json');
  await newKeyFile(file, { alg: 'ES256' });
  await rotateKeys(file, { alg: 'ES256', ahead: 3600 }, Date.now());
  expect(JSON.parse(readFileSync(file, 'utf8')).keys).toHaveLength(2);
  expect(readFileSync(`${file}.new`, 'utf8')).toBe(LOCK_OF_ANOTHER);
});
