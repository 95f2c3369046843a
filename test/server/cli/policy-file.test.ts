import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cnGame } from '@spendcap/core';
import { expect, it } from 'vitest';
import { loadPolicy } from '../../../packages/server/src/cli/policy.ts';
import { misreadJson } from '../../support/misread.ts';

it('reads escaped names as they are written, whatever was parsed before', () => {
  const { version, ...rest } = cnGame();
  const text = misreadJson(rest, 'version', version);
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-policy-'));
  try {
    const file = join(folder, 'policy.json');
    writeFileSync(file, text);
    expect(loadPolicy(file)).toMatchObject({ version });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
