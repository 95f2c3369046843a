import { permitVerifier } from '@spendcap/server';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  type Authority,
  authority,
  faultOf,
  ISSUER,
  NOW,
  refusal,
  SECOND,
  verifierOf,
} from '../server/age/token/token-kit.ts';
import { AGE_SOURCES } from '../support/age-sources.ts';

/**
 * One party that signs every kind of token with one key, so that they differ in nothing but the
 * kind.
 */
let age: Authority;
beforeAll(async () => {
  age = await authority();
});

const PURCHASE = { id: 'order-1', amount: '1.00', currency: 'CNY' };

/** Claims that satisfy every verifier. */
const EVERYTHING = {
  jti: 'order-1',
  purchase_id: 'order-1',
  amount: '1.00',
  currency: 'CNY',
  app: null,
  policy: 'p',
  nonce: 'a-nonce-of-this-request',
  account: 'account-1',
  birthdate: '1990-01-01',
  age_range: { min: 18 },
  by: 'guardian',
};

/** The sources whose evidence is a token, too. */
const SOURCES = AGE_SOURCES.flatMap(({ kind, jws }) =>
  jws === undefined ? [] : [{ kind, ...jws }],
);

/** Each takes a token, and says how it was refused, or that it was not. */
const VERIFIERS: Readonly<Record<string, (token: string) => Promise<string>>> = {
  'age token': (token) => outcome(verifierOf(age).verify(token)),
  permit: (token) => {
    const parties = { issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
    return outcome(permitVerifier({ jwks: age.jwks, ...parties })(token, PURCHASE));
  },
  ...Object.fromEntries(
    SOURCES.map(({ kind, show }) => [kind, (token: string) => outcome(show(token, signer()))]),
  ),
};

function signer() {
  const { nonce } = EVERYTHING;
  return { issuer: ISSUER, audience: AUDIENCE, jwks: age.jwks, subject: 'player-1', nonce };
}

async function outcome(call: Promise<unknown>): Promise<string> {
  const taken = await call.then(
    () => true,
    () => false,
  );
  return taken ? 'taken' : refusal(call);
}

/** Every kind of token there is, by its `typ`, and the one verifier that takes it. */
const KINDS: readonly (readonly [string | undefined, string | null])[] = [
  ['age+jwt', 'age token'],
  ['permit+jwt', 'permit'],
  ...SOURCES.flatMap(({ kind, types }) => types.map((typ) => [typ, kind] as const)),
  ['at+jwt', null],
  ['dpop+jwt', null],
  ['kb+jwt', null],
  ['dc+sd-jwt', null],
  ['statuslist+jwt', null],
  ['logout+jwt', null],
  ['secevent+jwt', null],
];

describe('one kind of token for another (RFC 8725, 3.11 and 3.12)', () => {
  it.each(KINDS)('typ %s is taken as %s and nothing else', async (typ, mine) => {
    const token = await age.sign(EVERYTHING, { typ } as { typ: string });
    for (const [name, verify] of Object.entries(VERIFIERS)) {
      const result = await verify(token);
      if (name === mine) expect(result, name).toBe('taken');
      else expect(result, name).toMatch(/type_mismatch$/);
    }
  });
});

describe('a token for someone else (RFC 8725, 3.8 and 3.9)', () => {
  it('of another enterprise or another limiter is refused, also beside ours', async () => {
    for (const aud of [
      'https://limiter.other.example',
      `${AUDIENCE}/`,
      AUDIENCE.toUpperCase(),
      '',
    ]) {
      expect(await faultOf(age, await age.sign({ aud }))).toBe('audience_mismatch');
    }
    expect(await faultOf(age, await age.sign({ aud: ['https://other.example', 7, null] }))).toBe(
      'audience_mismatch',
    );
  });

  it('signed by one issuer in the name of another is refused', async () => {
    const other = await authority('key-1');
    const issuers = [
      { issuer: ISSUER, audience: AUDIENCE, jwks: age.jwks },
      { issuer: 'https://other.example', audience: AUDIENCE, jwks: other.jwks },
    ];
    expect(await faultOf(age, await other.sign(), { issuers })).toBe('signature_invalid');
    expect(await faultOf(age, await age.sign({ iss: 'https://other.example' }), { issuers })).toBe(
      'signature_invalid',
    );
    // Each in its own name is taken, and one sub of both is two people.
    const verifier = verifierOf(age, { issuers });
    const [mine, theirs] = await Promise.all([
      verifier.verify(await age.sign()),
      verifier.verify(await other.sign({ iss: 'https://other.example' })),
    ]);
    expect(mine.subject).not.toBe(theirs.subject);
  });

  it('is not helped by what a token says of where its keys or its issuer are', async () => {
    const stranger = await authority();
    const header = { jku: 'https://evil.example/keys', kid: 'key-1', iss: ISSUER };
    const claims = { jku: 'https://evil.example/keys', jwks: stranger.jwks, iat: SECOND };
    expect(await faultOf(age, await stranger.sign(claims, header))).toBe('signature_invalid');
  });
});
