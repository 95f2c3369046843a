import { randomUUID } from 'node:crypto';
import { ageIssuer } from '@spendcap/sandbox';
import { ageTokens } from '@spendcap/server';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { type Comparison, inFlight } from './harness.ts';

const NAMED = { issuer: 'https://age.example', audience: 'https://limiter.example' };

async function parts() {
  const issuer = await ageIssuer(NAMED);
  const verifier = ageTokens({ issuers: [{ ...NAMED, jwks: issuer.jwks }], cacheSize: 1_000_000 });
  const keys = createLocalJWKSet({ keys: [...issuer.jwks.keys] });
  const bare = (token: string) => jwtVerify(token, keys, { ...NAMED, typ: 'age+jwt' });
  return { issuer, verifier, bare };
}

export async function verifiedAgain(): Promise<Comparison> {
  const { issuer, verifier, bare } = await parts();
  const token = await issuer.issue({ subject: 'player', age: 12, expiresInSeconds: 3_600 });
  return {
    work: 'age token verified again',
    ours: { name: 'verify', run: (count) => inFlight(count, () => verifier.verify(token)) },
    beside: {
      name: 'jwtVerify each time',
      run: (count) => inFlight(count, () => bare(token)),
    },
    atLeast: 50,
    count: 400_000,
    besideCount: 8_000,
  };
}

const TOKENS = 2_000;

export async function verifiedFirst(): Promise<Comparison> {
  const { issuer, verifier, bare } = await parts();
  const rounds = Array.from({ length: 20 }, async () =>
    Promise.all(
      Array.from({ length: TOKENS }, (_, index) =>
        issuer.issue({ subject: `player-${index}`, age: 12, claims: { jti: randomUUID() } }),
      ),
    ),
  );
  const unseen = await Promise.all(rounds);
  let round = 0;
  const next = () => {
    round += 1;
    return unseen[round - 1] ?? [];
  };
  return {
    work: 'age token verified the first time',
    ours: {
      name: 'verify',
      run: (count) => {
        const tokens = next();
        return inFlight(count, (index) => verifier.verify(tokens[index] ?? ''));
      },
    },
    beside: {
      name: 'jwtVerify',
      run: (count) => {
        const tokens = next();
        return inFlight(count, (index) => bare(tokens[index] ?? ''));
      },
    },
    // jose does the same, after the claims were read strictly once.
    atLeast: 0.7,
    count: TOKENS,
  };
}
