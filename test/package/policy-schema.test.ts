import { join } from 'node:path';
import { policyJsonSchema } from '@spendcap/core';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';

// `npm test -- -u test/package/policy-schema.test.ts` rewrites it.
it('the published JSON Schema of policies is the one that validates them', async () => {
  const file = join(ROOT, 'packages', 'core', 'policy.schema.json');
  await expect(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(file);
});
