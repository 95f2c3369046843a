import type { Assurance } from '@spendcap/core';
import { ageTokens } from '@spendcap/server';
import {
  type AgeAuthorityOptions,
  ageAuthority,
  generateAuthorityKey,
} from '@spendcap/server/age/authority';
import type { AgeSource, SourceFinding } from '@spendcap/server/age/sources';
import { AUDIENCE, ISSUER, NOW } from '../token/token-kit.ts';

export const SUBJECT_KEY = 'the subject key of a test';

/** Takes a finding's parts as evidence and believes them. */
export function believing(kind: string, assurance: Assurance = 'verified') {
  return {
    kind,
    verify: async (evidence: Partial<SourceFinding>, { at }: { readonly at: number }) => ({
      range: { min: 12, maxExclusive: 13 },
      asOf: at,
      assurance,
      kind,
      ...evidence,
    }),
  } satisfies AgeSource<Partial<SourceFinding>>;
}

export const SOURCES = { desk: believing('desk'), phone: believing('phone', 'client_claim') };

export async function authorityWith(options: Partial<AgeAuthorityOptions<typeof SOURCES>> = {}) {
  return ageAuthority({
    issuer: ISSUER,
    keys: [await generateAuthorityKey()],
    sources: SOURCES,
    subjectKey: SUBJECT_KEY,
    now: () => NOW,
    ...options,
  });
}

export const NAMED = { subject: 'account-1', audience: AUDIENCE } as const;

/** A verifier of an authority's tokens as they are published now. */
export function verifierFor(
  authority: Pick<Awaited<ReturnType<typeof authorityWith>>, 'jwks'>,
  { audience = AUDIENCE, now = () => NOW, algorithms = ['ES256'] } = {},
) {
  const issuers = [{ issuer: ISSUER, audience, jwks: authority.jwks(), algorithms }];
  return ageTokens({ issuers, now });
}
