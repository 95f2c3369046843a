import { ASSURANCES, type Assurance } from '@spendcap/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Authority, authority, type Claims, NOW, SECOND, verifierOf } from './token-kit.ts';

let age: Authority;
beforeAll(async () => {
  age = await authority();
});

const range = (min: number, maxExclusive: number | null, asOf = NOW) => [
  { kind: 'range', min, maxExclusive, asOf },
];
const born = (from: string, to = from) => [{ kind: 'born', from, to }];
const verified = (claims: Claims, trust_framework: unknown = 'eidas') => ({
  verification: { trust_framework },
  claims,
});

const UNDERSTOOD: readonly [string, Claims, unknown[]][] = [
  ['no age claim', {}, []],
  ['a range', { age_range: { min: 8, max_exclusive: 16 } }, range(8, 16)],
  ['a range without end', { age_range: { min: 18 } }, range(18, null)],
  ['a range with an open end', { age_range: { min: 18, max_exclusive: null } }, range(18, null)],
  ['a range with unknown members', { age_range: { min: 12, max: 13, note: 'x' } }, range(12, null)],
  ['the whole range of ages', { age_range: { min: 0, max_exclusive: 151 } }, range(0, 151)],
  ['a range that says nothing', { age_range: { min: 0 } }, []],
  ['thresholds', { age_equal_or_over: { '16': true, '18': false } }, range(16, 18)],
  ['no threshold', { age_equal_or_over: {} }, []],
  ['age over', { age_over_18: true }, range(18, null)],
  ['not age over', { age_over_16: false }, range(0, 16)],
  ['age over, with a leading zero', { age_over_08: true, age_over_16: false }, range(8, 16)],
  ['another claim of that form', { age_over_there: 'yes', age_over_1000: 1 }, []],
  ['an age', { age_in_years: 12 }, range(12, 13)],
  ['the highest age', { age_in_years: 150 }, range(150, 151)],
  ['a birth year', { age_birth_year: 2014 }, born('2014-01-01', '2014-12-31')],
  ['a birth date', { birthdate: '2014-02-28' }, born('2014-02-28')],
  ['a birth date of a leap day', { birthdate: '2012-02-29' }, born('2012-02-29')],
  ['a year as birth date', { birthdate: '2014' }, born('2014-01-01', '2014-12-31')],
  ['a birth date of an unknown day', { birthdate: '2014-02-00' }, born('2014-02-01', '2014-02-28')],
  ['a birth month', { birthdate: '2012-02' }, born('2012-02-01', '2012-02-29')],
  ['a birth month of 31 days', { birthdate: '2014-12-00' }, born('2014-12-01', '2014-12-31')],
  ['an unknown month', { birthdate: '2014-00-00' }, born('2014-01-01', '2014-12-31')],
  ['an unknown month alone', { birthdate: '2014-00' }, born('2014-01-01', '2014-12-31')],
  ['a withheld year', { birthdate: '0000-05-05' }, []],
  ['birth today', { birthdate: '2026-11-23' }, born('2026-11-23')],
  ['the earliest birth date', { birthdate: '1875-11-24' }, born('1875-11-24')],
  [
    'the time of issue',
    { age_in_years: 12, iat: SECOND - 86_400 },
    range(12, 13, NOW - 86_400_000),
  ],
  ['no time of issue', { age_in_years: 12, iat: undefined, nbf: SECOND - 9 }, range(12, 13)],
  [
    'several claims, intersected',
    { age_range: { min: 8 }, age_over_18: false, age_equal_or_over: { '12': true } },
    range(12, 18),
  ],
  [
    'a birth year and a date in it',
    { age_birth_year: 2014, birthdate: '2014-06-01' },
    born('2014-06-01'),
  ],
  [
    'an age and a birth date that agree',
    { age_in_years: 12, birthdate: '2014-11-23' },
    [...range(12, 13), ...born('2014-11-23')],
  ],
  [
    'verified claims, and not the self-asserted ones beside them',
    { verified_claims: verified({ birthdate: '2014-06-01' }), birthdate: '1990-01-01' },
    born('2014-06-01'),
  ],
  [
    'verified claims that say nothing of age',
    { verified_claims: verified({}), age_over_18: true },
    [],
  ],
  [
    'several verified claims',
    { verified_claims: [verified({ age_over_16: true }), verified({ age_over_18: false })] },
    range(16, 18),
  ],
];

