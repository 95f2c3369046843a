import { oidcSource } from '@spendcap/server/age/sources/oidc';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Claims, NOW, refusal, SECOND } from '../../token/token-kit.ts';
import { CLIENT, PROVIDER, type Provider, provider, sourceOf } from './oidc-kit.ts';

let id: Provider;
beforeAll(async () => {
  id = await provider();
});

/** Verified claims of a trust framework. */
const verified = (trust_framework: string, claims: Claims) => ({
  verification: { trust_framework, time: '2026-01-01T00:00Z' },
  claims,
});

describe('birthdate', () => {
  it('is a range of one year, self-declared unless the configuration says more', async () => {
    const token = await id.sign({ birthdate: '2014-05-01' });
    expect(await sourceOf(id)(token)).toEqual({
      range: { min: 12, maxExclusive: 13 },
      asOf: NOW,
      assurance: 'self_declared',
      kind: 'oidc',
      expiresAt: (SECOND + 300) * 1000,
    });
    const assessed = sourceOf(id, { assurance: 'assessed' });
    expect(await assessed(token)).toMatchObject({ assurance: 'assessed' });
  });

  it('is either side of the birthday if it is a year alone', async () => {
    const found = await sourceOf(id)(await id.sign({ birthdate: '2014' }));
    expect(found.range).toEqual({ min: 11, maxExclusive: 13 });
  });

  it.each(['0000', '0000-05-01'])('says nothing if the year is withheld: %s', async (birthdate) => {
    const call = sourceOf(id)(await id.sign({ birthdate }));
    expect(await refusal(call)).toBe('age_evidence_invalid age_missing');
  });

  it.each(['2014-02-30', '2027-01-01', '1870-01-01', '14-05-01', 2014, null])(
    'is refused if it cannot be right: %j',
    async (birthdate) => {
      const call = sourceOf(id)(await id.sign({ birthdate }));
      expect(await refusal(call)).toBe('age_evidence_invalid age_claim_invalid');
    },
  );

  it('falls on the day of the configured calendar', async () => {
    const token = await id.sign({ birthdate: '2010-11-24', exp: SECOND + 90_000 });
    const at = Date.UTC(2026, 10, 23, 20);
    const inShanghai = sourceOf(id, {}, { timeZone: 'Asia/Shanghai' });
    expect((await inShanghai(token, undefined, at)).range.min).toBe(16);
    expect((await sourceOf(id)(token, undefined, at)).range.min).toBe(15);
  });
});

describe('verified_claims', () => {
  const trusting = { trustFrameworks: { eidas: 'verified', de_aml: 'assessed' } } as const;

  it('have the assurance of their framework, and claims beside them are ignored', async () => {
    const claims = { verified_claims: verified('de_aml', { birthdate: '2014-05-01' }) };
    const token = await id.sign({ ...claims, birthdate: '1990-01-01' });
    expect(await sourceOf(id, trusting)(token)).toMatchObject({
      range: { min: 12, maxExclusive: 13 },
      assurance: 'assessed',
    });
  });

  it('of a framework that is not accepted say nothing, and leave the player’s own word', async () => {
    const claims = { verified_claims: verified('nobody', { birthdate: '1990-01-01' }) };
    const surely = sourceOf(id, { ...trusting, assurance: 'verified' });
    expect(await refusal(surely(await id.sign(claims)))).toBe('age_evidence_invalid age_missing');
    expect(await surely(await id.sign({ ...claims, birthdate: '2014-05-01' }))).toMatchObject({
      range: { min: 12, maxExclusive: 13 },
      assurance: 'self_declared',
    });
  });

  it('of several frameworks are put together, and refused if they contradict each other', async () => {
    const both = (first: Claims, second: Claims) =>
      id.sign({ verified_claims: [verified('eidas', first), verified('de_aml', second)] });
    const read = sourceOf(id, trusting);
    expect(await read(await both({ age_over_16: true }, { age_over_18: false }))).toMatchObject({
      range: { min: 16, maxExclusive: 18 },
      assurance: 'verified',
    });
    const call = read(await both({ birthdate: '2014-05-01' }, { birthdate: '1990-01-01' }));
    expect(await refusal(call)).toBe('age_evidence_invalid age_contradictory');
  });

  it.each([
    null,
    'eidas',
    [[]],
    {},
    { claims: { birthdate: '1990-01-01' } },
    { verification: { trust_framework: ['eidas'] }, claims: { birthdate: '1990-01-01' } },
    { verification: { trust_framework: 'eidas' }, claims: [] },
  ])('that are malformed are refused: %j', async (verified_claims) => {
    const call = sourceOf(id, trusting)(await id.sign({ verified_claims }));
    expect(await refusal(call)).toBe('age_evidence_invalid age_claim_invalid');
  });

  it('find no framework on a prototype', async () => {
    const claims = { verified_claims: verified('constructor', { birthdate: '1990-01-01' }) };
    const call = sourceOf(id, trusting)(await id.sign(claims));
    expect(await refusal(call)).toBe('age_evidence_invalid age_missing');
  });
});

describe('the person', () => {
  const claims = { birthdate: '2014-05-01' };

  it('is returned only for a provider with one sub per person', async () => {
    expect(await sourceOf(id)(await id.sign(claims))).not.toHaveProperty('person');
    const found = await sourceOf(id, { oneSubPerPerson: true })(await id.sign(claims));
    expect(found.person).toBe(JSON.stringify([PROVIDER, 'user-1']));
  });
});

describe('the key set', () => {
  const jwks = new URL('https://id.example/jwks.json');
  const answering = (answer: () => Response) => {
    const fetch = async () => answer();
    return oidcSource({ providers: [{ issuer: PROVIDER, clientId: CLIENT, jwks }], fetch });
  };

  it('is fetched from the configured address', async () => {
    const source = answering(() => Response.json(id.jwks));
    const idToken = await id.sign({ birthdate: '2014-05-01' });
    const nonce = 'n-0S6_WzA2Mj';
    expect((await source.verify({ idToken, nonce }, { at: NOW })).range.min).toBe(12);
  });

  it('that cannot be read is reported as such', async () => {
    const source = answering(() => new Response('', { status: 500 }));
    const call = source.verify({ idToken: await id.sign(), nonce: 'n-0S6_WzA2Mj' }, { at: NOW });
    expect(await refusal(call)).toBe('age_source_unavailable');
  });
});

it.each([
  { providers: [] },
  { providers: [{ issuer: '', clientId: CLIENT }] },
  { providers: [{ issuer: PROVIDER, clientId: '' }] },
  { providers: [{ algorithms: ['HS256'] }] },
  { providers: [{ algorithms: ['none'] }] },
  { providers: [{ assurance: 'certain' }] },
  { providers: [{ trustFrameworks: { eidas: 'certain' } }] },
  { providers: [{}, {}] },
  { timeZone: 'Mars/Olympus' },
  { clockToleranceSeconds: 61 },
])('refuses options that can never work: %j', ({ providers = [{}], ...rest }) => {
  const whole = providers.map((each) => ({
    issuer: PROVIDER,
    clientId: CLIENT,
    jwks: id.jwks,
    ...each,
  }));
  expect(() => oidcSource({ providers: whole as never, ...rest })).toThrow(TypeError);
});
