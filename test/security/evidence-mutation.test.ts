import { expect, it } from 'vitest';
import { AGE_SOURCES } from '../support/age-sources.ts';
import { mutantBytes, mutantTokens, refusalsOf } from './mutate.ts';

/** A mutant is refused as evidence: never accepted, and never with an error of a library’s. */
const REFUSED = 'age_evidence_invalid';

const mutated = AGE_SOURCES.flatMap((entry) => ('not' in entry.mutated ? [] : [entry.mutated()]));

it.each((await Promise.all(mutated)).flat())(
  'accepts none of $count mutants of $what',
  async ({ valid, show, whys, ...options }) => {
    const mutants =
      typeof valid === 'string' ? mutantTokens(valid, options) : mutantBytes(valid, options);
    const verify = (mutant: string | Uint8Array) => show(mutant as never);
    await verify(valid);
    const refusals = await refusalsOf(mutants, verify, REFUSED);
    for (const [why, least] of Object.entries(whys)) {
      expect(refusals.get(why), why).toBeGreaterThanOrEqual(least);
    }
  },
  120_000,
);
