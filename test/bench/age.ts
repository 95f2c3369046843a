import { randomUUID } from 'node:crypto';
import { ageAuthority, generateAuthorityKey } from '@spendcap/server/age/authority';
import { importJWK, SignJWT } from 'jose';
import { type Comparison, inFlight } from './harness.ts';

const NAMED = { issuer: 'https://age.example', audience: 'https://limiter.example' };

/** From evidence that is not verified, so that only the authority's own work is measured. */
export async function ageTokenIssued(): Promise<Comparison> {
  const key = await generateAuthorityKey();
  const range = { min: 12, maxExclusive: 13 };
  const authority = ageAuthority({
    issuer: NAMED.issuer,
    keys: [key],
    sources: {
      desk: {
        kind: 'desk',
        verify: async (_: object, { at }) =>
          ({ range, asOf: at, assurance: 'verified', kind: 'desk' }) as const,
      },
    },
    subjectKey: 'the subject key of a benchmark',
  });
  const privateKey = await importJWK({ ...key }, 'ES256');
  const header = { alg: 'ES256', typ: 'age+jwt', kid: key.kid ?? '' };
  const bare = (subject: string) => {
    const iat = Math.floor(Date.now() / 1000);
    return new SignJWT({
      iss: NAMED.issuer,
      aud: NAMED.audience,
      sub: subject,
      iat,
      exp: iat + 300,
      jti: randomUUID(),
      age_range: { min: range.min, max_exclusive: range.maxExclusive },
      assurance: 'verified',
      evidence: 'desk',
    })
      .setProtectedHeader(header)
      .sign(privateKey);
  };
  const { audience } = NAMED;
  return {
    work: 'age token issued',
    ours: {
      name: 'issue',
      run: (count) =>
        inFlight(count, (index) =>
          authority.issue({ desk: {} }, { subject: `player-${index}`, audience }),
        ),
    },
    beside: {
      name: 'SignJWT',
      run: (count) => inFlight(count, (index) => bare(`player-${index}`)),
    },
    atLeast: 0.85,
    count: 5_000,
  };
}