describe('age claims', () => {
  it.each(UNDERSTOOD)('reads %s', async (_, claims, statements) => {
    const evidence = await verifierOf(age).verify(await age.sign(claims));
    expect(evidence.statements).toEqual(statements);
  });
});

describe('how sure an issuer is', () => {
  const assuranceOf = async (claims: Claims, issuer: object = {}) => {
    const token = await age.sign({ assurance: undefined, ...claims });
    return (await verifierOf(age, { issuer }).verify(token)).assurance;
  };
  const framework = (trust_framework: unknown) => verified({}, trust_framework);

  it.each<[string, Claims, Assurance]>([
    ['no word', {}, 'self_declared'],
    ...ASSURANCES.map((word): [string, Claims, Assurance] => [word, { assurance: word }, word]),
    ['a word of its own', { assurance: 'high' }, 'self_declared'],
    ['a level in another case', { assurance: 'Verified' }, 'self_declared'],
    ['a level and more', { assurance: 'verified ' }, 'self_declared'],
    ['a member of every object', { assurance: 'constructor' }, 'self_declared'],
    ['no text', { assurance: ['verified'] }, 'self_declared'],
    ['a trust framework', { verified_claims: framework('de_aml') }, 'self_declared'],
  ])('accepts alone %s', async (_, claims, assurance) => {
    expect(await assuranceOf(claims)).toBe(assurance);
  });

  it.each<[string, Claims, Assurance]>([
    ['a word', { assurance: 'high' }, 'verified'],
    ['another', { assurance: 'low' }, 'guardian'],
    ['one that is not configured', { assurance: 'verified' }, 'self_declared'],
    ['a trust framework', { verified_claims: framework('de_aml') }, 'assessed'],
    ['the word first', { assurance: 'low', verified_claims: framework('de_aml') }, 'guardian'],
    ['two frameworks', { verified_claims: [framework('x'), framework('de_aml')] }, 'self_declared'],
    ['a framework that is no text', { verified_claims: framework(['de_aml']) }, 'self_declared'],
    ['no word', {}, 'self_declared'],
  ])('takes as configured %s', async (_, claims, expected) => {
    const assurance = { high: 'verified', low: 'guardian', de_aml: 'assessed' };
    expect(await assuranceOf(claims, { assurance })).toBe(expected);
  });

  it('takes one level for all tokens of an issuer', async () => {
    expect(await assuranceOf({}, { assurance: 'assessed' })).toBe('assessed');
    expect(await assuranceOf({ assurance: 'verified' }, { assurance: 'guardian' })).toBe(
      'guardian',
    );
  });
});

describe('the claims that count', () => {
  it.each<[string, readonly string[], Claims, unknown[]]>([
    [
      'one claim',
      ['age_range'],
      { age_range: { min: 8 }, birthdate: '1990-01-01' },
      range(8, null),
    ],
    ['no other', ['age_range'], { age_over_18: true, age_in_years: 30 }, []],
    [
      'age over any number',
      ['age_over_NN'],
      { age_over_16: true, age_over_21: false },
      range(16, 21),
    ],
    ['nothing beside verified claims', ['verified_claims'], { birthdate: '1990-01-01' }, []],
    [
      'all that is inside them',
      ['verified_claims'],
      { verified_claims: verified({ birthdate: '2014-06-01', age_over_18: false }) },
      [...range(0, 18), ...born('2014-06-01')],
    ],
    [
      'only what is beside them',
      ['birthdate'],
      { birthdate: '2014-06-01', verified_claims: verified({ birthdate: '1990-01-01' }) },
      born('2014-06-01'),
    ],
    ['what is not looked at may be wrong', ['age_range'], { age_in_years: -1 }, []],
    ['no claim of the list’s own name', ['age_over_NN'], { age_over_NN: true }, []],
  ])('are %s', async (...[, claims, stated, statements]) => {
    const verifier = verifierOf(age, { issuer: { claims } });
    expect((await verifier.verify(await age.sign(stated))).statements).toEqual(statements);
  });
});
