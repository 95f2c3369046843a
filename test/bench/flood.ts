import { ageIssuer } from '@spendcap/sandbox';
import { ageTokens } from '@spendcap/server';
import { type Comparison, inFlight, SUBJECTS } from './harness.ts';
import { heap } from './memory.ts';

const NAMED = { issuer: 'https://age.example', audience: 'https://limiter.example' };
const FLOOD = 100_000;

/** Half of the flood is refused by its signature, the rest by key id or form. */
const KINDS = 4;

async function makeTokens(count: number) {
  const [issuer, stranger] = await Promise.all([ageIssuer(NAMED), ageIssuer(NAMED)]);
  const valid = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      issuer.issue({ subject: `player-${index}`, age: 12 }),
    ),
  );
  const [header = '', payload = ''] = (await issuer.issue({ subject: 'any', age: 30 })).split('.');
  const other = (await stranger.issue({ subject: 'any', age: 30 })).split('.')[0] ?? '';
  const randomText = (index: number) =>
    Buffer.from(`no token at all ${index}`).toString('base64url');
  /** Distinct for each index; none is valid. */
  const invalid = (index: number): string => {
    const signature = Buffer.alloc(64);
    signature.writeUInt32BE(index + 1, 28);
    signature.writeUInt32BE(index + 1, 60);
    const signed = signature.toString('base64url');
    if (index % KINDS < 2) return `${header}.${payload}.${signed}`;
    if (index % KINDS === 2) return `${other}.${payload}.${signed}`;
    return `${header}.${randomText(index)}.${signed}`;
  };
  const verifier = ageTokens({ issuers: [{ ...NAMED, jwks: issuer.jwks }] });
  return { valid, invalid, verifier };
}

async function refused(call: Promise<unknown>): Promise<void> {
  const accepted = await call.then(
    () => true,
    () => false,
  );
  if (accepted) throw new Error('an invalid token was accepted');
}

/** Tokens that are new to the verifier, each beside an invalid one, and alone. */
export async function floodComparison(): Promise<Comparison> {
  const rounds = 20;
  const { valid, invalid, verifier } = await makeTokens(rounds * SUBJECTS);
  let used = 0;
  let bad = 0;
  const verify = () => {
    used += 1;
    return verifier.verify(valid[used - 1] ?? '');
  };
  const attack = () => {
    bad += 1;
    return refused(verifier.verify(invalid(bad)));
  };
  return {
    work: 'valid tokens in a flood of as many distinct invalid ones',
    ours: {
      name: 'with the flood',
      run: (count) => inFlight(count, () => Promise.all([verify(), attack()])),
    },
    beside: { name: 'without', run: (count) => inFlight(count, verify) },
    atLeast: 0.5,
    count: SUBJECTS,
  };
}

/** What a flood leaves in memory, and whether the players in the cache stay there. */
export async function floodTable(): Promise<Record<string, string>> {
  const { valid, invalid, verifier } = await makeTokens(SUBJECTS);
  const known = await Promise.all(valid.map((token) => verifier.verify(token)));
  const before = heap();
  await inFlight(FLOOD, (index) => refused(verifier.verify(invalid(index))));
  const grown = heap() - before;
  const again = await Promise.all(valid.map((token) => verifier.verify(token)));
  const kept = again.filter((evidence, index) => evidence === known[index]).length;
  return {
    [`bytes kept of each of ${FLOOD} invalid tokens`]: (grown / FLOOD).toFixed(1),
    [`of ${SUBJECTS} known players, still in the cache after it`]: String(kept),
  };
}
