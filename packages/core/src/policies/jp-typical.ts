import { assertOptions } from '../option-names.ts';
import { type Policy, parsePolicy } from '../policy.ts';

const CITATION = 'JOGA 2013 guideline (names no amounts); typical monthly caps of Japanese titles';

/**
 * Typical self-regulation of Japanese titles: under 16, JPY 5,000 a month; 16 and 17, JPY 20,000;
 * from 18 (the age of majority since 2022-04-01) no limit. Counted per title, so every purchase
 * names its `app`. The strictest band applies to a token that states no age. It has no options.
 *
 * @throws TypeError for any option
 */
export function jpTypical(options: Readonly<Record<never, never>> = {}): Policy {
  assertOptions('jpTypical', options, {});
  return parsePolicy({
    id: 'jp-typical',
    version: '2022-04-01',
    effectiveFrom: '2022-04-01',
    jurisdiction: 'JP',
    currency: 'JPY',
    timeZone: 'Asia/Tokyo',
    scope: 'app',
    unverified: 'strictest_band',
    refunds: 'original_window',
    bands: [
      { minAge: 0, maxAgeExclusive: 16, limits: [monthly('0-15', '5000')] },
      { minAge: 16, maxAgeExclusive: 18, limits: [monthly('16-17', '20000')] },
      { minAge: 18, maxAgeExclusive: null, limits: [] },
    ],
  });
}

function monthly(ages: string, max: string) {
  return {
    id: `jp-typical.${ages}.month`,
    period: 'month',
    max,
    citation: CITATION,
    status: 'guidance',
    effectiveFrom: '2022-04-01',
  };
}
