import { SpendcapError } from '@spendcap/core';
import { appleSource, googlePlaySource } from '@spendcap/server/age/sources/platform';
import { expect, it } from 'vitest';
import { NOW } from '../server/age/token/token-kit.ts';
import { AGE_SOURCES } from '../support/age-sources.ts';
import { mutantBytes } from './mutate.ts';

it.each([
  { kind: 'apple_age_range', sourceOf: appleSource },
  { kind: 'google_play_age_signals', sourceOf: googlePlaySource },
])(
  'takes a mutant of a signal of $kind for a client claim at most, where nothing attests it',
  async ({ kind, sourceOf }) => {
    const { mutated } = AGE_SOURCES.find((entry) => entry.kind === kind) ?? expect.fail();
    if ('not' in mutated) expect.fail(mutated.not);
    const [signal] = await mutated();
    let claims = 0;
    for (const mutant of mutantBytes(Buffer.from(signal?.valid ?? ''), {
      seed: 7,
      count: 20_000,
    })) {
      const shown = { signal: Buffer.from(mutant).toString('latin1') };
      const outcome = await sourceOf()
        .verify(shown, { at: NOW })
        .catch((error) => error);
      if (SpendcapError.isInstance(outcome)) expect(outcome.code).toBe('age_evidence_invalid');
      else {
        expect(outcome.assurance).toBe('client_claim');
        claims += 1;
      }
    }
    expect(claims).toBeGreaterThan(100);
  },
  120_000,
);
