import { assertOptions } from '../option-names.ts';
import { type Policy, parsePolicy } from '../policy.ts';
import { ARTICLE_44, cited } from './cited.ts';

const OPINION_2022 = cited(
  '四部门《关于规范网络直播打赏 加强未成年人保护的意见》（2022-05-07）',
  'Opinion of four departments on regulating tips in live streaming and protecting minors (2022-05-07)',
);
const CIVIL_CODE = cited(
  `${ARTICLE_44.citationIn.zh}；《民法典》第二十条、第一百四十四条`,
  `${ARTICLE_44.citationIn.en}; Civil Code, Art. 20 and 144`,
);

const CATEGORIES = ['tip', 'top_up', 'item', 'subscription'] as const;

/** The operator's limits for one band, decimal strings in CNY. */
export interface CnLiveCaps {
  readonly transaction: string;
  readonly day: string;
}

/** The limits that Article 44 leaves to the operator. */
export interface CnLiveOptions {
  /** Ages 8 to under 16. Default 50 per transaction and 100 a day. */
  readonly age8to15?: CnLiveCaps;
  /** Ages 16 to under 18. Default 100 per transaction and 200 a day. */
  readonly age16to17?: CnLiveCaps;
  /** Categories that you sell besides `tip`, `top_up`, `item` and `subscription`. */
  readonly categories?: readonly string[];
}

/**
 * Live streaming in mainland China. Category `tip` is forbidden under 18 (opinion of 2022; the
 * notice of 2026-04-13 may introduce tiers, so the ban stays until its text is confirmed). Other
 * purchases have a limit per transaction and per day, as Article 44 requires, set by the operator;
 * under 8 nothing may be sold. Tipping requires a real name (notice of 2020-11, secondary sources),
 * so an age must be `verified`.
 *
 * The policy lists its categories, so that a misspelled `tip` is an error and cannot evade the ban.
 *
 * @throws TypeError for an unknown option
 * @throws SpendcapError `policy_invalid` if a limit is not an amount in CNY
 */
export function cnLive(options: CnLiveOptions = {}): Policy {
  assertOptions('cnLive', options, { age8to15: true, age16to17: true, categories: true });
  const {
    categories = [],
    age8to15 = { transaction: '50', day: '100' },
    age16to17 = { transaction: '100', day: '200' },
  } = options;
  // A text would be spread into its letters.
  if (!Array.isArray(categories)) throw new TypeError('cnLive categories must be an array');
  assertOptions('cnLive age8to15', age8to15, { transaction: true, day: true });
  assertOptions('cnLive age16to17', age16to17, { transaction: true, day: true });
  return parsePolicy({
    id: 'cn-live',
    version: '2024-01-01',
    effectiveFrom: '2024-01-01',
    jurisdiction: 'CN',
    currency: 'CNY',
    timeZone: 'Asia/Shanghai',
    scope: 'enterprise',
    unverified: 'refuse',
    minimumAssurance: 'verified',
    refunds: 'original_window',
    categories: [...new Set([...CATEGORIES, ...categories])],
    bands: [
      {
        minAge: 0,
        maxAgeExclusive: 8,
        limits: [],
        forbidden: {
          id: 'cn-live.0-7.forbidden',
          ...CIVIL_CODE,
          status: 'law',
          effectiveFrom: '2024-01-01',
        },
        forbiddenCategories: [noTips('0-7')],
      },
      {
        minAge: 8,
        maxAgeExclusive: 16,
        limits: operatorLimits('8-15', age8to15),
        forbiddenCategories: [noTips('8-15')],
      },
      {
        minAge: 16,
        maxAgeExclusive: 18,
        limits: operatorLimits('16-17', age16to17),
        forbiddenCategories: [noTips('16-17')],
      },
      { minAge: 18, maxAgeExclusive: null, limits: [] },
    ],
  });
}

function noTips(ages: string) {
  return {
    id: `cn-live.${ages}.no-tips`,
    category: 'tip',
    ...OPINION_2022,
    status: 'guidance',
    effectiveFrom: '2022-05-07',
  };
}

function operatorLimits(ages: string, caps: CnLiveCaps) {
  return (['transaction', 'day'] as const).map((period) => ({
    id: `cn-live.${ages}.${period}`,
    period,
    max: caps[period],
    ...ARTICLE_44,
    status: 'operator',
    effectiveFrom: '2024-01-01',
  }));
}
