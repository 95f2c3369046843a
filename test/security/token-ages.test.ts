import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Authority,
  authority,
  type Claims,
  faultOf,
  SECOND,
} from '../server/age/token/token-kit.ts';

let age: Authority;
beforeAll(async () => {
  age = await authority();
});

const fault = (token: string, options = {}) => faultOf(age, token, options);

describe('ages that cannot be right', () => {
  const verified = (claims: unknown) => ({ verification: { trust_framework: 'eidas' }, claims });
  it.each<[string, Claims]>([
    ['a negative age', { age_in_years: -1 }],
    ['an age above 150', { age_in_years: 151 }],
    ['a part of a year', { age_in_years: 12.5 }],
    ['an age as text', { age_in_years: '12' }],
    ['an age as a list', { age_in_years: [12] }],
    ['no age', { age_in_years: null }],
    ['a negative range', { age_range: { min: -1, max_exclusive: 16 } }],
    ['a range above 150', { age_range: { min: 151 } }],
    ['a range that ends above 151', { age_range: { min: 8, max_exclusive: 152 } }],
    ['a range without start', { age_range: { max_exclusive: 16 } }],
    ['a range as text', { age_range: '8-16' }],
    ['a range as list', { age_range: [8, 16] }],
    ['a range null', { age_range: null }],
    ['a threshold as text', { age_over_18: 'true' }],
    ['a threshold as number', { age_over_18: 1 }],
    ['a threshold above 150', { age_over_151: true }],
    ['a list of thresholds', { age_equal_or_over: ['18'] }],
    ['a threshold that is no number', { age_equal_or_over: { adult: true } }],
    ['a negative threshold', { age_equal_or_over: { '-1': true } }],
    ['a birth year as text', { age_birth_year: '2014' }],
    ['a birth year of two digits', { age_birth_year: 14 }],
    ['a birth year in the future', { age_birth_year: 2027 }],
    ['a birth year before 151 years', { age_birth_year: 1874 }],
    ['a birth date that never was', { birthdate: '2014-02-30' }],
    ['a birth date of 151 years ago', { birthdate: '1875-11-23' }],
    ['a birth date in the future', { birthdate: '2026-11-24' }],
    ['a birth date in another form', { birthdate: '23.11.2014' }],
    ['a birth month of the year 14', { birthdate: '0014-05' }],
    ['a day of an unknown month', { birthdate: '2014-00-23' }],
    ['a birth month that never was', { birthdate: '2014-13' }],
    ['a birth month in the future', { birthdate: '2026-12-00' }],
    ['a birth date with a time', { birthdate: '2014-11-23T00:00:00Z' }],
    ['a birth date as number', { birthdate: 20141123 }],
    ['verified claims without claims', { verified_claims: { verification: {} } }],
    ['verified claims without verification', { verified_claims: { claims: {} } }],
    ['verified claims null', { verified_claims: null }],
    ['a wrong claim that is verified', { verified_claims: verified({ age_in_years: 200 }) }],
  ])('refuses as age %s', async (_, claims) => {
    expect(await fault(await age.sign(claims))).toBe('age_claim_invalid');
  });

  it.each<[string, Claims]>([
    ['over 18 and not over 16', { age_over_18: true, age_over_16: false }],
    ['an empty range', { age_range: { min: 16, max_exclusive: 16 } }],
    ['a range backwards', { age_range: { min: 18, max_exclusive: 16 } }],
    ['an age outside its range', { age_in_years: 12, age_range: { min: 16 } }],
    ['12 and over 13', { age_in_years: 12, age_over_13: true, iat: SECOND - 86_400 }],
    ['not over 0', { age_over_00: false }],
    ['two birth years', { age_birth_year: 2014, birthdate: '2013' }],
    ['an age and a birth date', { age_in_years: 30, birthdate: '2014-11-23' }],
    [
      'two verified claims',
      { verified_claims: [verified({ age_over_18: true }), verified({ birthdate: '2014' })] },
    ],
  ])('refuses contradictory ages: %s', async (_, claims) => {
    expect(await fault(await age.sign(claims))).toBe('age_contradictory');
  });
});
