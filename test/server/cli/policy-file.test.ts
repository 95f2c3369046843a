import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cnGame } from '@spendcap/core';
import { expect, it } from 'vitest';
import { loadPolicy } from '../../../packages/server/src/cli/policy.ts';

it('reads escaped names as they are written, whatever was parsed before', () => {
  const { timeZone, version, ...rest } = cnGame();
  // nodejs/node#63785
  JSON.parse('{"timeZone":0,"\\\\u":0}');
  const text = `{"timeZone":"${timeZone}","\\u0076ersion":"${version}",${JSON.stringify(rest).slice(1)}`;
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-policy-'));
  try {
    const file = join(folder, 'policy.json');
    writeFileSync(file, text);
    expect(loadPolicy(file)).toMatchObject({ version, timeZone });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
